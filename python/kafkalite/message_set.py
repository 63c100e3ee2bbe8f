"""A batch of messages that is published as one (the paper's ``MessageSet``, Section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from kafkalite._native import Message

__all__ = ["MessageSet"]


class MessageSet(Sequence[Message]):
    """An immutable batch of messages; ``Producer.send`` publishes the whole of it in one request.

    A set goes to one partition and is stored there as one record batch, so that its messages stand next to
    each other and appear to readers all at once.

    Args:
        messages: messages, or their payloads as ``bytes`` or ``str``; one iterable of them is accepted as well.
    """

    __slots__ = ("_messages",)

    def __init__(self, *messages: Message | bytes | str | Iterable[Message | bytes | str]) -> None:
        """Collect the messages; payloads become messages."""
        collected: list[Message] = []
        for item in messages:
            if isinstance(item, Message):
                collected.append(item)
            elif isinstance(item, (bytes, bytearray, memoryview, str)):
                collected.append(Message(item))
            else:
                collected.extend(one if isinstance(one, Message) else Message(one) for one in item)
        self._messages = tuple(collected)

    def __len__(self) -> int:
        """Return the number of messages."""
        return len(self._messages)

    def __iter__(self) -> Iterator[Message]:
        """Iterate over the messages in order."""
        return iter(self._messages)

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> MessageSet: ...
    def __getitem__(self, index: int | slice) -> Message | MessageSet:
        """Return one message, or a set of some."""
        if isinstance(index, slice):
            return MessageSet(*self._messages[index])
        return self._messages[index]

    def __eq__(self, other: object) -> bool:
        """Compare message by message."""
        return isinstance(other, MessageSet) and self._messages == other._messages

    def __hash__(self) -> int:
        """Hash by the messages."""
        return hash(self._messages)

    def __repr__(self) -> str:
        """Say how many messages and bytes there are."""
        size = sum(len(message) for message in self._messages)
        return f"MessageSet({len(self)} messages, {size:,} bytes)"
