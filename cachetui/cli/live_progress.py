"""Live progress on standard error: a table that updates in a terminal, else a line an event."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cachetui.audit.audit import Audit
from cachetui.audit.progress import Cell, HostProgress, Snapshot
from cachetui.report import units
from cachetui.report.clean import clean_line
from cachetui.report.signs import CELL_STATES, HOST_STATES, Tone

_COLORS: dict[Tone, str] = {
    "good": "green",
    "warn": "yellow",
    "bad": "red",
    "muted": "dim",
    "accent": "cyan",
}
_ORDER = {"building": 0, "failed": 1, "unreachable": 1, "queued": 3}
"""Which cells come first where there is no room for all; the rest are 2."""


@contextmanager
def follow(audit: Audit, mode: str) -> Iterator[None]:
    """Show the audit as it runs; `mode` is auto, plain or quiet."""
    if mode == "quiet":
        yield
    elif mode == "auto" and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        console = Console(stderr=True, highlight=False)
        with Live(console=console, auto_refresh=False, transient=True) as live:
            lock = threading.Lock()

            def draw(snapshot: Snapshot) -> None:
                with lock:
                    live.update(_picture(snapshot, console.width, console.height), refresh=True)

            audit.watch(draw)
            yield
    else:
        printer = _LinePrinter()
        audit.watch(printer.print_changes)
        yield
        printer.print_changes(audit.snapshot())


def _picture(snapshot: Snapshot, width: int, height: int) -> Text:
    """A line per host and scenario, at most `height` lines of `width` cells in all: those at work
    or in trouble come first when there is no room for all."""
    hosts = {host.name: host for host in snapshot.hosts}
    cells = list(snapshot.cells)
    room = max(4, height - 3)
    if len(cells) > room:
        cells.sort(key=lambda cell: _ORDER.get(cell.state, 2))
    names = max((len(name) for name in hosts), default=0)
    labels = max((len(_label(cell, snapshot)) for cell in cells), default=0)
    lines: list[Text] = []
    for cell in cells[:room]:
        state = CELL_STATES[cell.state]
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f"{state.sign} ", _COLORS[state.tone])
        line.append(f"{cell.host:<{names}}  {_label(cell, snapshot):<{labels}}  ")
        line.append(_activity(cell, hosts[cell.host]), _COLORS[state.tone])
        line.truncate(width - 1, overflow="ellipsis")
        lines.append(line)
    if len(cells) > room:
        lines.append(Text(f"  … and {len(cells) - room} more", "dim"))
    left = _left(snapshot)
    runs = units.count(snapshot.total, "run")
    summary = f"{snapshot.done} of {runs}, {units.seconds(snapshot.elapsed)}"
    lines.append(Text(summary + left + (", stopping" if snapshot.stopping else ""), "bold"))
    return Text("\n").join(lines)


def _left(snapshot: Snapshot) -> str:
    """ ", about 2m05s left"; unknown is said to be, and nothing where all runs have ended."""
    if snapshot.finished or snapshot.done == snapshot.total:
        return ""
    if snapshot.remaining is None:
        return ", time left unknown"
    return f", about {units.seconds(snapshot.remaining)} left"


def _label(cell: Cell, snapshot: Snapshot) -> str:
    return cell.scenario + (f" {cell.repeat}/{snapshot.repeats}" if snapshot.repeats > 1 else "")


def _activity(cell: Cell, host: HostProgress) -> str:
    """What a cell is doing, or how it ended, in a few words. Cleaned."""
    if cell.state == "queued":
        if host.state == "sending" and host.to_send:
            return f"sending {units.size(host.sent)} of {units.size(host.to_send)}"
        if host.state == "waiting":
            return f"waiting: {clean_line(host.reason or '')}"
        if host.state in ("connecting", "asking", "sending"):
            return HOST_STATES[host.state].word
        return CELL_STATES["queued"].word
    if cell.state == "building":
        steps = f"{cell.step}/{units.count(cell.steps, 'step')}" if cell.steps else "building"
        return f"{steps}  {units.seconds(cell.seconds)}  {clean_line(cell.doing)}".rstrip()
    text = CELL_STATES[cell.state].word
    if cell.reason:
        text += f": {clean_line(cell.reason)}"
    counted = cell.hits + cell.misses
    if counted and cell.state in ("done", "stored", "failed"):
        text += f"  {cell.hits}/{counted} hit  {units.seconds(cell.seconds)}"
    if cell.age is not None:
        text += f"  {units.age(cell.age)}"
    return text


class _LinePrinter:
    """Prints a line for each change of state of a host or a cell: the time of day, which run of how
    many it is that ended, and the time left."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._ended = 0
        self._lock = threading.Lock()
        self._last: dict[str, str] = {}

    def print_changes(self, snapshot: Snapshot) -> None:
        with self._lock:
            for host in snapshot.hosts:
                if host.state in ("connecting", "waiting", "sending", "unreachable", "failed"):
                    reason = f": {clean_line(host.reason)}" if host.reason else ""
                    self._print(host.name, HOST_STATES[host.state].word + reason)
            hosts = {host.name: host for host in snapshot.hosts}
            unreachable = sum(cell.state == "unreachable" for cell in snapshot.cells)
            for cell in snapshot.cells:
                if cell.state in ("queued", "unreachable"):
                    continue
                building = cell.state == "building"
                text = cell.state if building else _activity(cell, hosts[cell.host])
                label = f"{cell.host} {_label(cell, snapshot)}"
                if building or self._last.get(label) == text:
                    self._print(label, text)
                    continue
                self._ended += 1
                ended = min(self._ended + unreachable, snapshot.done)
                count = f"{ended} of {snapshot.total}"
                self._print(label, text, f" ({count}{_left(snapshot)})")

    def _print(self, label: str, text: str, more: str = "") -> None:
        if self._last.get(label) != text:
            self._last[label] = text
            now = time.strftime("%H:%M:%S", time.localtime(self._clock()))
            with suppress(OSError):  # an audit goes on where standard error is a full disk's file
                sys.stderr.write(f"{now} {label}: {text}{more}\n")
                sys.stderr.flush()
