// Publishes records from standard input with franz-go, reads a partition back to standard output, or is a member of a group.
// One record is one line of JSON; keys, values and header values are base64 so that any bytes travel.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type record struct {
	Offset    int64    `json:"offset"`
	Timestamp int64    `json:"timestamp"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []header `json:"headers"`
	Codec     string   `json:"codec"` // of the batch that it was read from
}

var codecNames = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// header travels as a pair, ["name", "base64"].
type header struct {
	name  string
	value []byte
}

func (h header) MarshalJSON() ([]byte, error) { return json.Marshal([]any{h.name, h.value}) }

func (h *header) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&h.name, &h.value})
}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func produce(ctx context.Context, servers, topic string, partition int32, codec kgo.CompressionCodec) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(servers), kgo.ProducerBatchCompression(codec),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	for input := json.NewDecoder(os.Stdin); ; {
		var r record
		if err := input.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		out := &kgo.Record{Topic: topic, Partition: partition, Key: r.Key, Value: r.Value, Timestamp: time.UnixMilli(r.Timestamp)}
		for _, h := range r.Headers {
			out.Headers = append(out.Headers, kgo.RecordHeader{Key: h.name, Value: h.value})
		}
		client.Produce(ctx, out, func(_ *kgo.Record, failure error) {
			if failure != nil {
				fmt.Fprintln(os.Stderr, failure)
				os.Exit(1)
			}
		})
	}
	return client.Flush(ctx)
}

func consume(ctx context.Context, servers, topic string, partition int32, count int) error {
	start := map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}
	client, err := kgo.NewClient(kgo.SeedBrokers(servers), kgo.ConsumePartitions(start))
	if err != nil {
		return err
	}
	defer client.Close()
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines := json.NewEncoder(out); count > 0; {
		fetches := client.PollRecords(ctx, count)
		if err := fetches.Err(); err != nil {
			return err
		}
		for _, r := range fetches.Records() {
			line := record{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value, Headers: []header{},
				Codec: codecNames[r.Attrs.CompressionType()]}
			for _, h := range r.Headers {
				line.Headers = append(line.Headers, header{h.Key, h.Value})
			}
			if err := lines.Encode(line); err != nil {
				return err
			}
			count--
		}
	}
	return nil
}

func run() error {
	if len(os.Args) == 5 && os.Args[1] == "swarm" {
		partitions, err := strconv.ParseInt(os.Args[4], 10, 32)
		if err != nil {
			return err
		}
		return runSwarm(os.Args[2], os.Args[3], int32(partitions))
	}
	if len(os.Args) != 6 {
		return errors.New("usage: (produce SERVERS TOPIC PARTITION CODEC | consume SERVERS TOPIC PARTITION COUNT |" +
			" member SERVERS GROUP TOPIC ASSIGNOR | swarm SERVERS TOPIC PARTITIONS)")
	}
	if os.Args[1] == "member" {
		return member(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	}
	servers, topic := os.Args[2], os.Args[3]
	partition, err := strconv.ParseInt(os.Args[4], 10, 32)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if os.Args[1] == "produce" {
		codec, known := codecs[os.Args[5]]
		if !known {
			return fmt.Errorf("unknown codec %q", os.Args[5])
		}
		return produce(ctx, servers, topic, int32(partition), codec)
	}
	count, err := strconv.Atoi(os.Args[5])
	if err != nil {
		return err
	}
	return consume(ctx, servers, topic, int32(partition), count)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
