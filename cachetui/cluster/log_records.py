"""What a worker's audit of a host logs, for the auditor's `--log-file`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

LOGGERS = {"cachetui": logging.DEBUG, "paramiko": logging.INFO}
"""As `--log-file` has them."""

_FIELDS = ("name", "levelno", "levelname", "created", "msecs", "threadName")


def wanted() -> bool:
    """Whether somebody here takes what is logged in detail."""
    return logging.getLogger("cachetui").isEnabledFor(logging.DEBUG)


@contextmanager
def told(host: str, tell: Callable[[Mapping[str, Any]], None]) -> Iterator[None]:
    """Tell what this thread logs meanwhile, under the host's name. Of other threads nothing: they
    may be at work for another audit."""
    thread = threading.current_thread()
    name, thread.name = thread.name, host
    handler = _Teller(thread.ident, tell)
    for logger, level in LOGGERS.items():
        logging.getLogger(logger).setLevel(level)
        logging.getLogger(logger).addHandler(handler)
    try:
        yield
    finally:
        for logger in LOGGERS:
            logging.getLogger(logger).removeHandler(handler)
        thread.name = name


def take(fields: Mapping[str, Any]) -> None:
    """Log here what a worker told."""
    logging.getLogger(fields["name"]).handle(logging.makeLogRecord(dict(fields)))


class _Teller(logging.Handler):
    def __init__(self, thread: int | None, tell: Callable[[Mapping[str, Any]], None]) -> None:
        super().__init__()
        self._thread, self._tell = thread, tell
        self._text = logging.Formatter("%(message)s")  # with the traceback of an error

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            text = self._text.format(record)
            self._tell({"msg": text, **{name: getattr(record, name) for name in _FIELDS}})
