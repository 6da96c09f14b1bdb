"""What a build that was stopped at its first RUN has shown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from cachetui.builders.first_run import stopped_mark
from cachetui.hosts.machine import OnOutput
from cachetui.records.step import Step, StepId


class UntilStopped:
    """Passes output on up to the line that says that the host stopped the build; `stopped` tells
    whether it came. Behind it a cancelled build prints CACHED for steps that it never looked up.
    """

    def __init__(self, audit: str, on_output: OnOutput) -> None:
        self.stopped = False
        self._mark = f"\n{stopped_mark(audit)}\n".encode()
        self._held = b""
        self._on_output: Callable[[bytes, float], None] = on_output

    def output(self, data: bytes, arrived: float) -> None:
        """A block of output, as `OnOutput`."""
        if self.stopped:
            return
        data, self._held = self._held + data, b""
        place = data.find(self._mark)
        if place >= 0:
            self.stopped = True
            data = data[:place]
        else:
            keep = _beginning(data, self._mark)
            data, self._held = data[: len(data) - keep], data[len(data) - keep :]
        if data:
            self._on_output(data, arrived)

    def close(self, arrived: float) -> None:
        """The output ended."""
        if self._held and not self.stopped:
            self._on_output(self._held, arrived)
        self._held = b""


def _beginning(data: bytes, mark: bytes) -> int:
    """How many bytes at the end of `data` may be the beginning of `mark`."""
    longest = min(len(data), len(mark) - 1)
    return next((n for n in range(longest, 0, -1) if data.endswith(mark[:n])), 0)


def peeked_steps(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps of a stopped build: the RUN at which it was stopped missed, and of what else was at
    work nothing is known. Of several RUNs at work it is the one that began first: the others may
    not have had the time to be called CACHED."""
    at_work = [step for step in steps if step.status == "stopped"]
    runs = [step for step in at_work if step.keyword == "RUN"] or [
        step for step in at_work if step.keyword in ("FROM", "ONBUILD")
    ]
    first = min(runs, key=lambda step: step.started or 0.0, default=None)
    return tuple(
        step
        if step.status != "stopped"
        else replace(
            step,
            status="miss" if step is first and step.keyword == "RUN" else "not-reached",
            seconds=None,
            timing=None,
        )
        for step in steps
    )


_NOTHING = ("not-reached", "not-needed")
"""What a step is of which a part shows nothing."""


def together(blank: Sequence[Step], parts: Sequence[Sequence[Step]]) -> tuple[Step, ...]:
    """The steps of a build of which each part showed some: what the first that tells of a step has
    seen, since a later one finds what that left. `blank` has all steps of the build, of which
    nothing was seen, but for triggers that only a part tells of."""
    found: dict[StepId, Step] = {}
    for step in (step for part in parts for step in part if step.status not in _NOTHING):
        found.setdefault(step.id, step)
    steps = {step.id: step for step in blank} | found
    return tuple(sorted(steps.values(), key=_place_in_file))


def _place_in_file(step: Step) -> tuple[int, int, int]:
    return (step.stage_index, step.index, -1 if step.trigger is None else step.trigger)
