# shellcheck shell=bash
# Sourced by the scripts beside it: installing what a peer needs, starting it, ending it.
# Peers listen on 127.0.0.1 only and are ended by the pid that they were started with. Exit codes: 0 done; 1 the peer failed;
# 2 wrong usage; 77 this machine cannot have the peer, and the last line on stderr says why (a test skips with that reason).
set -eu
CACHE="${PEERS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kafkalite-peers}"
mkdir -p "$CACHE"

unavailable() { echo "$*" >&2; exit 77; }

# once COMMAND...: one installation at a time on this machine, whoever asks; tests start peers side by side.
once() { (flock 9 && "$@") 9>"$CACHE/lock"; }

# need PROGRAM-OR-FILE DEBIAN-PACKAGE...: installs the packages if it is missing, which only root can.
need() {
  local wanted="$1"; shift
  [ -e "$wanted" ] || command -v "$wanted" >/dev/null 2>&1 || once install_packages "$wanted" "$@"
}
install_packages() {
  local wanted="$1"; shift
  if [ -e "$wanted" ] || command -v "$wanted" >/dev/null 2>&1; then return 0; fi
  command -v apt-get >/dev/null 2>&1 || unavailable "$wanted is missing: install it (Debian's name for it: $*)"
  [ "$(id -u)" = 0 ] || unavailable "$wanted is missing: install it, for example with 'sudo apt-get install $*'"
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; } \
    >"$CACHE/apt.log" 2>&1 || unavailable "$wanted is missing and 'apt-get install $*' failed: see $CACHE/apt.log"
}

listening() { (exec 8<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {  # free_port: prints one that nobody listens on, below the range that the kernel hands out for outgoing connections
  local port
  for _ in $(seq 100); do
    port=$((11000 + RANDOM % 1800 * 10))
    listening "$port" || { echo "$port"; return 0; }
  done
  echo "no free port found" >&2; exit 1
}

# spawn DIR PORT COMMAND...: in the background, output to DIR/log, pid to DIR/pid.
# With PEERS_OWNER=PID in the environment the peer is ended when that process is gone, so that a killed test leaves nothing behind.
spawn() {
  local dir="$1" port="$2"; shift 2
  if listening "$port"; then echo "port $port is in use" >&2; exit 1; fi
  setsid nohup "$@" >"$dir/log" 2>&1 </dev/null & echo $! >"$dir/pid"
  # Not "test || watch &": the subshell of such a list would keep the caller's stdout open for as long as the peer lives.
  if [ -n "${PEERS_OWNER:-}" ]; then
    setsid nohup bash -c \
      'while kill -0 "$0" 2>/dev/null; do kill -0 "$1" 2>/dev/null || exit 0; sleep 1; done; kill -KILL "$1"' \
      "$PEERS_OWNER" "$(cat "$dir/pid")" >/dev/null 2>&1 </dev/null &
  fi
}
wait_port() {  # wait_port NAME DIR PORT: prints one line when the peer listens
  for _ in $(seq 1200); do
    listening "$3" && { echo "$1 127.0.0.1:$3 pid=$(cat "$2/pid")"; return 0; }
    kill -0 "$(cat "$2/pid")" 2>/dev/null || break
    sleep 0.1
  done
  echo "$1 did not come up on port $3, the end of $2/log:" >&2; tail -n 5 "$2/log" >&2
  kill -KILL "$(cat "$2/pid")" 2>/dev/null || true
  exit 1
}
stop() {  # stop DIR [SIGNAL]: TERM and wait, then KILL
  local pid; pid=$(cat "$1/pid"); kill "-${2:-TERM}" "$pid" 2>/dev/null || true
  for _ in $(seq 300); do kill -0 "$pid" 2>/dev/null || { rm -f "$1/pid"; return 0; }; sleep 0.1; done
  kill -KILL "$pid"; rm -f "$1/pid"
}
usage() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }  # the script's own heading

# maven NAME G:A:V...: copies the artifacts and all they need at run time into $CACHE/NAME, once.
maven() {
  [ -f "$CACHE/$1/.complete" ] && return 0
  need java openjdk-17-jre-headless; need mvn maven
  once copy_jars "$@"
}
copy_jars() {
  local name="$1" pom artifact; shift
  [ -f "$CACHE/$name/.complete" ] && return 0
  pom="$(mktemp -d)/pom.xml"
  {
    echo "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion><groupId>peers</groupId>"
    echo "<artifactId>$name</artifactId><version>1</version><dependencies>"
    for artifact; do
      IFS=: read -r group id version <<<"$artifact"
      echo "<dependency><groupId>$group</groupId><artifactId>$id</artifactId><version>$version</version></dependency>"
    done
    echo '</dependencies></project>'
  } >"$pom"
  mvn -q -B -f "$pom" dependency:copy-dependencies -DoutputDirectory="$CACHE/$name" -DincludeScope=runtime >"$CACHE/maven.log" 2>&1 \
    || unavailable "cannot get $name: see $CACHE/maven.log"
  rm -r "$(dirname "$pom")"
  touch "$CACHE/$name/.complete"
}

# go_program NAME: builds the program in go/NAME unless that is done, and prints where it is.
go_program() {
  local source program; source="$(cd "$(dirname "$0")/go" && pwd)"
  program="$CACHE/$1-$(cat "$source/$1"/*.go "$source"/line/*.go "$source"/go.* | sha256sum | cut -c1-12)"
  need go golang-go || exit  # set -e ends no $(...)
  [ -x "$program" ] || once build_go_program "$source" "$1" "$program" || exit
  echo "$program"
}
build_go_program() {
  [ -x "$3" ] && return 0
  (cd "$1" && go build -trimpath -o "$3.new" "./$2") >"$CACHE/go.log" 2>&1 || unavailable "cannot build $2: see $CACHE/go.log"
  mv "$3.new" "$3"
}
