"""`run --format jsonl`: each run's line is printed as soon as the run has ended."""

from __future__ import annotations

import sys
import threading

from cachetui.audit.audit import Audit
from cachetui.cli.args import ShowArgs
from cachetui.records.run import Run

FORMAT = "jsonl"


def streams(args: ShowArgs) -> bool:
    """Whether lines go to standard output one by one; a file is written whole, at the end."""
    return args.output_format == FORMAT and args.output is None


class RunLines:
    """Prints the runs of an audit. When nobody reads on, the audit is stopped."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._lock = threading.Lock()
        self._error: OSError | None = None
        audit.watch_runs(self._print)

    def close(self) -> None:
        """Raises `OSError` where a line could not be written."""
        if self._error is not None:
            raise self._error

    def _print(self, run: Run) -> None:
        from cachetui.report.formats.jsonl import run_line

        with self._lock:
            if self._error is not None:
                return
            try:
                sys.stdout.write(run_line(run) + "\n")
                sys.stdout.flush()
            except OSError as error:
                self._error = error
        if self._error is not None:
            self._audit.stop(reason=f"stopped: {_why(self._error)}")


def _why(error: OSError) -> str:
    if isinstance(error, BrokenPipeError):
        return "nobody reads the result"
    return f"the result cannot be printed: {error.strerror or error}"
