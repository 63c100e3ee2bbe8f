"""``kafkalite log dump`` on directories of Apache Kafka: 4.3 and 4.4 with every codec, 1.1 in older formats."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from kafkalite.cli import main

GOLDEN = Path(__file__).parents[2] / "rust" / "log" / "tests" / "golden"


def binary(printed: str | dict[str, str] | None) -> str | None:
    """What was printed, as base64 whatever it was."""
    if printed is None:
        return None
    return printed["base64"] if isinstance(printed, dict) else base64.b64encode(printed.encode()).decode()


def in_base64(record: dict[str, Any]) -> dict[str, Any]:
    headers = [[name, binary(value)] for name, value in record["headers"]]
    parts = {name: binary(record[name]) for name in ("key", "value")}
    return {"offset": record["offset"], "timestamp": record["timestamp"], **parts, "headers": headers}


def expectations() -> list[Any]:
    files = sorted(GOLDEN.glob("*/*.jsonl"))
    return [pytest.param(file, id=f"{file.parent.name}-{file.stem}") for file in files]


@pytest.mark.parametrize("expected", expectations())
def test_every_record_is_printed(expected: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "dump", "--json", str(expected.with_name(expected.stem + "-0"))]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    records = [in_base64(record) for record in printed if not record["control"]]
    wanted = [json.loads(line) for line in expected.read_text().splitlines()]
    assert [{**record, "timestamp": None} for record in records] == [{**record, "timestamp": None} for record in wanted]
    # Format 0 has no timestamps: Kafka's consumer says -1, we say null.
    assert [record["timestamp"] for record in records] == [
        None if record["timestamp"] < 0 else record["timestamp"] for record in wanted
    ]


@pytest.mark.parametrize("version", ["kafka-1.1", "kafka-4.3", "kafka-4.4"])
def test_every_checksum_is_right(version: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "verify", str(GOLDEN / version)]) == 0
    assert "CRC" not in capsys.readouterr().out
