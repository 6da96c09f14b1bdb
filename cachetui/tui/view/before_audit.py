"""What Fleet shows before an audit: the configured hosts, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cachetui.report import units
from cachetui.tui.view.column import Column
from cachetui.tui.view.text import Line, Span, line

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings, HostSettings
    from cachetui.store.audit_records import AuditEntry


def columns(host: str) -> tuple[Column, ...]:
    """The columns of the list of hosts; `host` is the key of the first."""
    return (
        Column(host, ("  HOST",), 14, 1, 26),
        Column("address", ("ADDRESS",), 20, 2, 44),
        Column("tags", ("TAGS",), 12, 1),
    )


def cell(host: HostSettings | None, column: str) -> Line:
    """The address or the tags of a host."""
    if host is None:
        return ()
    return ((host.address if column == "address" else " ".join(host.tags), "muted"),)


def next_step(build: BuildSettings | None, hosts: int, *, loading: bool) -> Line:
    """Which keys to press next."""
    if loading:
        return (("Reading hosts.toml…", "muted"),)
    if not hosts:
        return line(
            "There is no hosts.toml yet: ",
            ("r", "key"),
            " offers to write one · ",
            ("6", "key"),
            " opens a stored audit",
        )
    return line(
        ("r", "key"),
        f" runs {build.name} on " if build else " chooses a build for ",
        units.count(hosts, "host"),
        (" · ", "muted"),
        ("6", "key"),
        " opens a stored audit",
    )


def build_lines(
    build: BuildSettings | None, audits: Sequence[AuditEntry], now: float
) -> list[Line]:
    """What would be built, and when it last was. `audits` are the stored ones, newest first."""
    if build is None:
        return []
    target = f" → {build.target}" if build.target else ""
    path = f"  {build.context / build.dockerfile}{target}"
    lines = [line(("build  ", "muted"), (build.name, "strong"), path)]
    latest = next((entry for entry in audits if entry.build == build.name), None)
    if latest is not None:
        last_run = (
            f"{units.age(max(0.0, now - latest.started_at))} on {units.count(latest.hosts, 'host')}"
        )
        trouble: Span = (f"  ✗ {latest.failed} in trouble", "bad") if latest.failed else ("", "")
        lines.append(line(("last   ", "muted"), last_run, trouble))
    return lines
