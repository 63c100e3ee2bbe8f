"""Our consumers in groups that Apache Kafka itself coordinates: the same tests, and a mixture of clients."""

import itertools
import signal

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined] # its stub forgets to export it

from clients.groups import (
    Member,
    Publishing,
    assert_one_owner_at_a_time,
    eventually,
    until_all_is_read,
    until_shared_by,
)
from clients.member import KINDS
from test_commits import (
    ten,
    test_a_commit_that_nobody_waits_for_calls_back_in_the_reading_thread,
    test_a_message_whose_processing_failed_comes_again,
    test_a_new_group_starts_where_it_is_told,
    test_a_paused_partition_waits_exactly_where_it_was,
    test_a_restart_goes_on_with_the_next_message,
    test_commits_by_message_and_by_offset,
    test_commits_that_nobody_waits_for_are_made_before_the_group_is_left,
    test_only_the_owner_commits,
    test_seeking_and_positions,
)
from test_groups import (
    test_a_consumer_of_several_topics,
    test_a_group_gets_one_copy_and_every_group_its_own,
    test_every_strategy_divides_everything,
    test_partitions_are_divided_over_all_streams_of_all_consumers,
    test_ten_consumers_in_ten_threads,
    test_who_closes_leaves_at_once,
    test_who_stops_asking_loses_its_partitions_and_may_come_back,
)
from test_rebalancing import (
    test_a_cooperative_group_moves_only_what_has_to,
    test_partitions_come_and_go_in_the_readers_thread,
    test_what_was_read_can_be_committed_when_it_is_revoked,
    test_who_was_given_up_hears_that_it_lost_its_partitions,
)
from test_subscriptions import (
    test_a_session_that_the_broker_does_not_allow_is_an_error,
    test_a_static_member_that_comes_back_moves_nothing,
    test_members_without_a_common_strategy_say_so,
)

__all__ = [
    "ten",
    "test_a_commit_that_nobody_waits_for_calls_back_in_the_reading_thread",
    "test_a_consumer_of_several_topics",
    "test_a_cooperative_group_moves_only_what_has_to",
    "test_a_group_gets_one_copy_and_every_group_its_own",
    "test_a_message_whose_processing_failed_comes_again",
    "test_a_new_group_starts_where_it_is_told",
    "test_a_paused_partition_waits_exactly_where_it_was",
    "test_a_restart_goes_on_with_the_next_message",
    "test_a_session_that_the_broker_does_not_allow_is_an_error",
    "test_a_static_member_that_comes_back_moves_nothing",
    "test_commits_by_message_and_by_offset",
    "test_commits_that_nobody_waits_for_are_made_before_the_group_is_left",
    "test_every_strategy_divides_everything",
    "test_members_without_a_common_strategy_say_so",
    "test_only_the_owner_commits",
    "test_partitions_are_divided_over_all_streams_of_all_consumers",
    "test_partitions_come_and_go_in_the_readers_thread",
    "test_seeking_and_positions",
    "test_ten_consumers_in_ten_threads",
    "test_what_was_read_can_be_committed_when_it_is_revoked",
    "test_who_closes_leaves_at_once",
    "test_who_stops_asking_loses_its_partitions_and_may_come_back",
    "test_who_was_given_up_hears_that_it_lost_its_partitions",
]

PARTITIONS = 6
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def broker(apache_kafka):
    """What the tests above take for a broker."""
    return apache_kafka


@pytest.fixture
def group():
    return f"on-apache-kafka-{next(_NUMBERS)}"


@pytest.fixture
def make_topic(apache_kafka):
    admin = AdminClient({"bootstrap.servers": apache_kafka})

    def make(partitions=1):
        name = f"grouped-{next(_NUMBERS)}"
        made = admin.create_topics([NewTopic(name, partitions, 1)], operation_timeout=30)
        made[name].result(30)
        eventually(f"{name} is there", lambda: len(admin.list_topics(name, timeout=10).topics[name].partitions))
        return name

    return make


@pytest.fixture
def topic(make_topic):
    return make_topic()


@pytest.mark.parametrize("assignor", ["range", "roundrobin", "cooperative-sticky"])
def test_ours_and_others_share_a_group_whatever_happens(apache_kafka, make_topic, group, assignor):
    topic = make_topic(PARTITIONS)
    admin = AdminClient({"bootstrap.servers": apache_kafka})
    members = []

    def join(name):
        members.append(Member(KINDS[name], apache_kafka, group, topic, assignor))
        return members[-1]

    try:
        with Publishing(apache_kafka, topic, PARTITIONS) as publishing:
            killed, paused, leaving, staying = (join("kafkalite") for _ in range(4))
            other = join("confluent-kafka")
            until_shared_by(admin, group, 5, PARTITIONS)
            killed.process.send_signal(signal.SIGKILL)
            paused.process.send_signal(signal.SIGSTOP)  # for longer than its session lasts
            until_shared_by(admin, group, 3, PARTITIONS)
            paused.process.send_signal(signal.SIGCONT)
            until_shared_by(admin, group, 4, PARTITIONS)
            leaving.leave()
            until_shared_by(admin, group, 3, PARTITIONS)
        until_all_is_read(members, publishing)
        assert_one_owner_at_a_time([staying, other])
    finally:
        for member in members:
            member.end()
