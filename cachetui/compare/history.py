"""How a build's seconds and hit ratio went over the audits that are kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cachetui.records.document import Document
from cachetui.records.run import RunStatus


@dataclass(frozen=True, slots=True)
class Point:
    """A run in time: `at` in seconds since the epoch; `hit_ratio` None when nothing can hit."""

    at: float
    audit: str
    status: RunStatus
    seconds: float
    hit_ratio: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """The runs of one scenario of a build on one host, oldest first."""

    build: str
    host: str
    scenario: str
    points: tuple[Point, ...]

    @property
    def seconds(self) -> tuple[float, ...]:
        """Of the runs that ended well: what a sparkline draws."""
        return tuple(point.seconds for point in self.points if point.status == "ok")

    @property
    def hit_ratios(self) -> tuple[float, ...]:
        """Of the runs that ended well, from 0 to 1."""
        ended = (point for point in self.points if point.status == "ok")
        return tuple(point.hit_ratio for point in ended if point.hit_ratio is not None)


def trends(documents: Iterable[Document], build: str | None = None) -> tuple[Trend, ...]:
    """The trends of one build, or of all, over audits in any order.

    A run that several audits took from the store is one point, and what was not tried is none.
    Trends come by build, host and scenario, each in the order first met in time.
    """
    series: dict[tuple[str, str, str], dict[str, Point]] = {}
    for document in sorted(documents, key=lambda one: one.started_at):
        name = document.build.name
        if build is not None and name != build:
            continue
        for run in document.runs:
            if run.status in ("ok", "failed"):
                point = Point(run.started_at, run.audit, run.status, run.seconds, run.hit_ratio)
                series.setdefault((name, run.host, run.scenario), {}).setdefault(run.id, point)
    return tuple(
        Trend(name, host, scenario, tuple(sorted(points.values(), key=lambda point: point.at)))
        for (name, host, scenario), points in series.items()
    )
