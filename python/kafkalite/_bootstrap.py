"""Where to find a cluster: a broker of this process, or addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from kafkalite.broker import Broker

Bootstrap: TypeAlias = Broker | str | Sequence[str]
"""A running :class:`kafkalite.Broker`, ``"host:port"`` (several separated by commas), or a sequence of them."""


def addresses(bootstrap: Bootstrap) -> str:
    """Return ``host:port[,host:port...]``."""
    if isinstance(bootstrap, Broker):
        return bootstrap.bootstrap_servers
    if isinstance(bootstrap, str):
        return bootstrap
    return ",".join(bootstrap)
