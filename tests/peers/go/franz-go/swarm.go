// Many members of one group in one process, each with a connection of its own: the load of benches/groups.py.
//
// Members speak the protocol themselves, without a client library's threads and buffers, so that a thousand of them cost
// little. Each joins, syncs, and sends heartbeats that tell it to join again, as a consumer does. The leader deals the
// topic's partitions out in turn. Commands come in on standard input, a line each; a line of JSON answers each.
//
//	join N          N members enter a new group at once, until all are in one generation
//	rebalance       one member joins anew with another subscription, until all are in one new generation
//	heartbeats S    every member sends heartbeats, one after the other, for S seconds
//	leave           every member leaves
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// How often a member that has nothing else to do asks whether its generation still stands.
const pulse = 250 * time.Millisecond

type swarm struct {
	servers, topic string
	partitions     int32
	group          string
	members        []*swarmMember
	received       atomic.Int64 // bytes of answers
}

type swarmMember struct {
	swarm      *swarm
	number     int
	link       net.Conn
	in         *bufio.Reader
	id         string
	generation int32
	owned      map[int32]bool
	version    int // of its subscription
}

func (m *swarmMember) ask(request kmsg.Request, version int16) (kmsg.Response, error) {
	request.SetVersion(version)
	out := kmsg.NewRequestFormatter(kmsg.FormatterClientID("swarm")).AppendRequest(nil, request, 1)
	if _, err := m.link.Write(out); err != nil {
		return nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(m.in, head[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(m.in, body); err != nil {
		return nil, err
	}
	m.swarm.received.Add(int64(len(body)))
	body = body[4:] // the correlation id: one request at a time
	response := request.ResponseKind()
	if response.IsFlexible() && response.Key() != 18 {
		body = body[1:] // no tagged fields in the header
	}
	return response, response.ReadFrom(body)
}

func (m *swarmMember) subscription() []byte {
	metadata := kmsg.NewConsumerMemberMetadata()
	metadata.Topics = []string{m.swarm.topic}
	metadata.UserData = fmt.Appendf(nil, "%d", m.version)
	return metadata.AppendTo(nil)
}

// Joins and syncs until it has an assignment.
func (m *swarmMember) enter() error {
	for patience := time.Now().Add(90 * time.Second); time.Now().Before(patience); {
		join := kmsg.NewPtrJoinGroupRequest()
		join.Group, join.MemberID, join.ProtocolType = m.swarm.group, m.id, "consumer"
		join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = 45_000, 60_000
		join.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "dealt", Metadata: m.subscription()}}
		answer, err := m.ask(join, 5)
		if err != nil {
			return err
		}
		joined := answer.(*kmsg.JoinGroupResponse)
		switch err := kerr.ErrorForCode(joined.ErrorCode); {
		case err == kerr.MemberIDRequired:
			m.id = joined.MemberID
			continue
		case err == kerr.CoordinatorLoadInProgress || err == kerr.NotCoordinator || err == kerr.CoordinatorNotAvailable:
			time.Sleep(100 * time.Millisecond)
			continue
		case err != nil:
			return err
		}
		m.id, m.generation = joined.MemberID, joined.Generation
		sync := kmsg.NewPtrSyncGroupRequest()
		sync.Group, sync.MemberID, sync.Generation = m.swarm.group, m.id, m.generation
		if joined.LeaderID == m.id {
			sync.GroupAssignment = m.deal(joined.Members)
		}
		if answer, err = m.ask(sync, 3); err != nil {
			return err
		}
		synced := answer.(*kmsg.SyncGroupResponse)
		switch err := kerr.ErrorForCode(synced.ErrorCode); {
		case err == kerr.RebalanceInProgress || err == kerr.IllegalGeneration:
			continue
		case err != nil:
			return err
		}
		var given kmsg.ConsumerMemberAssignment
		if err := given.ReadFrom(synced.MemberAssignment); err != nil {
			return err
		}
		m.owned = map[int32]bool{}
		for _, topic := range given.Topics {
			for _, partition := range topic.Partitions {
				m.owned[partition] = true
			}
		}
		return nil
	}
	return errors.New("no assignment within 90 s")
}

func (m *swarmMember) deal(members []kmsg.JoinGroupResponseMember) []kmsg.SyncGroupRequestGroupAssignment {
	given := make([]kmsg.SyncGroupRequestGroupAssignment, len(members))
	for at, member := range members {
		topic := kmsg.NewConsumerMemberAssignmentTopic()
		topic.Topic = m.swarm.topic
		for partition := int32(at); partition < m.swarm.partitions; partition += int32(len(members)) {
			topic.Partitions = append(topic.Partitions, partition)
		}
		assignment := kmsg.NewConsumerMemberAssignment()
		assignment.Topics = append(assignment.Topics, topic)
		given[at] = kmsg.SyncGroupRequestGroupAssignment{MemberID: member.MemberID, MemberAssignment: assignment.AppendTo(nil)}
	}
	return given
}

// Whether its generation still stands.
func (m *swarmMember) heartbeat() (bool, error) {
	request := kmsg.NewPtrHeartbeatRequest()
	request.Group, request.MemberID, request.Generation = m.swarm.group, m.id, m.generation
	answer, err := m.ask(request, 3)
	if err != nil {
		return false, err
	}
	switch err := kerr.ErrorForCode(answer.(*kmsg.HeartbeatResponse).ErrorCode); err {
	case nil:
		return true, nil
	case kerr.RebalanceInProgress, kerr.IllegalGeneration:
		return false, nil
	default:
		return false, err
	}
}

// Does something with every member at once; the first error counts.
func (s *swarm) each(act func(*swarmMember) error) error {
	failures := make(chan error, len(s.members))
	var all sync.WaitGroup
	for _, member := range s.members {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := act(member); err != nil {
				failures <- fmt.Errorf("member %d: %w", member.number, err)
			}
		}()
	}
	all.Wait()
	close(failures)
	return <-failures
}

