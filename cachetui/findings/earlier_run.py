"""An earlier run that looked in the same cache of the same host, from a stored audit."""

from __future__ import annotations

from dataclasses import dataclass

from cachetui.dockerfile.parse import Dockerfile
from cachetui.findings.dockerfile_edits import Edit
from cachetui.records.document import Document
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.scenario import FOUND, IMPORTED, PEEK, Scenario
from cachetui.records.step import Step, StepId


@dataclass(frozen=True)
class EarlierRun:
    """A run of an earlier audit (`document`), and how its Dockerfile became today's (`edits`)."""

    document: Document
    run: Run
    dockerfile: Dockerfile
    edits: tuple[Edit, ...]

    @property
    def host(self) -> HostReport | None:
        """The host as it was then."""
        return next((host for host in self.document.hosts if host.name == self.run.host), None)

    def edit_at(self, step: StepId) -> Edit | None:
        """What became of the instruction that is at this place now."""
        for edit in self.edits:
            if edit.now is not None and edit.at == StepId(step.stage_index, step.index):
                return edit
        return None

    def step(self, now: StepId) -> Step | None:
        """The step of the earlier run that is this one now, None when it had none."""
        edit = self.edit_at(now)
        if edit is None or edit.before is None:
            return None
        place = StepId(edit.before.stage_index, edit.before.index, now.trigger)
        return next((step for step in self.run.steps if step.id == place), None)

    def tells_of(self, now: StepId) -> bool:
        """Whether the run shows what the cache had of this step. A build does. A peek does of a
        step that hit, or that ran to its end and stayed in the cache: of the RUN at which it was
        stopped, and below, it tells nothing. One in which all hit tells of every step."""
        if not self.run.kind.peeks or found_all(self.run):
            return True
        step = self.step(now)
        if step is None:
            return False
        kept = self.run.backend == "buildkit" and step.seconds is not None
        return step.status == "hit" or (step.status == "miss" and kept)


def scenarios_before(run: Run) -> tuple[str, ...]:
    """The scenarios of earlier runs that looked in the cache which this run looked in: its own, and
    for a peek those of the builds that were made as it was found."""
    if not run.kind.peeks:
        return (run.scenario,)
    return tuple(Scenario(run.backend, kind).name for kind in (FOUND, IMPORTED, PEEK))


def found_all(run: Run) -> bool:
    """Whether every step that can hit did."""
    can_hit = [step for step in run.steps if step.keyword != "FROM" and step.stage_index >= 0]
    return all(step.status in ("hit", "not-needed") for step in can_hit)
