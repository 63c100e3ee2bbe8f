"""``kafkalite config list``: what can be set, printed from the tables that the core itself reads."""

from __future__ import annotations

import argparse
import json
import sys

from kafkalite import _native

__all__ = ["add_to"]

_KINDS = ("broker", "topic", "producer", "consumer")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("config", help="what can be set")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="print a table of settings")
    listing.add_argument("kind", nargs="?", choices=_KINDS, default="broker", help="whose settings (default: broker)")
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=_list)


def _list(options: argparse.Namespace) -> int:
    rows = _native.settings(options.kind)
    if options.json:
        json.dump(rows, sys.stdout, indent=1)
        print()
        return 0
    for row in rows:
        default = "" if row["default"] is None else f" = {row['default']}"
        bounds = f", {row['range']}" if row["range"] else ""
        print(f"{row['name']}{default}  ({row['type']}{bounds})\n    {row['doc']}")
    return 0
