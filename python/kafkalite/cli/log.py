"""``kafkalite log dump`` and ``kafkalite log verify``: log directories on disk, ours and Apache Kafka's."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from kafkalite import _native
from kafkalite._native import Batch, Message
from kafkalite.cli import output
from kafkalite.errors import KafkaError

__all__ = ["add_to"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    parser = commands.add_parser("log", help="read log directories on disk, without a broker")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    dump = actions.add_parser("dump", help="print batches and records")
    dump.add_argument("path", type=Path, help="a segment, a partition's directory, or a broker's log directory")
    dump.add_argument("--batches", action="store_true", help="print batches only")
    dump.add_argument("--json", action="store_true", help="print one JSON object a line")
    dump.set_defaults(run=_dump)
    verify = actions.add_parser("verify", help="check every CRC and count what is there; status 1 if anything is wrong")
    verify.add_argument("path", type=Path, help="a segment, a partition's directory, or a broker's log directory")
    verify.add_argument("--json", action="store_true", help="print one JSON object a line")
    verify.set_defaults(run=_verify)


def _partitions(path: Path) -> list[Path]:
    """Return the partition directories below a log directory, or the path itself."""
    if not path.exists():
        message = f"{path} does not exist"
        raise FileNotFoundError(message)
    if path.is_dir() and not any(path.glob("*.log")):
        found = sorted(child for child in path.iterdir() if child.is_dir() and any(child.glob("*.log")))
        if not found:
            message = f"{path} holds no segments (*.log) and no partition directories"
            raise FileNotFoundError(message)
        return found
    return [path]


def _dump(options: argparse.Namespace) -> int:
    for partition in _partitions(options.path):
        for batch in _native.LogReader(str(partition)):
            if options.batches:
                print(json.dumps(_batch(batch)) if options.json else _line(_batch(batch)))
                continue
            for message in batch.messages():
                record = _record(batch, message)
                print(json.dumps(record) if options.json else _line(record))
    return 0


def _verify(options: argparse.Namespace) -> int:
    healthy = True
    for partition in _partitions(options.path):
        batches = records = size = 0
        complaints: list[str] = []
        try:
            for batch in _native.LogReader(str(partition)):
                batches += 1
                records += batch.count
                size += batch.size
                if not batch.crc_valid:
                    offsets = f"offsets {batch.base_offset}-{batch.last_offset}"
                    complaints.append(f"{batch.segment} at {batch.position}: CRC does not match, {offsets}")
        except KafkaError as error:  # where no batch starts nothing after it can be found; other partitions can
            complaints.append(str(error))
        healthy = healthy and not complaints
        if options.json:
            found = {"batches": batches, "records": records, "bytes": size, "wrong": complaints}
            print(json.dumps({"path": str(partition), **found}))
            continue
        for complaint in complaints:
            print(complaint)
        counts = (
            output.counted(batches, "batch", "batches"),
            output.counted(records, "record"),
            output.counted(size, "byte"),
        )
        print(f"{partition}: {', '.join(counts)}")
    return 0 if healthy else 1


def _batch(batch: Batch) -> dict[str, Any]:
    return {
        "segment": batch.segment,
        "position": batch.position,
        "size": batch.size,
        "base_offset": batch.base_offset,
        "last_offset": batch.last_offset,
        "count": batch.count,
        "magic": batch.magic,
        "compression": batch.compression,
        "timestamp_type": batch.timestamp_type,
        "max_timestamp": batch.max_timestamp,
        "leader_epoch": batch.leader_epoch,
        "producer_id": batch.producer_id,
        "producer_epoch": batch.producer_epoch,
        "base_sequence": batch.base_sequence,
        "transactional": batch.is_transactional,
        "control": batch.is_control,
        "crc_valid": batch.crc_valid,
    }


def _record(batch: Batch, message: Message) -> dict[str, Any]:
    return {
        "segment": batch.segment,
        "offset": message.offset,
        "timestamp": message.timestamp,
        "key": output.printable(message.key),
        "value": output.printable(message.value),
        "headers": [[name, output.printable(value)] for name, value in message.headers],
        "control": batch.is_control,
    }


def _line(fields: dict[str, Any]) -> str:
    return "  ".join(f"{name}={_on_one_line(value)}" for name, value in fields.items())


def _on_one_line(value: object) -> str:
    """Return text as it is, unless a line's end or a terminal's control characters are in it."""
    text = str(value)
    return text if text.isprintable() else json.dumps(value)
