// A member of a consumer group: prints a line of JSON for each change of what it owns and for each record, and leaves
// the group when its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var balancers = map[string]kgo.GroupBalancer{
	"range": kgo.RangeBalancer(), "roundrobin": kgo.RoundRobinBalancer(), "cooperative-sticky": kgo.CooperativeStickyBalancer(),
}

func member(servers, group, topic, assignor string) error {
	balancer, known := balancers[assignor]
	if !known {
		return fmt.Errorf("unknown assignor %q", assignor)
	}
	// Callbacks and records come from different goroutines; the file takes each line as a whole.
	say := func(line map[string]any) {
		line["at"] = float64(time.Now().UnixNano()) / 1e9
		text, _ := json.Marshal(line)
		os.Stdout.Write(append(text, '\n'))
	}
	changed := func(what string) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			say(map[string]any{what: append([]int32{}, partitions[topic]...)})
		}
	}
	revoked := changed("revoked")
	client, err := kgo.NewClient(kgo.SeedBrokers(servers), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.Balancers(balancer), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(6*time.Second),
		kgo.HeartbeatInterval(500*time.Millisecond), kgo.AutoCommitInterval(200*time.Millisecond),
		kgo.OnPartitionsAssigned(changed("assigned")), kgo.OnPartitionsLost(revoked),
		kgo.OnPartitionsRevoked(func(ctx context.Context, client *kgo.Client, partitions map[string][]int32) {
			if err := client.CommitUncommittedOffsets(ctx); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
			revoked(ctx, client, partitions)
		}))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	for ctx.Err() == nil {
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			say(map[string]any{"partition": r.Partition, "offset": r.Offset, "value": string(r.Value)})
		})
	}
	client.Close()
	return nil
}
