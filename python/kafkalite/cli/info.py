"""``kafkalite info``: what is installed, and where; for the top of a bug report."""

from __future__ import annotations

import argparse
import json
import os
import platform

from kafkalite import __version__, _native

__all__ = ["add_to"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("info", help="print versions and paths, for a bug report")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    facts = {
        "kafkalite": __version__,
        "extension": str(_native.__file__),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "cores": os.cpu_count(),
    }
    if options.json:
        print(json.dumps(facts))
        return 0
    for name, value in facts.items():
        print(f"{name:<10} {value}")
    return 0
