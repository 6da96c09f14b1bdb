"""`--log-file`: what happens on each host, in detail, without the values of secrets."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cachetui.audit.redact import Redactor
from cachetui.config.settings import HostSettings
from cachetui.report.clean import clean_line

LOGGERS = {"cachetui": logging.DEBUG, "paramiko": logging.INFO}
"""What is logged in how much detail: paramiko tells of every packet size otherwise."""


class _Formatter(logging.Formatter):
    """A line for each event: time in UTC, thread, what happened. Values are taken out of it, and
    whatever a terminal would act on: hosts put what they like into it."""

    converter = staticmethod(time.gmtime)
    default_msec_format = "%s.%03dZ"

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(threadName)s] %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        text = self._redactor.string(super().format(record))
        return "\n  ".join(clean_line(line) for line in text.splitlines())


def redactor_of(
    hosts: Iterable[HostSettings], build_args: Iterable[tuple[str, str]] = ()
) -> Redactor:
    """Hides these values, and those of the hosts' environments."""
    secrets = [*build_args, *(item for host in hosts for item in host.env.items())]
    return Redactor({}, dict.fromkeys(secrets))


@contextmanager
def logging_to(path: Path | None, redactor: Redactor) -> Iterator[None]:
    """Append events to a file that only its user can read, for as long as the block runs. Raises
    `OSError`."""
    if path is None:
        yield
        return
    path.touch(mode=0o600)
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_Formatter(redactor))
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(LOGGERS[logger.name])
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
        handler.close()
