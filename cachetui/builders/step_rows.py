"""The rows of a run's table: which steps there are, and which keys of the output are theirs.

Each builder has its own `Rows`: `legacy_rows`, whose builder numbers every instruction in the
file's order, and `vertices`, whose builder names vertices.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cachetui.builders.events import Ended, Triggers
from cachetui.dockerfile.instruction import Instruction
from cachetui.records.step import StepId, StepStatus


@dataclass(slots=True)
class Work:
    """What was said of one step or vertex of the output. Times are seconds since the run began."""

    started: float
    ended: Ended | None = None
    lines: int = 0
    open_line: bool = False

    @property
    def log_lines(self) -> int:
        return self.lines + (1 if self.open_line else 0)


@dataclass(slots=True)
class Row:
    """A step and the keys of the output that are its own, in the order in which they began."""

    id: StepId
    instruction: Instruction
    keys: list[str] = field(default_factory=list)
    text: str | None = None  # in place of the instruction's, where only the output tells it

    @property
    def shown(self) -> str:
        """The instruction as a table has it: that of a base image's trigger as the base has it."""
        text = self.instruction.text if self.text is None else self.text
        return text if self.id.trigger is None else f"ONBUILD {text}".strip()


class Rows(Protocol):
    """What a backend's output says about which step."""

    def began(self, key: str, name: str) -> None:
        """A step or vertex was named."""
        ...

    def triggers(self, event: Triggers) -> None:
        """A FROM said how many ONBUILD triggers run."""
        ...

    def ended(self, event: Ended) -> None:
        """A step or vertex ended."""
        ...

    def step_of(self, key: str) -> StepId | None: ...

    def rows(self) -> list[Row]:
        """All steps in the file's order, triggers after their FROM."""
        ...

    def hit_or_miss(self, row: Row, works: Sequence[Work]) -> StepStatus:
        """For a step that ended well."""
        ...

    def unseen(self, row: Row, seen: Mapping[StepId, Row], cut: bool) -> StepStatus | None:
        """For a step of which the output said nothing so far; `seen` are those of which it did.
        `cut`: the build did not get to its end. None: not known before the end."""
        ...

    @property
    def with_triggers(self) -> Collection[int]:
        """The stages of which the output says how many ONBUILD triggers run in them."""
        ...

    @property
    def borrowed(self) -> set[StepId]:
        """Steps whose vertices were printed under a name of another build."""
        ...

    def twin(self, row: Row, seen: Mapping[StepId, Row]) -> Row | None:
        """The row under which an unseen step's vertex was printed, if it was."""
        ...
