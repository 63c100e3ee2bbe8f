"""What users see of the package says each thing in one way (CONTRIBUTING.md, "Python's surface")."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

import kafkalite
from kafkalite import Admin, Broker, ClosedError, Consumer, KafkaTimeoutError, MessageStream, Producer, admin

PUBLIC = {
    name: each
    for module in (kafkalite, admin)
    for name in module.__all__
    if inspect.isclass(each := getattr(module, name)) and not issubclass(each, BaseException)
}
STUB = {
    each.name: each
    for each in ast.parse(Path(kafkalite.__file__).with_name("_native.pyi").read_text(encoding="utf-8")).body
    if isinstance(each, ast.ClassDef)
}
CLOSING = [each for each in PUBLIC.values() if hasattr(each, "close")]


class Argument(NamedTuple):
    """One of a function, with its type and default as they are written."""

    name: str
    type: str
    default: str
    keyword_only: bool


def functions() -> Iterator[tuple[str, list[Argument]]]:
    """Yield the public functions of all public classes, and their arguments."""
    for kind, each in PUBLIC.items():
        native = each.__module__ == "kafkalite" and kind in STUB
        own = [part for part in each.__mro__ if part.__module__.startswith("kafkalite")]
        trees = [STUB[kind]] if native else [ast.parse(inspect.getsource(part)).body[0] for part in own]
        for tree in trees:
            assert isinstance(tree, ast.ClassDef)
            for function in tree.body:
                if isinstance(function, ast.FunctionDef) and (
                    not function.name.startswith("_") or function.name in {"__init__", "__new__"}
                ):
                    yield f"{kind}.{function.name}", list(arguments(function.args))


def arguments(of: ast.arguments) -> Iterator[Argument]:
    """Yield the arguments, without the object itself."""
    positional = of.args[1:]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(of.defaults))
    for each, default in zip(
        positional, [*missing, *of.defaults][-len(positional) :] if positional else [], strict=True
    ):
        yield Argument(each.arg, written(each.annotation), written(default), keyword_only=False)
    for each, default in zip(of.kwonlyargs, of.kw_defaults, strict=True):
        yield Argument(each.arg, written(each.annotation), written(default), keyword_only=True)


def written(expression: ast.expr | None) -> str:
    return "" if expression is None else ast.unparse(expression)


FUNCTIONS = dict(functions())


def test_dir_shows_what_is_public_and_nothing_else():
    assert dir(kafkalite) == sorted([*kafkalite.__all__, "__version__"])
    assert all(hasattr(kafkalite, name) for name in dir(kafkalite))


def test_a_star_imports_what_is_public_and_nothing_else():
    names: dict[str, object] = {"__version__": "mine"}
    exec("from kafkalite import *", names)  # noqa: S102 - it is what a user writes
    assert set(names) - {"__builtins__", "__version__"} == set(kafkalite.__all__)
    assert names["__version__"] == "mine"


def test_the_rules_look_at_every_class():
    assert {"Consumer.commit", "MessageStream.commit", "Admin.__init__", "Message.__new__"} <= set(FUNCTIONS)
    assert {each.__name__ for each in CLOSING} == {"Admin", "Broker", "Consumer", "MessageStream", "Producer"}


def test_a_timeout_is_seconds_or_none_and_the_only_argument_without_its_name():
    timeouts = {
        name: (given, one) for name, given in FUNCTIONS.items() for one in given if one.name.endswith("timeout")
    }
    assert len(timeouts) > 10
    for name, (given, one) in timeouts.items():
        assert (one.name, one.type) == ("timeout", "float | None"), name
        assert one.keyword_only or len(given) == 1, name


def test_no_argument_is_seconds_by_its_name_and_milliseconds_are_integers():
    for name, given in FUNCTIONS.items():
        assert not [one for one in given if one.name.endswith(("_s", "_seconds"))], name
        assert not [one for one in given if one.name.endswith("_ms") and one.type not in {"int", "int | None"}], name


def test_a_flag_is_a_keyword():
    wrong = [name for name, given in FUNCTIONS.items() for one in given if one.type == "bool" if not one.keyword_only]
    assert wrong == []


def test_everything_that_closes_closes_alike():
    for each in CLOSING:
        assert FUNCTIONS[f"{each.__name__}.close"] == [Argument("timeout", "float | None", "None", keyword_only=False)]
        assert inspect.isdatadescriptor(each.closed)
        assert hasattr(each, "__enter__")
        assert hasattr(each, "__exit__")


def test_what_changes_a_cluster_can_be_tried_first():
    changing = ("add_", "alter_", "create_", "delete_", "reset_")
    found = {name: given for name, given in FUNCTIONS.items() if name.removeprefix("Admin.").startswith(changing)}
    assert len(found) == 8
    for name, given in found.items():
        assert Argument("dry_run", "bool", "False", keyword_only=True) in given, name


@pytest.mark.parametrize("name", ["poll", "poll_batch", "commit", "close"])
def test_streams_and_consumers_take_the_same(name):
    assert FUNCTIONS[f"Consumer.{name}"] == FUNCTIONS[f"MessageStream.{name}"]


def test_brokers_and_admins_create_and_delete_topics_alike():
    for name in ("create_topic", "delete_topic"):
        own = FUNCTIONS[f"Broker.{name}"]
        assert own == [one for one in FUNCTIONS[f"Admin.{name}"] if one in own]


def test_a_word_is_a_property_of_all_classes_or_a_method_of_all():
    kinds: dict[str, dict[bool, list[str]]] = {}
    for kind, each in PUBLIC.items():
        if issubclass(each, (list, dict)) or is_dataclass(each):
            continue  # their methods are Python's; a description is an answer, and has nothing left to ask
        for name in vars(each):
            if not name.startswith("_"):
                kinds.setdefault(name, {}).setdefault(callable(getattr(each, name)), []).append(kind)
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}
    assert {"closed", "positions", "lag", "assignment", "paused"} <= set(kinds)


def test_what_is_closed_says_so(broker, topic):
    consumer, own = Consumer(broker), Broker()
    (stream,) = consumer.create_message_streams(topic)
    for each in (stream, consumer, Producer(broker), Admin(broker), own):
        assert not each.closed
        with each as entered:
            assert entered is each
        assert each.closed
        assert "closed" in repr(each)
        each.close()
        each.close(timeout=1.0)
        with pytest.raises(ClosedError), each:
            pass


def test_a_broker_that_does_not_stop_in_time_says_so_and_can_be_waited_for(tmp_path):
    broker = Broker(tmp_path)
    with pytest.raises(KafkaTimeoutError, match="close"):
        broker.close(timeout=0)
    assert not broker.closed
    broker.close()
    assert broker.closed
    assert (tmp_path / ".kafka_cleanshutdown").exists()


def test_a_stream_commits_as_its_consumer_does(broker, make_topic):
    topic = make_topic()
    with Producer(broker) as producer:
        producer.send_many(topic, ["a", "b", "c"])
    with Consumer(broker, group_id=topic, enable_auto_commit=False) as consumer:
        (stream,) = consumer.create_message_streams(topic)
        message = next(stream)
        (place,) = stream.assignment
        assert place == (topic, 0)
        stream.commit(message)
        assert consumer.committed() == {place: 1}
        stream.commit({place: 3})
        assert consumer.committed() == {place: 3}
        told: list[object] = []
        stream.commit({place: 2}, wait=False, then=lambda *outcome: told.append(outcome))
        while not told:
            stream.poll(timeout=0.05)
        assert told == [({place: 2}, None)]
        for each in (stream, consumer):
            with pytest.raises(ValueError, match="then="):
                each.commit(then=print)
            with pytest.raises(TypeError, match="then must be a function"):
                each.commit(wait=False, then=1)
            with pytest.raises(ValueError, match="at least 0"):
                each.commit({place: -1})
            with pytest.raises(TypeError, match="offsets by TopicPartition"):
                each.commit(7)
            with pytest.raises(kafkalite.CommitFailedError, match="elsewhere-0"):
                each.commit({kafkalite.TopicPartition("elsewhere", 0): 1})
    for each in (stream, consumer):
        with pytest.raises(ClosedError):
            each.commit()


def test_a_stream_says_what_it_paused_and_seeks_some_partitions(broker, make_topic):
    topic = make_topic(2)
    with Producer(broker) as producer:
        for partition in (0, 1):
            producer.send_many(topic, ["a", "b"], partition=partition)
    with Consumer(broker) as consumer:
        stream: MessageStream
        (stream,) = consumer.create_message_streams(topic)
        first, second = stream.assignment
        stream.pause(first)
        assert stream.paused == consumer.paused == [first]
        stream.resume()
        assert stream.paused == []
        stream.seek_to_end(0)
        stream.seek_to_beginning(second)
        message = stream.poll(timeout=30)
        assert message is not None
        assert (message.partition, message.offset) == (1, 0)
        assert stream.poll_batch(timeout=30)[0].offset == 1
        assert stream.positions[second] == consumer.positions[second] == 2


def test_a_dry_run_creates_and_deletes_and_grows_nothing(broker, make_topic):
    topic = make_topic()
    with Admin(broker) as client:
        client.create_topic("dry", dry_run=True)
        client.delete_topic(topic, dry_run=True)
        client.add_partitions(topic, 3, dry_run=True)
        assert "dry" not in broker.topics()
        assert broker.topics()[topic].partition_count == 1
        for wrong, error in (
            (lambda: client.create_topic(topic, dry_run=True), kafkalite.TopicExistsError),
            (lambda: client.create_topic("dry", config={"retention.ms": "x"}, dry_run=True), ValueError),
            (lambda: client.delete_topic("dry", dry_run=True), kafkalite.UnknownTopicError),
            (lambda: client.add_partitions(topic, 1, dry_run=True), ValueError),
        ):
            with pytest.raises(error):
                wrong()


def test_a_topic_has_as_many_partitions_as_the_settings_say():
    with Broker(config={"num.partitions": 3}) as broker:
        broker.create_topic("t")
        assert broker.topics()["t"].partition_count == 3


def test_what_there_is_not_is_none(broker, topic):
    with Producer(broker, acks=0, enable_idempotence=False) as producer:
        assert producer.send(topic, b"x").result(30).offset is None
    assert ClosedError("no broker says so").code is None
