#!/usr/bin/env bash
# Apache Kafka 1.1.1, its consumer over ZooKeeper (ZooKeeper 3.4.10, which comes with it).
#
# One would assume that this consumer reads the topics that its regular expression matches: it says which those are when it starts.
#
# It is not so if there is a backslash in the expression. It writes the expression into its node in ZooKeeper with each backslash
# escaped twice, once for JSON and once more. What everybody in the group then reads back, it itself too, is another expression: a literal
# backslash, which no topic's name has. So "w\d" gets no partition, with no error and no warning, and takes none from others.
# "w[0-9]" reads the same topic at once. Who reads such a node has to read it as it stands: to mend it would divide the group otherwise
# than its other members do.
#
# Seen:
#   w[0-9] read hello; w\d read nothing, and registered "w\\\\d":1
#
# Needs Java 8 to 17 and Maven. Everything is installed and run below a temporary folder; both servers listen on loopback.
set -euo pipefail
EXPECTED='w[0-9] read hello; w\d read nothing, and registered "w\\\\d":1'

here="$(mktemp -d)"
started=()
finish() { for pid in "${started[@]}"; do { kill -KILL "$pid" && wait "$pid"; } 2>/dev/null || true; done; rm -rf "$here"; }
trap finish EXIT
cd "$here"

cat >pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>findings</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.11</artifactId><version>1.1.1</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.25</version></dependency>
</dependencies></project>
POM
mvn -q -B dependency:copy-dependencies -DoutputDirectory=jars -DincludeScope=runtime >maven.log 2>&1 || { tail -n 5 maven.log >&2; exit 1; }

read -r zookeeper kafka < <(python3 -c 'import socket
ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(each.getsockname()[1] for each in ports))')
listening() { (exec 8<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
until_listening() { for _ in $(seq 300); do listening "$1" && return; sleep 0.1; done; echo "nobody listens on $1" >&2; exit 1; }

cat >zookeeper.properties <<PROPERTIES
dataDir=$here/zookeeper
clientPort=$zookeeper
clientPortAddress=127.0.0.1
PROPERTIES
java -Dzookeeper.jmx.log4j.disable=true -cp 'jars/*' org.apache.zookeeper.server.ZooKeeperServerMain zookeeper.properties >zookeeper.log 2>&1 &
started+=($!)
until_listening "$zookeeper"
cat >kafka.properties <<PROPERTIES
broker.id=0
listeners=PLAINTEXT://127.0.0.1:$kafka
zookeeper.connect=127.0.0.1:$zookeeper
log.dirs=$here/data
num.partitions=1
offsets.topic.replication.factor=1
PROPERTIES
java -Xmx512m -cp 'jars/*' kafka.Kafka kafka.properties >kafka.log 2>&1 &
started+=($!)
until_listening "$kafka"

run() { java -Xmx256m -cp 'jars/*' "$@" 2>>run.log; }
echo hello | run kafka.tools.ConsoleProducer --broker-list "127.0.0.1:$kafka" --topic w1 >/dev/null

consume() {  # consume GROUP EXPRESSION: what it reads until nothing has come for ten seconds
  run kafka.tools.ConsoleConsumer --zookeeper "127.0.0.1:$zookeeper" --whitelist "$2" --from-beginning --timeout-ms 10000 \
    --consumer-property "group.id=$1" || true
}
zk() { run org.apache.zookeeper.ZooKeeperMain -server "127.0.0.1:$zookeeper" "$@" | tail -n 20; }

plain="$(consume plain 'w[0-9]')"
consume escaped 'w\d' >escaped.txt &
started+=($!)
reader=$!
for _ in $(seq 20); do
  id="$(zk ls /consumers/escaped/ids | sed -n 's/^\[\(escaped_.*\)\]$/\1/p')"
  [ -z "$id" ] || break
done
registered="$(zk get "/consumers/escaped/ids/$id" | sed -n 's/.*"subscription":{\([^}]*\)}.*/\1/p')"
wait "$reader"
escaped="$(cat escaped.txt)"

found="w[0-9] read ${plain:-nothing}; w\\d read ${escaped:-nothing}, and registered $registered"
echo "$found"
[ "$found" = "$EXPECTED" ] || { echo "expected: $EXPECTED" >&2; exit 1; }
