"""What Fleet shows before an audit: the hosts as they are configured, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cachetui.report import units
from cachetui.tui.text import Line, Span, line
from cachetui.tui.widgets.columns import Column

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings, HostSettings
    from cachetui.store.database import AuditEntry


def columns(host: str) -> tuple[Column, ...]:
    """The columns of the list; `host` is the key of the first."""
    return (
        Column(host, ("  HOST",), 14, 1, 26),
        Column("address", ("ADDRESS",), 20, 2, 44),
        Column("tags", ("TAGS",), 12, 1),
    )


def cell(host: HostSettings | None, column: str) -> Line:
    """Address or tags of a host."""
    if host is None:
        return ()
    return ((host.address if column == "address" else " ".join(host.tags), "muted"),)


def todo(build: BuildSettings | None, hosts: int, *, loading: bool) -> Line:
    """What to do next."""
    if loading:
        return (("Reading hosts.toml…", "muted"),)
    if not hosts:
        return line(
            "There is no hosts.toml yet: ",
            ("r", "key"),
            " offers to write one · ",
            ("6", "key"),
            " opens a kept audit",
        )
    return line(
        ("r", "key"),
        f" runs {build.name} on " if build else " chooses a build for ",
        units.count(hosts, "host"),
        (" · ", "muted"),
        ("6", "key"),
        " opens a kept audit",
    )


def build_lines(
    build: BuildSettings | None, audits: Sequence[AuditEntry], now: float
) -> list[Line]:
    """What would be built, and when it last was; `audits` are those kept, the latest first."""
    if build is None:
        return []
    target = f" → {build.target}" if build.target else ""
    path = f"  {build.context / build.dockerfile}{target}"
    lines = [line(("build  ", "muted"), (build.name, "strong"), path)]
    last = next((entry for entry in audits if entry.build == build.name), None)
    if last is not None:
        told = f"{units.age(max(0.0, now - last.started_at))} on {units.count(last.hosts, 'host')}"
        trouble: Span = (f"  ✗ {last.failed} in trouble", "bad") if last.failed else ("", "")
        lines.append(line(("last   ", "muted"), told, trouble))
    return lines
