"""Errors are what a Python programmer would catch, and say what to do."""

import copy
import os
import pickle
import socket
import subprocess
import sys

import pytest

import kafkalite
from kafkalite import Admin, Broker, Consumer, KafkaError, MessageSet, Producer, _native, _settings, errors


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.KafkaConnectionError, ConnectionError),
        (errors.KafkaTimeoutError, TimeoutError),
        (errors.UnknownTopicError, LookupError),
        (errors.TopicExistsError, FileExistsError),
        (errors.InvalidSettingError, ValueError),
        (errors.BrokerStartError, OSError),
    ],
)
def test_leaves_are_builtins_too(kind, builtin):
    assert issubclass(kind, KafkaError)
    assert issubclass(kind, builtin)
    error = pickle.loads(pickle.dumps(kind("why", code=99)))
    assert (type(error), str(error), error.code) == (kind, "why", 99)


@pytest.mark.parametrize("kind", [getattr(errors, name) for name in errors.__all__])
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_that_is_copied_or_pickled_keeps_all_that_was_noted(kind, again):
    error = kind("why", code=99, retriable=True)
    error.add_note("while loading file 7")
    error.row = 7
    other = again(error)
    assert (type(other), str(other), other.args) == (kind, "why", ("why",))
    assert (other.code, other.retriable, other.row) == (99, True, 7)
    assert other.__notes__ == ["while loading file 7"]


def test_a_port_in_use_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(errors.BrokerStartError, match=str(port)):
            Broker(port=port)


def test_a_second_broker_on_a_directory_is_refused_and_the_first_goes_on(tmp_path):
    with Broker(tmp_path) as broker:
        with pytest.raises(errors.BrokerStartError, match=str(tmp_path)):
            Broker(tmp_path)
        broker.create_topic("still-alive")
    Broker(tmp_path).close()


def test_a_directory_that_is_a_file_is_named(tmp_path):
    file = tmp_path / "a-file"
    file.write_text("not a directory")
    with pytest.raises(errors.BrokerStartError, match="a-file"):
        Broker(file)


def test_unknown_settings_suggest_the_nearest():
    with pytest.raises(errors.InvalidSettingError, match=r"log\.segment\.bytes"):
        Broker(config={"log.segment.byte": 1024})
    with pytest.raises(errors.InvalidSettingError, match="linger_ms"):
        Producer("127.0.0.1:1", lingerms=5)
    with pytest.raises(errors.InvalidSettingError, match="fetch_max_wait_ms"):
        Consumer("127.0.0.1:1", fetch_max_wait=5)


def test_what_is_to_come_is_told_from_what_never_was() -> None:
    with pytest.raises(errors.InvalidSettingError, match="not supported yet"):
        Producer("127.0.0.1:1", transactional_id="t")
    with pytest.raises(errors.InvalidSettingError, match="did you mean compression"):
        Producer("127.0.0.1:1", compresion="zstd")
    with pytest.raises(errors.InvalidSettingError, match=r"did you mean compression\?"):
        Producer("127.0.0.1:1", compressiontype="zstd")
    with pytest.raises(errors.InvalidSettingError, match="HTTP"):
        Producer("http://127.0.0.1:1")


