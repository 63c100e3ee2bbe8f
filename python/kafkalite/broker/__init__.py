"""A Kafka broker inside this process.

``Broker()`` listens on the loopback interface, on a free port, with a temporary directory that goes when it
is closed; ``Broker("./data")`` keeps its data. Any Kafka client can talk to it. ``python -m kafkalite.broker``
runs the same broker as a daemon.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from os import PathLike, fspath
from typing import TYPE_CHECKING, Literal, Self, TypeAlias, get_args

from kafkalite import _logging, _native
from kafkalite._properties import as_properties, as_property
from kafkalite.errors import ClosedError, InvalidSettingError, KafkaError, KafkaTimeoutError, TopicExistsError

if TYPE_CHECKING:
    from types import TracebackType

    from kafkalite._native import TopicSummary

__all__ = ["Broker"]

_Durability: TypeAlias = Literal["visible", "synced"]
_DURABILITIES: tuple[str, ...] = get_args(_Durability)


class Broker:
    """A running broker; it serves from the moment it exists until :meth:`close`.

    Args:
        data_dir: the log directory, in Apache Kafka's own layout; made if missing. Without it the broker uses a
            temporary directory, which is deleted on close.
        host: the interface to listen on. The default is reached from this machine only.
        port: the port to listen on; 0 takes a free one.
        durability: ``"visible"``: a message can be read once it is in the page cache, and survives the death of
            the process; ``"synced"``: it is acknowledged and visible only after it was flushed to the disk, and
            survives the loss of power (the paper's rule, Section 3.1). ``None`` leaves it to ``kafkalite.durability``
            in ``config``, which is ``"visible"`` unless set.
        zookeeper: where ZooKeeper is, ``"host:2181"`` or ``"host1:2181,host2:2181/chroot"``: the broker is one of the
            cluster that is registered there. ``None`` leaves it to ``zookeeper.connect`` in ``config``; without either
            it is a cluster of its own.
        broker_id: its number in the cluster, which no other broker there has; needed with ``zookeeper``.
        config: further broker settings under Kafka's own dotted names, for example ``{"log.segment.bytes": 1 << 20}``;
            ``kafkalite config list`` prints them all.

    Raises:
        BrokerStartError: the port is taken, or the directory is locked by another broker or not writable; or the broker
            cannot join its cluster: no ZooKeeper answers, its number is another broker's, or its directory another
            cluster's.
        InvalidSettingError: a setting is unknown or out of range.
    """

    def __init__(
        self,
        data_dir: str | PathLike[str] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        durability: _Durability | None = None,
        zookeeper: str | None = None,
        broker_id: int | None = None,
        config: Mapping[str, object] | None = None,
    ) -> None:
        """Open the directory, recover it if need be, and listen."""
        _logging.forward()
        settings = as_properties(config)
        for name, keywords in _KEYWORDS.items():
            if name in settings:
                message = f"{name} cannot stand in config: Broker takes {keywords} instead"
                raise InvalidSettingError(message)
        _check_address(host, port)
        if durability is not None:
            if durability not in _DURABILITIES:
                message = f"durability cannot be {durability!r}; expected one of {', '.join(_DURABILITIES)}"
                raise InvalidSettingError(message)
            settings["kafkalite.durability"] = durability
        if zookeeper is not None:
            settings["zookeeper.connect"] = as_property(zookeeper)
        if broker_id is not None:
            settings["broker.id"] = as_property(broker_id)
        self._owner = os.getpid()
        self._temporary = temporary = _temporary_directory() if data_dir is None else None
        self._data_dir = temporary or fspath(data_dir or "")
        try:
            self._native = _native.Broker(self._data_dir, host, port, settings)
        except BaseException:
            if temporary:
                _remove(temporary)
            raise
        # Runs on close(), when the object is forgotten, and when the interpreter ends: whichever is first.
        self._finalizer = weakref.finalize(self, _shut_down, self._native, temporary, self._owner)

    @property
    def data_dir(self) -> str:
        """The log directory."""
        return self._data_dir

    @property
    def host(self) -> str:
        """The interface that it listens on."""
        return self._native.host

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._native.port

    @property
    def bootstrap_servers(self) -> str:
        """``host:port``, as every Kafka client takes it."""
        return self._native.bootstrap_servers

    @property
    def cluster_id(self) -> str:
        """The identity of the cluster, kept in the directory, and in ZooKeeper if there is one."""
        return self._native.cluster_id

    def create_topic(
        self,
        name: str,
        partitions: int | None = None,
        *,
        exist_ok: bool = False,
        config: Mapping[str, object] | None = None,
    ) -> None:
        """Create a topic.

        Args:
            name: letters, digits, ``.``, ``_`` and ``-``, 249 at the most.
            partitions: how many logs the topic is spread over; without it as many as ``num.partitions``, 1 unless set.
            exist_ok: accept a topic of that name that exists already, whatever its partitions.
            config: topic settings under Kafka's names, for example ``{"retention.ms": 60_000}``.

        Raises:
            TopicExistsError: it exists, and ``exist_ok`` is false.
            InvalidTopicError: the name is not allowed.
            InvalidSettingError: a topic setting, or the number of partitions, is unknown or out of range.
        """
        properties = as_properties(config)
        try:
            self._running().create_topic(name, partitions, properties)
        except TopicExistsError:
            if not exist_ok:
                raise

    def delete_topic(self, name: str) -> None:
        """Delete a topic and its messages. ``UnknownTopicError`` if there is none of that name."""
        self._running().delete_topic(name)

    def topics(self) -> dict[str, TopicSummary]:
        """Return what this broker has of every topic by its name, sorted: messages, bytes and segments on disk."""
        return {topic.name: topic for topic in self._running().topics()}

    def close(self, timeout: float | None = None) -> None:
        """Stop: answer what is being asked, flush, mark the directory as cleanly closed. A second call does nothing.

        Args:
            timeout: seconds to wait for that; ``None`` waits as long as it takes.

        Raises:
            KafkaTimeoutError: the time ran out; the broker goes on stopping, and another call waits for that.
        """
        if self.closed:
            return
        try:
            _shut_down(self._native, self._temporary, self._owner, timeout)
        except (KeyboardInterrupt, KafkaTimeoutError):
            raise  # the stop goes on: another close, or the end of the interpreter, waits for its end
        except BaseException:
            self._finalizer.detach()
            raise
        self._finalizer.detach()

    @property
    def closed(self) -> bool:
        """Whether the broker has been closed."""
        return not self._finalizer.alive

    def _running(self) -> _native.Broker:
        if self.closed:
            message = f"{self!r} serves nothing any more: start it again"
            raise ClosedError(message)
        return self._native

    def __enter__(self) -> Self:
        """Return the running broker."""
        self._running()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __reduce__(self) -> str | tuple[object, ...]:
        """Refuse: a listening socket stays in its process."""
        message = "a Broker cannot be pickled: send its bootstrap_servers to the other process and connect from there"
        raise TypeError(message)

    def __repr__(self) -> str:
        """Show where it listens, and a table of its topics."""
        if self.closed:
            return f"Broker(closed, {self._data_dir!r})"
        lines = [f"Broker({self.bootstrap_servers}, {self._data_dir!r})"]
        rows = [_HEADINGS, *self._rows()]
        if len(rows) > 1:
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            for name, *numbers in rows:
                cells = [name.ljust(widths[0]), *map(str.rjust, numbers, widths[1:])]
                lines.append("  " + "  ".join(cells))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Show the table in a notebook."""
        import html

        title = html.escape(f"Broker {self.bootstrap_servers}" if not self.closed else "Broker (closed)")
        where = html.escape(self._data_dir)
        head = "".join(f"<th>{heading}</th>" for heading in _HEADINGS)
        rows = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in self._rows())
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<b>{title}</b> <code>{where}</code><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _rows(self) -> list[tuple[str, ...]]:
        """Return the table's rows; none if the broker cannot say: closed, perhaps just now, or in a forked child."""
        try:
            return [] if self.closed else list(map(_row, self.topics().values()))
        except KafkaError:
            return []


