"""What the parts of an Admin share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kafkalite import _native


class AdminPart:
    """What an Admin does with one kind of thing, over the Admin's connections."""

    _native: _native.Admin