def test_an_unreachable_cluster_is_told_before_the_time_is_up(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(errors.KafkaError), Consumer("127.0.0.1:1") as consumer:
        consumer.create_message_streams("t", timeout=2)
    assert any("127.0.0.1:1" in record.getMessage() for record in caplog.records if record.levelname == "WARNING")


def test_wrong_values_name_the_setting():
    with pytest.raises(errors.InvalidSettingError, match=r"log\.segment\.bytes"):
        Broker(config={"log.segment.bytes": "many"})
    with pytest.raises(errors.InvalidSettingError, match=r'^acks cannot be "some"; expected one of all, -1, 1, 0$'):
        Producer("127.0.0.1:1", acks="some")
    with pytest.raises(errors.InvalidSettingError, match=r'^linger_ms cannot be "5 ms"; expected milliseconds from 0'):
        Producer("127.0.0.1:1", linger_ms="5 ms")


def test_a_wrong_value_that_only_shows_beside_another_has_the_name_of_its_keyword() -> None:
    with pytest.raises(errors.InvalidSettingError, match=r'^compression_level cannot be "22"; expected'):
        Producer("127.0.0.1:1", compression="gzip", compression_level=22)


def test_a_refused_value_has_the_name_that_it_was_given_by() -> None:
    with pytest.raises(errors.InvalidSettingError, match=r'^compression cannot be "zst"; expected one of none, gzip'):
        Producer("127.0.0.1:1", compression="zst")
    with pytest.raises(errors.InvalidSettingError, match=r"^durability cannot be 'sync'; expected one of visible"):
        Broker(durability="sync")
    with pytest.raises(errors.InvalidSettingError, match=r"^kafkalite\.durability cannot be"):
        Broker(config={"kafkalite.durability": "sync"})


@pytest.mark.parametrize(
    ("made", "settings", "says"),
    [
        (
            Producer,
            {"delivery_timeout_ms": 10, "linger_ms": 100},
            "delivery_timeout_ms=10 is not larger than linger_ms=100; raise delivery_timeout_ms or lower linger_ms",
        ),
        (
            Producer,
            {"enable_idempotence": True, "acks": 1},
            "enable_idempotence=true does not go with acks=1; set enable_idempotence=false or set acks=all",
        ),
        (
            Producer,
            {"compression": "gzip", "compression_level": 0},
            'compression_level cannot be "0"; expected a level from 1 to 9, as gzip has them',
        ),
        (
            Consumer,
            {"group_id": "g", "heartbeat_interval_ms": 9_000, "session_timeout_ms": 8_000},
            (
                "heartbeat_interval_ms=9000 is not below session_timeout_ms=8000; "
                "lower heartbeat_interval_ms or raise session_timeout_ms"
            ),
        ),
    ],
)
def test_settings_that_contradict_each_other_are_named_as_keywords_with_what_to_do(made, settings, says):
    with pytest.raises(errors.InvalidSettingError) as refused:
        made("127.0.0.1:1", **settings)
    assert str(refused.value) == says


def test_none_of_a_setting_is_its_default() -> None:
    """Most settings would refuse the text "None"."""
    for made, kind in ((Producer, "producer"), (Consumer, "consumer"), (Admin, "admin")):
        own = {"bootstrap_servers"}
        settings = {row["name"]: None for row in _settings.table(kind) if row["name"] not in own}
        made("127.0.0.1:1", **settings).close()
    rows = {row["name"]: None for row in _native.settings("broker")}
    with Broker(config=rows) as broker:
        broker.create_topic("t", config={"retention.ms": None})
        with Admin(broker, client_id=None) as admin:
            admin.create_topic("u", config={"retention.ms": None})
            assert admin.describe_config(topic="t")["retention.ms"].is_default


@pytest.mark.parametrize(("name", "value"), [("port", -1), ("port", 65_536), ("port", "9092"), ("host", None)])
def test_an_address_that_cannot_be_is_a_wrong_setting(name, value):
    with pytest.raises(errors.InvalidSettingError, match=f"{name} cannot be {value!r}; expected"):
        Broker(**{name: value})


@pytest.mark.parametrize(
    ("name", "keyword"), [("listeners", "port="), ("log.dirs", "data_dir="), ("log.dir", "data_dir=")]
)
def test_settings_that_keywords_would_overwrite_are_refused(tmp_path, name, keyword):
    with pytest.raises(errors.InvalidSettingError, match=keyword):
        Broker(config={name: str(tmp_path)})


def test_compression_has_one_name():
    with pytest.raises(errors.InvalidSettingError, match="compression="):
        Producer("127.0.0.1:1", compression_type="zstd")


@pytest.mark.parametrize("client", [Producer, Consumer])
def test_clients_say_what_they_can_be_given(client):
    for nothing in (None, 9092, b"localhost:9092"):
        with pytest.raises(TypeError, match=f"not {type(nothing).__name__}"):
            client(nothing)
    with Broker() as broker:
        client([broker, broker.bootstrap_servers]).close()
    with pytest.raises(errors.ClosedError, match="Broker"):
        client(broker)


def test_nobody_listening_is_an_error_that_names_the_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    consumer = Consumer(f"127.0.0.1:{port}")
    with pytest.raises((errors.KafkaConnectionError, errors.KafkaTimeoutError), match=str(port)):
        consumer.create_message_streams("t", timeout=2)


def test_topics_that_exist_or_do_not(broker, topic):
    with pytest.raises(errors.TopicExistsError, match=topic):
        broker.create_topic(topic)
    broker.create_topic(topic, exist_ok=True)
    with pytest.raises(errors.UnknownTopicError, match="no-such-topic"):
        broker.delete_topic("no-such-topic")
    with pytest.raises(errors.InvalidTopicError):
        broker.create_topic("../escape")
    with pytest.raises(errors.InvalidSettingError, match=r"retention\.ms"):
        broker.create_topic("wrong-config", config={"retention.msec": 1})


def test_a_message_that_is_too_large_is_refused_and_the_next_is_sent(broker, make_topic):
    topic = make_topic(config={"max.message.bytes": 1000})
    with Producer(broker) as producer:
        says = rf"5\d\d\d bytes.*max\.message\.bytes = 1000; raise max\.message\.bytes of topic {topic} above that"
        with pytest.raises(errors.MessageTooLargeError, match=says):
            producer.send(topic, os.urandom(5000)).result(timeout=30)
        assert producer.send(topic, b"small").result(timeout=30).offset == 0


def test_a_message_that_the_producer_does_not_take_says_what_to_raise_on_both_sides(broker, make_topic):
    topic = make_topic(config={"max.message.bytes": 3_000_000})
    large = bytes(2_000_000)
    with Producer(broker) as producer:
        for send in (lambda: producer.send(topic, large), lambda: producer.send(topic, MessageSet(large))):
            with pytest.raises(errors.MessageTooLargeError, match=r"max_request_size=.*max\.message\.bytes"):
                send()
    with Producer(broker, max_request_size=3_000_000) as producer:
        assert producer.send(topic, large).result(timeout=30).offset == 0


def test_headers_of_a_whole_set_are_refused(broker, topic):
    with Producer(broker) as producer:
        for given in ({"headers": {"h": b"1"}}, {"timestamp": 1}):
            with pytest.raises(ValueError, match="carry their own"):
                producer.send(topic, MessageSet(b"x"), **given)
        with pytest.raises(ValueError, match="at least one"):
            producer.send(topic, MessageSet())
    assert all(one.messages == 0 for one in broker.topics().values() if one.name == topic)


def test_a_failed_delivery_that_nobody_looked_at_is_raised_by_flush(broker, make_topic):
    topic = make_topic(config={"max.message.bytes": 1000})
    producer = Producer(broker)
    producer.send(topic, os.urandom(5000))
    with pytest.raises(errors.DeliveryError, match=topic):
        producer.flush()
    producer.close()


def test_closed_things_say_so(broker, topic):
    producer, consumer = Producer(broker), Consumer(broker)
    producer.close()
    producer.close()
    consumer.close()
    consumer.close()
    with pytest.raises(errors.ClosedError):
        producer.send(topic, b"late")
    with pytest.raises(errors.ClosedError):
        consumer.create_message_streams(topic)


def test_what_cannot_be_pickled_says_what_to_do(broker):
    for thing in (broker, Producer(broker), Consumer(broker)):
        with pytest.raises(TypeError, match="bootstrap_servers"):
            pickle.dumps(thing)


def test_a_forked_child_gets_an_error_instead_of_hanging():
    code = """
import os, sys, warnings
warnings.simplefilter("ignore")
from kafkalite import Broker, Producer, ForkedError
broker = Broker()
producer = Producer(broker)
producer.send("t", b"x").result(30)
child = os.fork()
if child == 0:
    try:
        producer.send("t", b"y").result(5)
    except ForkedError as error:
        os._exit(0 if "spawn" in str(error) else 3)
    os._exit(4)
_, status = os.waitpid(child, 0)
broker.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_children_forked_in_the_middle_of_work_end():
    code = """
import os, sys, threading, warnings
warnings.simplefilter("ignore")
from kafkalite import Admin, Broker, Consumer, ForkedError, Producer
broker, stop = Broker(), threading.Event()
producer, admin = Producer(broker, linger_ms=0), Admin(broker)
delivery = producer.send("t", b"x")
delivery.result(30)
consumer = Consumer(broker, group_id="g")
(stream,) = consumer.create_message_streams("t")
next(stream)

def work():
    while not stop.is_set():
        producer.send_many("t", [b"y"] * 10)
        stream.poll_batch(100, timeout=0.01)

def child():
    uses = [
        lambda: producer.send("t", b"z"), lambda: producer.send_many("t", [b"z"]), producer.flush,
        delivery.result, delivery.done, lambda: next(stream), lambda: stream.lag, stream.commit,
        lambda: consumer.assignment, consumer.commit, broker.topics, admin.list_topics,
        lambda: Producer(broker), lambda: Consumer(broker),
    ]
    for use in uses:
        try:
            use()
            os._exit(4)
        except ForkedError:
            pass
    print(producer, delivery, stream, broker.bootstrap_servers, file=open(os.devnull, "w"))
    for one in (producer, consumer, stream, admin):
        one.close()

worker = threading.Thread(target=work)
worker.start()
for _ in range(40):
    pid = os.fork()
    if pid == 0:
        child()
        sys.exit()  # everything is let go of
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
stop.set()
worker.join()
producer.send("t", b"last").result(30)
consumer.close()
broker.close()
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=120, check=False).returncode == 0


