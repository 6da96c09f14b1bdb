"""The tables of History: the stored audits, and the trends of a build. Pure."""

from __future__ import annotations

from cachetui.compare.history import Trend
from cachetui.report import units
from cachetui.report.signs import MARKED
from cachetui.store.audit_records import AuditEntry
from cachetui.tui.view.charts import sparkline
from cachetui.tui.view.column import Column
from cachetui.tui.view.text import Line, line

SORTABLE = ("started", "build", "seconds", "failed")
"""The columns that audits can be sorted by, in the order in which a key goes through them."""

NO_AUDITS: tuple[Line, ...] = (
    line(("No audit is stored yet.", "strong")),
    line(
        "Each is stored when it ends: go to ", ("1", "key"), " Fleet and press ", ("r", "key"), "."
    ),
)


def sort_audits(entries: list[AuditEntry], column: str) -> None:
    """Sort audits, which come newest first, by a column of `SORTABLE`; the largest first."""
    if column == "build":
        entries.sort(key=lambda entry: entry.build)
    elif column != "started":
        entries.sort(key=lambda entry: -getattr(entry, column))


def audit_columns(sorted_by: str) -> tuple[Column, ...]:
    """The columns of the audits, with an arrow in the one they are sorted by."""
    arrow = {name: " ▾" if name == sorted_by else "" for name in SORTABLE}
    return (
        Column("started", (f"  WHEN{arrow['started']}",), 19),
        Column("build", (f"BUILD{arrow['build']}",), 10, 2, 30),
        Column("hosts", ("HOSTS",), 6, align="right"),
        Column("runs", ("RUNS",), 5, align="right"),
        Column("failed", (f"TROUBLE{arrow['failed']}",), 10),
        Column("seconds", (f"TOOK{arrow['seconds']}",), 8, align="right"),
        Column("age", ("",), 12, 1, 16, align="right"),
        Column("audit", ("AUDIT",), 16, 1, 24),
    )


def audit_cell(
    entry: AuditEntry, column: str, *, started: str, age: float, marked: bool, shown: bool
) -> Line:
    """A cell of an audit. `started` is when it began, for people; `age` how long ago, in seconds;
    `shown` whether it is the one that the app shows."""
    if column == "started":
        return line((f"{MARKED} " if marked else "  ", "accent"), started)
    if column == "failed":
        return ((f"✗ {entry.failed}", "bad"),) if entry.failed else (("✓ none", "good"),)
    text = {
        "build": entry.build,
        "hosts": str(entry.hosts),
        "runs": str(entry.runs),
        "seconds": units.seconds(entry.seconds),
        "age": units.age(max(0.0, age)),
        "audit": entry.audit + (" (open)" if shown else "") + (" (pinned)" if entry.pinned else ""),
    }[column]
    return ((text, "strong" if column == "build" else "muted" if column == "age" else ""),)


TREND_COLUMNS = (
    Column("host", ("HOST",), 10, 1, 24),
    Column("scenario", ("SCENARIO",), 20, 0),
    Column("times", ("SECONDS OVER TIME",), 17, 3, 60),
    Column("last", ("LAST RUN",), 8, align="right"),
    Column("ratios", ("HITS",), 8, 1, 30),
    Column("ratio", ("LAST HITS",), 9, align="right"),
)


def trend_cell(trend: Trend, column: str, width: int) -> Line:
    """A cell of the trends."""
    if column == "host":
        return ((trend.host, "strong"),)
    if column == "scenario":
        return ((trend.scenario, ""),)
    if column in ("times", "ratios") and len(trend.seconds) < 2:
        return (("one run" if column == "times" else "", "muted"),)
    if column == "times":
        return ((sparkline(trend.seconds, width), "accent"),)
    if column == "ratios":
        return ((sparkline(trend.hit_ratios, width, 1.0), "good"),)
    if column == "last":
        return ((units.seconds(trend.seconds[-1] if trend.seconds else None), ""),)
    return ((units.percent(trend.hit_ratios[-1] if trend.hit_ratios else None), ""),)
