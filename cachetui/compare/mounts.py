"""Cache mounts, host by host: what they are worth in seconds, and what they hold."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from cachetui.records.document import Document
from cachetui.records.host import CacheMount, HostReport
from cachetui.records.run import MountUse, Run
from cachetui.records.scenario import BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM, Scenario
from cachetui.records.step import StepId

COLD, WARM = BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM


@dataclass(frozen=True, slots=True)
class MountRow:
    """A mount of a RUN step on one host.

    `cold` and `warm` are the step's seconds with the mount empty and as the cold build left it
    (the median over repeats, None where it did not run). `records` are the engine's cache
    records that can be this mount, of the audit and of the user's builds alike: the engine
    names target and command, never the id. `bytes` is their sum, None without any.
    """

    host: str
    step: StepId
    line: int
    instruction: str
    target: str
    id: str
    sharing: str
    cold: float | None
    warm: float | None
    records: tuple[CacheMount, ...]

    @property
    def saved(self) -> float | None:
        """Seconds that the warm mount saves; negative when it costs."""
        return None if self.cold is None or self.warm is None else self.cold - self.warm

    @property
    def bytes(self) -> int | None:
        return sum(record.bytes for record in self.records) if self.records else None

    @property
    def last_used(self) -> str | None:
        """Of the first record that the engine says it of, in the engine's words."""
        return next((record.last_used for record in self.records if record.last_used), None)


def mount_rows(document: Document) -> tuple[MountRow, ...]:
    """Every cache mount of the build on every host that ran BuildKit, hosts in their order."""
    rows: list[MountRow] = []
    for host in document.hosts:
        runs = [
            run
            for run in document.runs
            if run.host == host.name
            and run.backend == "buildkit"
            and run.status in ("ok", "failed")
        ]
        uses = dict.fromkeys(
            (use.stage_index, use.index, use.target, use.id, use.sharing)
            for run in runs
            for use in run.mounts
        )
        for stage_index, index, target, identity, sharing in uses:
            use = MountUse(
                stage_index=stage_index, index=index, target=target, id=identity, sharing=sharing
            )
            rows.append(_row(host, runs, use))
    return tuple(rows)


def _row(host: HostReport, runs: list[Run], use: MountUse) -> MountRow:
    step = StepId(use.stage_index, use.index)
    steps = [one for run in runs for one in run.steps if one.id == step]
    instruction = steps[0].instruction if steps else ""
    return MountRow(
        host=host.name,
        step=step,
        line=steps[0].line if steps else 0,
        instruction=instruction,
        target=use.target,
        id=use.id,
        sharing=use.sharing,
        cold=_seconds(runs, COLD, step),
        warm=_seconds(runs, WARM, step),
        records=_records(host.mounts, use.target, instruction),
    )


def _seconds(runs: list[Run], scenario: Scenario, step: StepId) -> float | None:
    """The median of the step's seconds where it ran to its end."""
    found = [
        one.seconds
        for run in runs
        if run.kind == scenario
        for one in run.steps
        if one.id == step and one.status == "miss" and one.seconds is not None
    ]
    return statistics.median(found) if found else None


def _records(
    records: tuple[CacheMount, ...], target: str, instruction: str
) -> tuple[CacheMount, ...]:
    """The records that name the target, those alone that name the command when any does.

    A description reads "cached mount TARGET from exec /bin/sh -c COMMAND".
    """
    there = [record for record in records if f" {target.rstrip('/')} " in f"{record.description} "]
    words = [word for word in instruction.split()[1:] if not word.startswith("--mount")]
    command = " ".join(words)
    exact = [
        record for record in there if command and command in " ".join(record.description.split())
    ]
    return tuple(exact or there)