# Settings that the keywords of ``Broker`` would overwrite without a word, and those keywords.
_KEYWORDS = {"listeners": "host= and port=", "log.dir": "data_dir=", "log.dirs": "data_dir="}
_LAST_PORT = 65_535
_HEADINGS = ("topic", "partitions", "messages", "segments", "bytes")


def _check_address(host: object, port: object) -> None:
    """Refuse what is no address; of ``None`` the core would make the default of a daemon."""
    if not isinstance(port, int) or not 0 <= port <= _LAST_PORT:
        message = f"port cannot be {port!r}; expected 0, which takes a free one, to {_LAST_PORT}"
        raise InvalidSettingError(message)
    if not isinstance(host, str) or not host:
        message = f"host cannot be {host!r}; expected an interface, such as 127.0.0.1, or 0.0.0.0 for all"
        raise InvalidSettingError(message)


def _row(topic: TopicSummary) -> tuple[str, ...]:
    messages = f"{'at most ' if topic.compacted else ''}{topic.messages:,}"
    return (topic.name, f"{topic.partition_count:,}", messages, f"{topic.segments:,}", f"{topic.bytes:,}")


def _shut_down(native: _native.Broker, temporary: str | None, owner: int, timeout: float | None = None) -> None:
    if os.getpid() != owner:
        return  # a forked child holds a copy of this object; the broker and its directory are the parent's
    if temporary is None:
        native.close(timeout)
        return
    try:
        native.discard(timeout)
    except KafkaTimeoutError:
        raise  # it is still at work there
    except BaseException:
        _remove(temporary)
        raise
    _remove(temporary)


# Imported where they are needed: with them a daemon would take twice as long to start.
def _temporary_directory() -> str:
    import tempfile

    return tempfile.mkdtemp(prefix="kafkalite-")


def _remove(directory: str) -> None:
    import shutil

    shutil.rmtree(directory, ignore_errors=True)
