"""What the core logs reaches the handlers of the program, whatever becomes of one record."""

import logging
import queue
import subprocess
import sys
import threading

import pytest

from clients.groups import PATIENCE
from kafkalite import Broker


class Handler(logging.Handler):
    """Fails with the first record, and keeps the others."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error: BaseException | None = error
        self.kept: queue.Queue[str] = queue.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error
        self.kept.put(record.getMessage())


@pytest.mark.parametrize("error", [ZeroDivisionError("a broken handler"), SystemExit(3), KeyboardInterrupt()])
def test_a_handler_that_fails_is_shown_and_gets_what_comes_later(monkeypatch, error):
    shown: queue.Queue[threading.ExceptHookArgs] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", shown.put)
    logger = logging.getLogger("kafkalite")
    handler = Handler(error)
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        with Broker():
            assert shown.get(timeout=PATIENCE).exc_value is error
        with Broker() as broker:
            assert str(broker.port) in handler.kept.get(timeout=PATIENCE)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_a_handler_that_fails_at_the_end_keeps_no_other_record_from_the_others():
    code = """
import logging, sys
from kafkalite import Broker
class Fails(logging.Handler):
    def emit(self, record):
        raise ZeroDivisionError
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
logging.getLogger("kafkalite").addHandler(logging.StreamHandler(sys.stdout))
logging.getLogger().addHandler(Fails())
Broker().close()
Broker().close()
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "ZeroDivisionError" in ended.stderr
    assert len(set(ended.stdout.splitlines())) > 1, ended.stdout
