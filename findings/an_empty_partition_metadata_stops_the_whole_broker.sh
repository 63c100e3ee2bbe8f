#!/usr/bin/env bash
# Apache Kafka 4.4.0.
#
# One would assume that what is damaged in one partition's directory costs that partition at the most: a torn log is cut, a lost index made
# anew, and a partition.metadata that is not there is written again.
#
# It is not so of a partition.metadata that is there and empty, as a power cut leaves a file that was written and not flushed, or a full
# disk one that was copied: the broker ends at its start with a NullPointerException, for the sake of one file, and names no file.
# (Kafka flushes its own before it renames them. Who writes or copies a data directory for it has to do that, too. Without the file, it starts.)
#
# Seen:
#   partition.metadata empty: the broker ended; removed: the broker started and wrote it again
#
# Needs Java 17, Maven and Python 3. Everything is installed and run below a temporary folder; the broker listens on loopback.
set -euo pipefail
EXPECTED='partition.metadata empty: the broker ended; removed: the broker started and wrote it again'

here="$(mktemp -d)"
broker=
finish() {
  [ -z "$broker" ] || { kill "$broker" && wait "$broker"; } 2>/dev/null || true
  rm -rf "$here"
}
trap finish EXIT
cd "$here"

cat >pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>findings</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.4.0</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>4.4.0</version></dependency>
</dependencies></project>
POM
mvn -q -B dependency:copy-dependencies -DoutputDirectory=jars -DincludeScope=runtime >maven.log 2>&1 || { tail -n 5 maven.log >&2; exit 1; }

read -r port controller < <(python3 -c 'import socket
ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(each.getsockname()[1] for each in ports))')
cat >server.properties <<PROPERTIES
process.roles=broker,controller
node.id=0
controller.quorum.voters=0@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
log.dirs=$here/data
PROPERTIES
java -cp 'jars/*' kafka.tools.StorageTool format -t 4L6g3nShT-eMCtK--X86sw -c server.properties >format.log 2>&1

start() {  # start LOG: returns when the broker answers, or has ended
  java -Xmx512m -cp 'jars/*' kafka.Kafka server.properties >"$1" 2>&1 &
  broker=$!
  for _ in $(seq 600); do
    kill -0 "$broker" 2>/dev/null || return 1
    (exec 9<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
    sleep 0.1
  done
}
stop() { kill "$broker"; wait "$broker" || true; broker=; }

start first.log || { tail -n 5 first.log >&2; exit 1; }
java -Xmx256m -cp 'jars/*' org.apache.kafka.tools.TopicCommand --bootstrap-server "127.0.0.1:$port" \
  --create --topic t --partitions 2 >created.log 2>&1 || { tail -n 5 created.log >&2; exit 1; }
stop

: >data/t-0/partition.metadata
if start second.log; then empty='the broker started'; stop; else empty='the broker ended'; broker=; fi
rm data/t-0/partition.metadata
if start third.log; then removed='the broker started'; stop; else removed='the broker ended'; broker=; fi
[ ! -s data/t-0/partition.metadata ] || removed="$removed and wrote it again"

found="partition.metadata empty: $empty; removed: $removed"
echo "$found"
[ "$found" = "$EXPECTED" ] || { echo "expected: $EXPECTED" >&2; exit 1; }
