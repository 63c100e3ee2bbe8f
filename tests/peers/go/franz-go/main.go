// Publishes records from standard input with franz-go, reads a partition back to standard output, or is a member of a group.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"kafkalite/peers/go/line"
)

const patience = 30 * time.Second

var codecNames = []string{"none", "gzip", "snappy", "lz4", "zstd"}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func produce(servers, topic string, partition int32, codec kgo.CompressionCodec) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(servers), kgo.ProducerBatchCompression(codec),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	err = line.Each(func(r line.Record) error {
		out := &kgo.Record{Topic: topic, Partition: partition, Key: r.Key, Value: r.Value, Timestamp: time.UnixMilli(r.Timestamp)}
		for _, h := range r.Headers {
			out.Headers = append(out.Headers, kgo.RecordHeader{Key: h.Name, Value: h.Value})
		}
		client.Produce(ctx, out, func(_ *kgo.Record, failure error) {
			if failure != nil {
				fmt.Fprintln(os.Stderr, failure)
				os.Exit(1)
			}
		})
		return nil
	})
	if err != nil {
		return err
	}
	return client.Flush(ctx)
}

func consume(servers, topic string, partition int32, count int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
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
			read := line.Record{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value,
				Headers: []line.Header{}, Codec: codecNames[r.Attrs.CompressionType()]}
			for _, h := range r.Headers {
				read.Headers = append(read.Headers, line.Header{Name: h.Key, Value: h.Value})
			}
			if err := lines.Encode(read); err != nil {
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
	if len(os.Args) == 6 && os.Args[1] == "member" {
		return member(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	}
	client := line.Client[kgo.CompressionCodec]{Codecs: codecs, Produce: produce, Consume: consume}
	return client.Run(os.Args[1:])
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
