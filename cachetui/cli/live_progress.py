"""Live progress on standard error: a table that updates in a terminal, else a line an event."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cachetui.audit.audit import Audit
from cachetui.audit.progress import Cell, HostProgress, Snapshot
from cachetui.report import units
from cachetui.report.clean import clean_line

_SIGNS = {
    "queued": ("·", "dim"),
    "building": ("▸", "cyan"),
    "done": ("✓", "green"),
    "stored": ("=", "blue"),
    "failed": ("✗", "red"),
    "unsupported": ("-", "yellow"),
    "unreachable": ("!", "red"),
    "cancelled": ("×", "yellow"),
    "skipped": ("-", "dim"),
}


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
        teller = _Teller()
        audit.watch(teller.tell)
        yield
        teller.tell(audit.snapshot())


def _picture(snapshot: Snapshot, width: int, height: int) -> Text:
    """A line per host and scenario; what is at work or went wrong first when there is no room."""
    lines: list[Text] = []
    order = {"building": 0, "failed": 1, "unreachable": 1, "queued": 3}
    hosts = {host.name: host for host in snapshot.hosts}
    cells = list(snapshot.cells)
    room = max(4, height - 3)
    if len(cells) > room:
        cells.sort(key=lambda cell: order.get(cell.state, 2))
    names = max((len(name) for name in hosts), default=0)
    scenarios = max((len(_label(cell, snapshot)) for cell in cells), default=0)
    for cell in cells[:room]:
        sign, colour = _SIGNS[cell.state]
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f"{sign} ", colour)
        line.append(f"{cell.host:<{names}}  {_label(cell, snapshot):<{scenarios}}  ")
        line.append(_doing(cell, hosts[cell.host]), colour)
        line.truncate(width - 1, overflow="ellipsis")
        lines.append(line)
    if len(cells) > room:
        lines.append(Text(f"  … and {len(cells) - room} more", "dim"))
    left = "" if snapshot.remaining is None else f", about {units.seconds(snapshot.remaining)} left"
    summary = f"{snapshot.done} of {len(snapshot.cells)} runs, {units.seconds(snapshot.elapsed)}"
    lines.append(Text(summary + left + (", stopping" if snapshot.stopping else ""), "bold"))
    return Text("\n").join(lines)


def _label(cell: Cell, snapshot: Snapshot) -> str:
    return cell.scenario + (f" {cell.repeat}/{snapshot.repeats}" if snapshot.repeats > 1 else "")


def _doing(cell: Cell, host: HostProgress) -> str:
    """What a cell is at, in a few words."""
    if cell.state == "queued":
        if host.state == "sending" and host.to_send:
            return f"sending {units.size(host.sent)} of {units.size(host.to_send)}"
        return host.state if host.state in ("connecting", "asking", "sending") else "queued"
    if cell.state == "building":
        doing = clean_line(cell.doing)
        return f"step {cell.step}/{cell.steps}  {units.seconds(cell.seconds)}  {doing}"
    said = f"{cell.state}: {clean_line(cell.reason)}" if cell.reason else cell.state
    counted = cell.hits + cell.misses
    if counted and cell.state in ("done", "stored", "failed"):
        said += f"  {cell.hits}/{counted} hit  {units.seconds(cell.seconds)}"
    if cell.age is not None:
        said += f"  {units.age(cell.age)}"
    return said


class _Teller:
    """Writes a line for each change of state of a host or a cell."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[tuple[str, ...], str] = {}

    def tell(self, snapshot: Snapshot) -> None:
        with self._lock:
            for host in snapshot.hosts:
                if host.state in ("connecting", "sending", "unreachable", "failed"):
                    reason = f": {clean_line(host.reason)}" if host.reason else ""
                    self._line((host.name,), host.state + reason, f"{host.name}")
            hosts = {host.name: host for host in snapshot.hosts}
            for cell in snapshot.cells:
                if cell.state in ("queued", "unreachable"):
                    continue
                label = f"{cell.host} {_label(cell, snapshot)}"
                state = "building" if cell.state == "building" else _doing(cell, hosts[cell.host])
                self._line((cell.host, label), state, label)

    def _line(self, key: tuple[str, ...], said: str, label: str) -> None:
        if self._told.get(key) != said:
            self._told[key] = said
            sys.stderr.write(f"{label}: {said}\n")
            sys.stderr.flush()
