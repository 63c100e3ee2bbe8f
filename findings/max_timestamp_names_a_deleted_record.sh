#!/usr/bin/env bash
# Apache Kafka 4.4.0, kafka-python 3.0.12 as the publisher.
#
# One would assume that an offset that the broker gives for "the record with the largest timestamp" (ListOffsets with timestamp -3, KIP-734)
# can be fetched, as those that it gives for "earliest" and "latest" can: what DeleteRecords has removed is below the log's start.
#
# It is not so. The answer comes from the segment's own memory of its largest timestamp, which does not know the log's start. Three records are published,
# the first with the largest timestamp, and DeleteRecords removes the first two: "earliest" is then 2, and "max-timestamp" still 0. Who seeks
# there is out of range, and goes where auto.offset.reset sends him.
#
# Seen:
#   deleted before 2; earliest t:0:2; max-timestamp t:0:0
#
# Needs Java 17, Maven and Python 3.11. Everything is installed and run below a temporary folder; the broker listens on loopback.
set -euo pipefail
EXPECTED='deleted before 2; earliest t:0:2; max-timestamp t:0:0'

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
python3 -m venv python && python/bin/pip install -q --disable-pip-version-check kafka-python==3.0.12

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
java -Xmx512m -cp 'jars/*' kafka.Kafka server.properties >broker.log 2>&1 &
broker=$!
for _ in $(seq 600); do (exec 9<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done

tool() { local class="$1"; shift; java -Xmx256m -cp 'jars/*' "org.apache.kafka.tools.$class" --bootstrap-server "127.0.0.1:$port" "$@" 2>>tools.log; }
tool TopicCommand --create --topic t --partitions 1 >created.log
python/bin/python - "$port" <<'PYTHON'
import sys
import time

from kafka import KafkaProducer

producer = KafkaProducer(bootstrap_servers=f"127.0.0.1:{sys.argv[1]}")
now = int(time.time() * 1000)
for back in (0, 2_000, 1_000):  # milliseconds before now: the first record is the latest
    producer.send("t", b"x", timestamp_ms=now - back).get(30)
PYTHON
echo '{"partitions": [{"topic": "t", "partition": 0, "offset": 2}], "version": 1}' >before.json
tool DeleteRecordsCommand --offset-json-file before.json >deleted.log
found="deleted before 2; earliest $(tool GetOffsetShell --topic t --time earliest); max-timestamp $(tool GetOffsetShell --topic t --time max-timestamp)"
echo "$found"
[ "$found" = "$EXPECTED" ] || { echo "expected: $EXPECTED" >&2; exit 1; }