@pytest.mark.parametrize("group", [None, "g"])
def test_a_forked_child_does_not_read_its_parents_messages(group):
    code = """
import os, sys, warnings
warnings.simplefilter("ignore")
from kafkalite import Broker, Consumer, ForkedError, Producer
broker = Broker()
with Producer(broker) as producer:
    producer.send_many("t", [b"x"] * 100)
consumer = Consumer(broker, group_id=sys.argv[1] or None)
(stream,) = consumer.create_message_streams("t")
next(stream)
child = os.fork()
if child == 0:
    for ask in (lambda: next(stream), lambda: stream.poll_batch(5, timeout=5)):
        try:
            ask()
            os._exit(4)
        except ForkedError as error:
            assert "spawn" in str(error)
    os._exit(0)
_, status = os.waitpid(child, 0)
assert next(stream).offset == 1
consumer.close()
broker.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""
    command = [sys.executable, "-c", code, group or ""]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0


def test_a_closed_broker_says_so():
    with Broker() as gone:
        pass
    with pytest.raises(errors.ClosedError, match="closed"):
        gone.topics()
    with pytest.raises(errors.ClosedError, match="closed"):
        gone.create_topic("late")


def test_a_wrong_header_is_called_a_header(broker, topic):
    with Producer(broker) as producer, pytest.raises(TypeError, match=r"header's value must be bytes.*not int"):
        producer.send(topic, b"x", headers={"attempt": 1})


def test_importing_brings_neither_data_frames_nor_threads():
    code = """
import sys, threading
import kafkalite
heavy = {"pandas", "polars", "pyarrow", "IPython", "numpy"} & set(sys.modules)
assert not heavy, heavy
assert threading.active_count() == 1
"""
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)


def test_every_public_name_is_there():
    for name in kafkalite.__all__:
        assert getattr(kafkalite, name) is not None


@pytest.mark.parametrize("made", [Consumer, Producer, kafkalite.Admin])
def test_dotted_settings_are_not_lost_but_refused(made):
    with pytest.raises(errors.InvalidSettingError, match="as a keyword it is written bootstrap_servers"):
        made("127.0.0.1:1", **{"bootstrap.servers": "127.0.0.1:2"})


def test_what_cannot_be_called_is_refused_as_a_callback(broker):
    with Consumer(broker, group_id="g") as consumer, pytest.raises(TypeError, match="on_assigned must be a function"):
        consumer.subscribe("t", on_assigned=5)
