// Package line is how records travel to and from the programs beside it: one record is one line of JSON; keys, values and
// header values are base64 so that any bytes travel.
package line

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Record is a line.
type Record struct {
	Offset    int64    `json:"offset"`
	Timestamp int64    `json:"timestamp"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
	Codec     string   `json:"codec,omitempty"` // of the batch that it was read from, where the client tells
}

// Header travels as a pair, ["name", "base64"].
type Header struct {
	Name  string
	Value []byte
}

// MarshalJSON writes the pair.
func (h Header) MarshalJSON() ([]byte, error) { return json.Marshal([]any{h.Name, h.Value}) }

// UnmarshalJSON reads the pair.
func (h *Header) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&h.Name, &h.Value})
}

// Each reads standard input to its end, a record at a time.
func Each(take func(Record) error) error {
	for input := json.NewDecoder(os.Stdin); ; {
		var record Record
		if err := input.Decode(&record); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := take(record); err != nil {
			return err
		}
	}
}

// Client publishes to a partition, and reads the first records of one.
type Client[Codec any] struct {
	Codecs  map[string]Codec
	Produce func(servers, topic string, partition int32, codec Codec) error
	Consume func(servers, topic string, partition int32, count int) error
}

// Run does what "produce SERVERS TOPIC PARTITION CODEC" or "consume SERVERS TOPIC PARTITION COUNT" asks for.
func (c Client[Codec]) Run(arguments []string) error {
	if len(arguments) != 5 || arguments[0] != "produce" && arguments[0] != "consume" {
		return errors.New("usage: (produce SERVERS TOPIC PARTITION CODEC | consume SERVERS TOPIC PARTITION COUNT)")
	}
	servers, topic := arguments[1], arguments[2]
	partition, err := strconv.ParseInt(arguments[3], 10, 32)
	if err != nil {
		return err
	}
	if arguments[0] == "produce" {
		codec, known := c.Codecs[arguments[4]]
		if !known {
			return fmt.Errorf("unknown codec %q", arguments[4])
		}
		return c.Produce(servers, topic, int32(partition), codec)
	}
	count, err := strconv.Atoi(arguments[4])
	if err != nil {
		return err
	}
	return c.Consume(servers, topic, int32(partition), count)
}
