"""`cachetui run`: prepare, run with live progress, show, and say how it went by exit code."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from cachetui.cli.dry_run import dry_run
from cachetui.cli.explain import code_with_gate, gate_of
from cachetui.cli.history import show
from cachetui.cli.live_progress import follow
from cachetui.cli.result import exit_code, write_result
from cachetui.config.settings import BuildSettings, HostSettings
from cachetui.config.toml_table import ConfigError
from cachetui.core import Core, Options
from cachetui.exit_codes import INTERRUPTED
from cachetui.outputs.compare_runs import of_document

_T = TypeVar("_T")

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def run_build_command(
    core: Core, build: BuildSettings, hosts: Sequence[HostSettings], given: dict[str, Any]
) -> int:
    """Run the audit that the command line asks for; returns the exit code."""
    options = Options(
        scenarios=_words(given["scenarios"]) or None,
        as_found=given["as_found"],
        repeat=given["repeat"],
        fresh=given["fresh"],
        outputs=given["outputs"],
        max_age=seconds_of(given["max_age"]),
    )
    output: Path | None = given["output"]
    _check_output(output)
    gate = gate_of(given["fail_on"])
    audit = core.prepare(build, hosts, options)
    if given["dry_run"]:
        write_result(dry_run(audit, hosts), output)
        return 0
    with follow(audit, given["progress"]), stopping(audit.stop) as interrupted:
        document = in_thread(audit.run)
    findings = core.findings(document)
    outputs = of_document(document, core.store)
    show(document, findings, outputs, core.store, given)
    if interrupted.is_set():
        return INTERRUPTED
    return code_with_gate(exit_code(document, outputs), findings, gate)


def seconds_of(text: str) -> float:
    """ "90", "30m", "12h", "7d" → seconds. Raises `ConfigError`."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    try:
        seconds = float(number) * _UNITS[unit]
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ConfigError(f"--max-age {text!r}: a number of seconds is right, or 30m, 12h, 7d")
    return seconds


def _words(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(word.strip() for text in given for word in text.split(",") if word.strip())


def _check_output(output: Path | None) -> None:
    """An audit takes minutes: find out before it that its result can be written."""
    if output is not None and not output.absolute().parent.is_dir():
        raise ConfigError(f"-o {output}: the folder {output.absolute().parent} does not exist")


def in_thread(work: Callable[[], _T]) -> _T:
    """Do the work in a thread, so that this one can take signals meanwhile."""
    result: list[_T] = []
    trouble: list[BaseException] = []

    def body() -> None:
        try:
            result.append(work())
        except BaseException as error:
            trouble.append(error)

    thread = threading.Thread(target=body, name="cachetui-audit", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.2)
    if trouble:
        raise trouble[0]
    return result[0]


@contextmanager
def stopping(stop_work: Callable[[], None]) -> Iterator[threading.Event]:
    """Let Ctrl-C, a hang-up or a TERM end the remote builds and keep what there is."""
    interrupted = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()
        sys.stderr.write("\ncachetui: stopping the remote builds (again: leave at once)\n")
        stop_work()

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, stop) for number in signals]
    try:
        yield interrupted
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
