"""What members that are wrong are told, byte by byte the same requests to us and to Apache Kafka; the group goes on."""

import contextlib
import socket
import struct
import time

import pytest
from kafka.errors import for_code
from kafka.protocol.consumer.group import (
    HeartbeatRequest,
    HeartbeatResponse,
    JoinGroupRequest,
    JoinGroupResponse,
    LeaveGroupRequest,
    LeaveGroupResponse,
    OffsetCommitRequest,
    OffsetCommitResponse,
    SyncGroupRequest,
    SyncGroupResponse,
)
from kafka.protocol.metadata import FindCoordinatorRequest, FindCoordinatorResponse, MetadataRequest, MetadataResponse

VERSIONS = {
    FindCoordinatorRequest: (FindCoordinatorResponse, 3),
    HeartbeatRequest: (HeartbeatResponse, 4),
    JoinGroupRequest: (JoinGroupResponse, 7),
    LeaveGroupRequest: (LeaveGroupResponse, 4),
    MetadataRequest: (MetadataResponse, 5),
    OffsetCommitRequest: (OffsetCommitResponse, 8),
    SyncGroupRequest: (SyncGroupResponse, 5),
}
GARBAGE = bytes(range(256))


class Peer:
    """A connection over which any request can be sent."""

    def __init__(self, servers):
        host, port = servers.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=30)

    def close(self):
        self._socket.close()

    def ask(self, kind, **fields):
        response, version = VERSIONS[kind]
        request = kind(version=version, **fields)
        request.with_header(1)
        self._socket.sendall(request.encode(version=version, header=True, framed=True))
        return response.decode(self._read(struct.unpack(">i", self._read(4))[0]), version=version, header=True)

    def _read(self, count):
        read = b""
        while len(read) < count:
            piece = self._socket.recv(count - len(read))
            assert piece, "the broker hung up"
            read += piece
        return read

    def join(self, group, member="", instance=None, session=10_000, protocols=(("range", b"\0\0\0\0\0\0"),)):
        named = [{"name": name, "metadata": metadata} for name, metadata in protocols]
        return self.ask(
            JoinGroupRequest,
            group_id=group,
            session_timeout_ms=session,
            rebalance_timeout_ms=10_000,
            member_id=member,
            group_instance_id=instance,
            protocol_type="consumer",
            protocols=[JoinGroupRequest.JoinGroupRequestProtocol(version=7, **one) for one in named],
        )

    def sync(self, group, member, generation, assignment=None, instance=None):
        given = [] if assignment is None else [{"member_id": member, "assignment": assignment}]
        return self.ask(
            SyncGroupRequest,
            group_id=group,
            generation_id=generation,
            member_id=member,
            group_instance_id=instance,
            protocol_type="consumer",
            protocol_name="range",
            assignments=[SyncGroupRequest.SyncGroupRequestAssignment(version=5, **one) for one in given],
        )

    def beat(self, group, member, generation, instance=None):
        fields = {"group_id": group, "generation_id": generation, "member_id": member, "group_instance_id": instance}
        return self.ask(HeartbeatRequest, **fields).error_code

    def commit(self, group, member, generation, instance=None):
        request = OffsetCommitRequest
        partition = request.OffsetCommitRequestTopic.OffsetCommitRequestPartition(
            version=8, partition_index=0, committed_offset=1, committed_leader_epoch=-1, committed_metadata=""
        )
        answer = self.ask(
            request,
            group_id=group,
            generation_id_or_member_epoch=generation,
            member_id=member,
            group_instance_id=instance,
            topics=[request.OffsetCommitRequestTopic(version=8, name="bad-input", partitions=[partition])],
        )
        return answer.topics[0].partitions[0].error_code

    def leave(self, group, member):
        who = LeaveGroupRequest.MemberIdentity(version=4, member_id=member, group_instance_id=None)
        answer = self.ask(LeaveGroupRequest, group_id=group, members=[who])
        return answer.error_code or answer.members[0].error_code

    def enter(self, group, instance=None, assignment=b""):
        """Join alone, and return id and generation."""
        joined = self.join(group, instance=instance)
        if joined.error_code == 79:  # it comes back with the id that it was given
            joined = self.join(group, joined.member_id)
        assert joined.error_code == 0
        synced = self.sync(group, joined.member_id, joined.generation_id, assignment, instance)
        assert (synced.error_code, bytes(synced.assignment)) == (0, assignment)
        return joined.member_id, joined.generation_id

    def until_coordinated(self, group):
        """Wait until the coordinator serves, and the topic has a leader."""
        deadline = time.monotonic() + 60
        wanted = [MetadataRequest.MetadataRequestTopic(version=5, name="bad-input")]
        while (
            self.ask(MetadataRequest, topics=wanted).topics[0].error_code
            or self.ask(FindCoordinatorRequest, key=group, key_type=0).error_code
            or self.beat(group, "x", 1) in {14, 15, 16}
        ):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def story(peer):
    """Return what each bad request is answered."""
    told = {}
    group = f"bad-{time.time_ns()}"
    peer.until_coordinated(group)
    told["a heartbeat to a group that is not there"] = peer.beat(group, "stranger", 1)
    told["a join with an id that nobody gave"] = peer.join(group, "stranger").error_code
    told["a commit of a member to a group that is not there"] = peer.commit(group, "stranger", 1)
    told["leaving a group that is not there"] = peer.leave(group, "stranger")
    told["a join without a protocol"] = peer.join(group, protocols=()).error_code
    told["a join with a session that is too short"] = peer.join(group, session=1).error_code
    told["a join with a session that is too long"] = peer.join(group, session=2**31 - 1).error_code
    told["a join to a group without a name"] = peer.join("").error_code
    told["a heartbeat to a group without a name"] = peer.beat("", "stranger", 1)

    member, generation = peer.enter(group, assignment=GARBAGE)  # an assignment is between the members
    told["a heartbeat of a stranger"] = peer.beat(group, "stranger", generation)
    told["a sync of a stranger"] = peer.sync(group, "stranger", generation).error_code
    told["a commit of a stranger"] = peer.commit(group, "stranger", generation)
    told["a commit without a member"] = peer.commit(group, "", -1)
    told["leaving, of a stranger"] = peer.leave(group, "stranger")
    told["a heartbeat with a stale generation"] = peer.beat(group, member, generation - 1)
    told["a heartbeat with a generation to come"] = peer.beat(group, member, generation + 1)
    told["a sync with a stale generation"] = peer.sync(group, member, generation - 1).error_code
    told["a commit with a stale generation"] = peer.commit(group, member, generation - 1)
    told["a heartbeat under a static name that nobody has"] = peer.beat(group, member, generation, "nobody")
    told["a join with a protocol that nobody else has"] = peer.join(group, protocols=[("other", b"")]).error_code
    told["a heartbeat of the member that is right"] = peer.beat(group, member, generation)
    told["a commit of the member that is right"] = peer.commit(group, member, generation)

    static = f"{group}-static"
    old, _ = peer.enter(static, instance="one")
    new, generation = peer.enter(static, instance="one")
    told["a heartbeat of a fenced static member"] = peer.beat(static, old, generation, "one")
    told["a sync of a fenced static member"] = peer.sync(static, old, generation, instance="one").error_code
    told["a commit of a fenced static member"] = peer.commit(static, old, generation, "one")
    told["a join of a fenced static member"] = peer.join(static, old, "one").error_code
    told["a commit of the static member that is right"] = peer.commit(static, new, generation, "one")

    long = "größer" * 1700
    member, generation = peer.enter(long)
    told["a heartbeat to a group with a name of 10,200 characters"] = peer.beat(long, member, generation)
    told["leaving a group with a name of 10,200 characters"] = peer.leave(long, member)
    told["a heartbeat of a member that left"] = peer.beat(long, member, generation)
    return {what: for_code(code).__name__ for what, code in told.items()}


def told_by(servers):
    with contextlib.closing(Peer(servers)) as peer:
        return story(peer)


@pytest.fixture(scope="module")
def ours(cluster):
    return told_by(cluster)


def test_bad_members_are_told_what_is_wrong_and_good_ones_go_on(ours):
    right = {what: code for what, code in ours.items() if "right" in what or "with a name of" in what}
    assert set(right.values()) == {"NoError"}
    assert all(code != "NoError" for what, code in ours.items() if what not in right)
    assert ours["a commit of a fenced static member"] == "FencedInstanceIdError"
    assert ours["a heartbeat with a stale generation"] == "IllegalGenerationError"
    assert ours["a heartbeat of a stranger"] == "UnknownMemberIdError"


def test_apache_kafka_says_the_same(ours, apache_kafka):
    assert ours == told_by(apache_kafka)
