"""`--log-file`: what happens on each host, in detail, without the values of secrets."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cachetui import __version__
from cachetui.audit.redact import Redactor
from cachetui.cli.failures import tell
from cachetui.config.settings import HostSettings
from cachetui.config.toml_table import ConfigError
from cachetui.exit_codes import TROUBLE
from cachetui.report.clean import clean_line

LOGGERS = {"cachetui": logging.DEBUG, "paramiko": logging.INFO}
"""What is logged in how much detail: paramiko tells of every packet size otherwise."""

_BEGIN = f"%Y-%m-%d %H:%M:%S.000Z INFO cachetui [MainThread] cachetui {__version__}\n"


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
    secrets = [*build_args, *(item for host in hosts for item in host.hidden_env.items())]
    return Redactor({}, dict.fromkeys(secrets))


class LogFile(logging.FileHandler):
    """Appends events to a file until that fails; `trouble` says when, and why."""

    trouble: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.trouble is None:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        why = error.strerror or error
        at = time.strftime("%H:%M:%S UTC", time.gmtime(record.created))
        self.trouble = f"--log-file {self.baseFilename}: {why}; it ends at {at}"

    def exit_code(self, code: int) -> int:
        """A command's exit code; where the file is not whole, that is told, and the code is 2."""
        if self.trouble is None:
            return code
        tell(self.trouble)
        return TROUBLE

    def close(self) -> None:
        with suppress(OSError):  # what could not be written before
            super().close()


@contextmanager
def logging_to(path: Path | None, redactor: Redactor) -> Iterator[LogFile]:
    """Append events to a file that only its user can read, for as long as the block runs. Raises
    `ConfigError` when nothing can be written there."""
    if path is None:
        yield LogFile(os.devnull, delay=True)
        return
    try:
        path.touch(mode=0o600)
        with path.open("ab", buffering=0) as file:
            file.write(time.strftime(_BEGIN, time.gmtime()).encode())
    except OSError as error:
        raise ConfigError(f"--log-file {path}: {error.strerror or error}") from None
    handler = LogFile(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_Formatter(redactor))
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(LOGGERS[logger.name])
    try:
        yield handler
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
        handler.close()
