#!/usr/bin/env bash
# Apache Kafka 4.4.0 and its own tools.
#
# One would assume that where a client may create __consumer_offsets, the broker's groups live in the partitions that this topic has:
# CreateTopics answers success, whatever the number of partitions, and says nothing of offsets.topic.num.partitions.
#
# It is not so. Until its next start the broker divides the groups among offsets.topic.num.partitions (50), not among those of the topic. With
# three partitions, 47 of 50 groups get no coordinator: COORDINATOR_NOT_AVAILABLE, which clients take for something that passes.
# From its next start on the broker divides them among three. The groups without a coordinator work; those that did work are looked for
# in another partition, and what they had committed is not found.
#
# Group "4" (Java's hash 52) is in partition 2 of 50 and in partition 1 of 3; group "5" (53) would be in 3 of 50.
#
# Seen:
#   topic created with 3 partitions; committed: 4 yes, 5 no; after a restart: 4 not found, 5 can commit
#
# Needs Java 17, Maven and Python 3. Everything is installed and run below a temporary folder; the broker listens on loopback.
set -euo pipefail
EXPECTED='topic created with 3 partitions; committed: 4 yes, 5 no; after a restart: 4 not found, 5 can commit'

here="$(mktemp -d)"
broker=
finish() { [ -z "$broker" ] || { kill "$broker" && wait "$broker"; } 2>/dev/null || true; rm -rf "$here"; }
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
offsets.topic.replication.factor=1
PROPERTIES
java -cp 'jars/*' kafka.tools.StorageTool format -t 4L6g3nShT-eMCtK--X86sw -c server.properties >format.log 2>&1
start() {
  java -Xmx512m -cp 'jars/*' kafka.Kafka server.properties >>broker.log 2>&1 &
  broker=$!
  for _ in $(seq 600); do (exec 9<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
}
tool() { local class="$1"; shift; java -Xmx256m -cp 'jars/*' "org.apache.kafka.tools.$class" --bootstrap-server "127.0.0.1:$port" "$@" 2>&1; }
groups() { tool consumer.group.ConsumerGroupCommand --timeout 20000 "$@"; }
commit() { groups --reset-offsets --group "$1" --topic t --to-offset 0 --execute || true; }
said() { if grep -q "^$1 .* 0 *$" <<<"$2"; then echo yes; else echo no; fi; }

start
tool TopicCommand --create --topic t --partitions 1 >created.log
tool TopicCommand --create --topic __consumer_offsets --partitions 3 --config cleanup.policy=compact >>created.log
partitions="$(tool TopicCommand --describe --topic __consumer_offsets | grep -c 'Partition: ')"
found="topic created with $partitions partitions; committed: 4 $(said 4 "$(commit 4)"), 5 $(said 5 "$(commit 5)")"

kill "$broker" && wait "$broker" || true
start
case "$(groups --describe --offsets --group 4 || true)" in
*'Group 4 not found'*) found="$found; after a restart: 4 not found" ;;
*) found="$found; after a restart: 4 found" ;;
esac
if [ "$(said 5 "$(commit 5)")" = yes ]; then found="$found, 5 can commit"; else found="$found, 5 cannot commit"; fi
echo "$found"
[ "$found" = "$EXPECTED" ] || { echo "expected: $EXPECTED" >&2; exit 1; }
