"""What Fleet shows before an audit: the configured hosts, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cachetui.compare.groups import fold_short
from cachetui.report import units
from cachetui.tui.view import host_lines
from cachetui.tui.view.column import Column
from cachetui.tui.view.text import Line, Span, line, width_of

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings, HostSettings
    from cachetui.records.host import HostReport
    from cachetui.store.audit_records import AuditEntry


@dataclass(frozen=True, slots=True)
class Answers:
    """What hosts report of themselves before an audit: `reports` by name, and the names of those
    that have not answered yet."""

    reports: Mapping[str, HostReport] = field(default_factory=dict)
    waiting: Collection[str] = ()


def columns(host: str) -> tuple[Column, ...]:
    """The columns of the list of hosts; `host` is the key of the first."""
    return (
        Column(host, ("  HOST",), 14, 1, 26),
        Column("engine", ("ENGINE",), 24, 4, 64),
        Column("address", ("ADDRESS",), 18, 2, 44),
        Column("tags", ("TAGS",), 13, 1),
    )


def cell(host: HostSettings | None, column: str, answers: Answers, width: int) -> Line:
    """The engine, the address or the tags of a host, in `width` cells."""
    if host is None:
        return ()
    if column == "engine":
        return _answer(answers.reports.get(host.name), width, waiting=host.name in answers.waiting)
    return ((host.address if column == "address" else " ".join(host.tags), "muted"),)


def _answer(report: HostReport | None, width: int, *, waiting: bool) -> Line:
    """What a host reports of itself, in short."""
    if report is None:
        return (("asking…", "muted"),) if waiting else ()
    if report.facts is None:
        status = "" if report.status == "failed" else f"{report.status}: "
        return line(("✗ ", "bad"), f"{status}{report.reason or ''}")
    return line(("✓ ", "good"), host_lines.engines([report.facts], width - 2))


def answer_lines(report: HostReport | None, width: int) -> list[Line]:
    """What a host reports of itself, in a line for its engine and one for what it has; or why it
    cannot be asked, and the remedy."""
    if report is None:
        return []
    head = line((report.name, "strong"), " · ")
    if report.facts is not None:
        found = (*head, (host_lines.engines([report.facts], width - width_of(head)), ""))
        return [found, ((f"  {host_lines.resources([report.facts], width - 2)}", "muted"),)]
    lines = [line(*head, (report.status, "bad"))]
    lines += host_lines.told("✗", "bad", report.reason or "", width)
    return [*lines, *host_lines.told("→", "accent", report.remedy or "", width)]


def reachable(answers: Answers) -> list[Line]:
    """How many hosts have answered, and which cannot be asked; no line where none was asked."""
    if not answers.reports and not answers.waiting:
        return []
    bad = [name for name, report in answers.reports.items() if report.facts is None]
    total = len(answers.reports) + len(answers.waiting)
    good = len(answers.reports) - len(bad)
    spans: list[str | Span] = [
        ("hosts  ", "muted"),
        f"{good} of {units.count(total, 'host')} ready",
    ]
    if answers.waiting:
        spans.append((f" · waiting for {len(answers.waiting)}", "muted"))
    if bad:
        spans.append((f" · ✗ {fold_short(bad)}", "bad"))
    return [line(*spans)]


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
        ("P", "key"),
        " peeks at their caches",
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
    path = f"  {build.place}{target}"
    lines = [line(("build  ", "muted"), (build.name, "strong"), path)]
    latest = next((entry for entry in audits if entry.build == build.name), None)
    if latest is not None:
        last_run = (
            f"{units.age(max(0.0, now - latest.started_at))} on {units.count(latest.hosts, 'host')}"
        )
        trouble: Span = (f"  ✗ {latest.failed} in trouble", "bad") if latest.failed else ("", "")
        lines.append(line(("last   ", "muted"), last_run, trouble))
    return lines
