// Publishes records from standard input with kafka-go, or reads a partition back to standard output.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/segmentio/kafka-go"

	"kafkalite/peers/go/line"
)

const patience = 30 * time.Second

var codecs = map[string]kafka.Compression{
	"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
}

func produce(servers, topic string, partition int32, codec kafka.Compression) error {
	var messages []kafka.Message
	err := line.Each(func(r line.Record) error {
		out := kafka.Message{Key: r.Key, Value: r.Value, Time: time.UnixMilli(r.Timestamp)}
		for _, h := range r.Headers {
			out.Headers = append(out.Headers, kafka.Header{Key: h.Name, Value: h.Value})
		}
		messages = append(messages, out)
		return nil
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	writer := &kafka.Writer{
		Addr: kafka.TCP(servers), Topic: topic, RequiredAcks: kafka.RequireAll, Compression: codec,
		BatchTimeout: 10 * time.Millisecond,
		Balancer:     kafka.BalancerFunc(func(kafka.Message, ...int) int { return int(partition) }),
	}
	defer writer.Close()
	return writer.WriteMessages(ctx, messages...)
}

func consume(servers, topic string, partition int32, count int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{servers}, Topic: topic, Partition: int(partition)})
	defer reader.Close()
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := json.NewEncoder(out)
	for read := 0; read < count; read++ {
		m, err := reader.ReadMessage(ctx)
		if err != nil {
			return fmt.Errorf("%d of %d records came: %w", read, count, err)
		}
		record := line.Record{Offset: m.Offset, Timestamp: m.Time.UnixMilli(), Key: m.Key, Value: m.Value, Headers: []line.Header{}}
		for _, h := range m.Headers {
			record.Headers = append(record.Headers, line.Header{Name: h.Key, Value: h.Value})
		}
		if err := lines.Encode(record); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	client := line.Client[kafka.Compression]{Codecs: codecs, Produce: produce, Consume: consume}
	if err := client.Run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
