"""Hands what the core logs to Python's ``logging``, under the logger ``kafkalite``.

The core's threads never touch Python: they put their sentences into a bounded queue, and one daemon thread of
this module, started with the first broker, producer or consumer, takes them out.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading

from kafkalite import _native

_WAIT_S = 0.1  # as long as the end of the interpreter may wait for the thread

_lock = threading.Lock()
_forwarder: tuple[int, threading.Thread] | None = None
_stopping = threading.Event()


def forward() -> None:
    """Start to forward, unless this process does so already, and take over the level that ``logging`` is set to."""
    global _forwarder  # noqa: PLW0603 - one thread a process
    _native.set_log_level(min(logging.getLogger("kafkalite").getEffectiveLevel(), logging.CRITICAL))
    with _lock:
        if _forwarder is not None and _forwarder[0] == os.getpid():
            return
        thread = threading.Thread(target=_run, name="kafkalite-logging", daemon=True)
        thread.start()
        _forwarder = (os.getpid(), thread)
        # The interpreter must not end while the thread waits inside the core.
        atexit.register(_stop, os.getpid(), thread)


def _run() -> None:
    while not _stopping.is_set():
        _emit(_native.next_log_records(_WAIT_S))


def _emit(records: list[tuple[int, str, str]]) -> None:
    for level, name, sentence in records:
        try:
            logging.getLogger(name).log(level, "%s", sentence)
        except BaseException as error:  # noqa: BLE001 - a handler or filter of the user's: what it raises ends nothing here
            _report(error)


def _report(error: BaseException) -> None:
    """Show what a handler raised where Python shows what ends a thread, which nobody else would hear of."""
    told = threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread()))
    try:
        threading.excepthook(told)
    except BaseException:  # noqa: BLE001 - a hook of the user's; Python's own shows both
        threading.__excepthook__(told)


def _stop(owner: int, thread: threading.Thread) -> None:
    if os.getpid() != owner:
        return  # a forked child has no such thread, and the core's queue may have been locked when it was forked
    _stopping.set()
    thread.join()
    _emit(_native.next_log_records(0.0))
