"""Where to find a cluster: a broker of this process, or addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from kafkalite.broker import Broker
from kafkalite.errors import ClosedError

Bootstrap: TypeAlias = Broker | str | Sequence[Broker | str]
"""A running :class:`kafkalite.Broker`, ``"host:port"`` (several separated by commas), or a sequence of them."""


def addresses(bootstrap: object) -> str:
    """Return ``host:port[,host:port...]`` of a :data:`Bootstrap`; what callers pass without a type checker is checked.

    Raises:
        ClosedError: it is a broker of this process that was closed.
        TypeError: it is nothing that :data:`Bootstrap` names.
    """
    if isinstance(bootstrap, str):
        return bootstrap
    if isinstance(bootstrap, Broker):
        if bootstrap.closed:
            message = f"{bootstrap!r} has no address any more: start it again, or name a running one"
            raise ClosedError(message)
        return bootstrap.bootstrap_servers
    if isinstance(bootstrap, Sequence) and not isinstance(bootstrap, (bytes, bytearray, memoryview)):
        return ",".join(map(addresses, bootstrap))
    message = f"bootstrap_servers must be a Broker, 'host:port', or a sequence of them, not {type(bootstrap).__name__}"
    raise TypeError(message)
