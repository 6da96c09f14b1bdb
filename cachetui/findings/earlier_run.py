"""The last run of the same scenario on the same host, from a stored audit."""

from __future__ import annotations

from dataclasses import dataclass

from cachetui.dockerfile.parse import Dockerfile
from cachetui.findings.dockerfile_edits import Edit
from cachetui.records.document import Document
from cachetui.records.host import HostReport
from cachetui.records.run import Run
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