// Lets members do what members do until all of them are in one generation, after the one that was.
func (s *swarm) settle(after int32, begin func(*swarmMember) error) (time.Duration, error) {
	began := time.Now()
	var there sync.Map // generation -> *atomic.Int32, the members in it
	var settled atomic.Int64
	err := s.each(func(m *swarmMember) error {
		if err := begin(m); err != nil {
			return err
		}
		arrived := int32(-1)
		for settled.Load() == 0 {
			if m.generation > after && m.generation != arrived {
				arrived = m.generation
				count, _ := there.LoadOrStore(arrived, new(atomic.Int32))
				if count.(*atomic.Int32).Add(1) == int32(len(s.members)) {
					settled.Store(int64(time.Since(began)))
					return nil
				}
			}
			time.Sleep(pulse)
			stands, err := m.heartbeat()
			if err != nil {
				return err
			}
			if !stands {
				if err := m.enter(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return time.Duration(settled.Load()), err
}

// Every partition has one owner among the members, all of which are in one generation.
func (s *swarm) check() error {
	owners := map[int32]int{}
	for _, m := range s.members {
		if m.generation != s.members[0].generation {
			return fmt.Errorf("member %d is in generation %d, member 0 in %d", m.number, m.generation, s.members[0].generation)
		}
		for partition := range m.owned {
			owners[partition]++
		}
	}
	for partition := range s.partitions {
		if owners[partition] != 1 {
			return fmt.Errorf("partition %d has %d owners", partition, owners[partition])
		}
	}
	return nil
}

// Asks where the group's coordinator is, as every client does first; Apache Kafka creates its topic for groups only then.
func (m *swarmMember) find() error {
	for patience := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		request := kmsg.NewPtrFindCoordinatorRequest()
		request.CoordinatorKey = m.swarm.group
		answer, err := m.ask(request, 2)
		if err != nil {
			return err
		}
		if err = kerr.ErrorForCode(answer.(*kmsg.FindCoordinatorResponse).ErrorCode); err == nil || time.Now().After(patience) {
			return err
		}
	}
}

func (s *swarm) join(count int) (map[string]any, error) {
	s.group = fmt.Sprintf("swarm-%d-%d", count, time.Now().UnixNano())
	s.members = nil
	for number := range count {
		link, err := net.Dial("tcp", s.servers)
		if err != nil {
			return nil, err
		}
		s.members = append(s.members, &swarmMember{swarm: s, number: number, link: link, in: bufio.NewReader(link)})
	}
	if err := s.members[0].find(); err != nil {
		return nil, err
	}
	return s.measured(func() (time.Duration, error) { return s.settle(0, (*swarmMember).enter) })
}

func (s *swarm) rebalance() (map[string]any, error) {
	return s.measured(func() (time.Duration, error) {
		return s.settle(s.members[0].generation, func(m *swarmMember) error {
			if m.number > 0 {
				return nil
			}
			m.version++
			return m.enter()
		})
	})
}

func (s *swarm) measured(act func() (time.Duration, error)) (map[string]any, error) {
	s.received.Store(0)
	took, err := act()
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"seconds": took.Seconds(), "generation": s.members[0].generation, "bytes": s.received.Load()}, nil
}

func (s *swarm) heartbeats(seconds int) (map[string]any, error) {
	var sent atomic.Int64
	began := time.Now()
	until := began.Add(time.Duration(seconds) * time.Second)
	err := s.each(func(m *swarmMember) error {
		for time.Now().Before(until) {
			if stands, err := m.heartbeat(); err != nil || !stands {
				return errors.Join(err, fmt.Errorf("its generation stands: %t", stands))
			}
			sent.Add(1)
		}
		return nil
	})
	return map[string]any{"heartbeats": sent.Load(), "seconds": time.Since(began).Seconds()}, err
}

func (s *swarm) leave() (map[string]any, error) {
	err := s.each(func(m *swarmMember) error {
		request := kmsg.NewPtrLeaveGroupRequest()
		request.Group = s.group
		member := kmsg.NewLeaveGroupRequestMember()
		member.MemberID = m.id
		request.Members = append(request.Members, member)
		answer, err := m.ask(request, 4)
		if err != nil {
			return err
		}
		m.link.Close()
		return kerr.ErrorForCode(answer.(*kmsg.LeaveGroupResponse).ErrorCode)
	})
	return map[string]any{}, err
}

func runSwarm(servers, topic string, partitions int32) error {
	s := &swarm{servers: servers, topic: topic, partitions: partitions}
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		var command string
		var number int
		fmt.Sscan(strings.TrimSpace(input.Text()), &command, &number)
		var answer map[string]any
		var err error
		switch command {
		case "join":
			answer, err = s.join(number)
		case "rebalance":
			answer, err = s.rebalance()
		case "heartbeats":
			answer, err = s.heartbeats(number)
		case "leave":
			answer, err = s.leave()
		default:
			err = fmt.Errorf("unknown command %q", command)
		}
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
			return err
		}
	}
	return nil
}
