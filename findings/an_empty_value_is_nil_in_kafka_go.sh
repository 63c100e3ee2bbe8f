#!/usr/bin/env bash
# Apache Kafka 4.4.0, kafka-go 0.4.50 as the publisher and reader, franz-go 1.21.1 as another reader.
#
# One would assume that a reader tells a value of no bytes from no value at all: to a compacted topic the latter is a deletion. Go has a
# word for each, []byte{} and nil, and kafka-go's Writer sends the one as an empty value and the other as null.
#
# It is not so. Its Reader returns nil for both. Who copies a topic with it, message by message, makes deletions of what was empty.
#
# Seen:
#   empty value: franz-go []byte{}, kafka-go nil; null: franz-go nil, kafka-go nil; copied by kafka-go: empty became null
#
# Needs Java 17, Maven, Python 3 and Go 1.25. Everything is installed and run below a temporary folder; the broker listens on loopback.
set -euo pipefail
EXPECTED='empty value: franz-go []byte{}, kafka-go nil; null: franz-go nil, kafka-go nil; copied by kafka-go: empty became null'

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

mkdir go && cat >go/main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

func name(value []byte) string {
	switch {
	case value == nil:
		return "nil"
	case len(value) == 0:
		return "[]byte{}"
	}
	return "bytes"
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	server := os.Args[1]
	franz := func(topic string) (values []string) {
		client, err := kgo.NewClient(kgo.SeedBrokers(server), kgo.ConsumeTopics(topic))
		check(err)
		defer client.Close()
		for len(values) < 2 {
			fetched := client.PollFetches(ctx)
			check(fetched.Err())
			fetched.EachRecord(func(record *kgo.Record) { values = append(values, name(record.Value)) })
		}
		return values
	}

	published := &segmentio.Writer{Addr: segmentio.TCP(server), Topic: "t"}
	empty, null := segmentio.Message{Key: []byte("a"), Value: []byte{}}, segmentio.Message{Key: []byte("b"), Value: nil}
	check(published.WriteMessages(ctx, empty, null))
	byFranz := franz("t")

	reader := segmentio.NewReader(segmentio.ReaderConfig{Brokers: []string{server}, Topic: "t"})
	writer := &segmentio.Writer{Addr: segmentio.TCP(server), Topic: "copy", BatchSize: 1}
	var bySegmentio []string
	for range 2 {
		message, err := reader.ReadMessage(ctx)
		check(err)
		bySegmentio = append(bySegmentio, name(message.Value))
		check(writer.WriteMessages(ctx, segmentio.Message{Key: message.Key, Value: message.Value}))
	}
	copied := "empty stayed empty"
	if franz("copy")[0] == "nil" {
		copied = "empty became null"
	}
	fmt.Printf("empty value: franz-go %s, kafka-go %s; null: franz-go %s, kafka-go %s; copied by kafka-go: %s\n",
		byFranz[0], bySegmentio[0], byFranz[1], bySegmentio[1], copied)
}
GO
cat >go/go.mod <<'MOD'
module findings

go 1.25

require (
	github.com/segmentio/kafka-go v0.4.50
	github.com/twmb/franz-go v1.21.1
)
MOD
(cd go && go mod tidy && go build -o ../read .) >go.log 2>&1 || { tail -n 5 go.log >&2; exit 1; }

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
tool TopicCommand --create --topic copy --partitions 1 >>created.log
found="$(./read "127.0.0.1:$port")"
echo "$found"
[ "$found" = "$EXPECTED" ] || { echo "expected: $EXPECTED" >&2; exit 1; }
