"""The steps of a build by the legacy builder, which numbers every instruction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cachetui.builders.events import Ended, Triggers
from cachetui.builders.step_rows import Row, Work
from cachetui.dockerfile.instruction import FILE_KEYWORDS, Instruction
from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.step import StepId, StepStatus

MAX_LEGACY_TRIGGERS = 1000


class LegacyRows:
    """The n-th step is the n-th instruction, up to the target's end (moby
    `builder/dockerfile/builder.go`). Steps beyond are those of `--label`."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        target: int,
        known: Mapping[int, tuple[Instruction, ...] | None],
    ) -> None:
        self._target = target
        self._known = known
        self.borrowed: set[StepId] = set()
        self._rows: list[Row] = []
        self._by_key: dict[str, Row] = {}
        self._trigger_keys: dict[str, list[str]] = {}  # a FROM's key → those of its triggers
        self._trigger_count: dict[str, int] = {}
        self._trigger_hits: dict[str, int] = {}
        for item in dockerfile.instructions:
            row = Row(StepId(item.stage_index, item.index), item)
            self._rows.append(row)
            if item.stage_index <= target:
                key = str(len(self._by_key) + 1)
                row.keys.append(key)
                self._by_key[key] = row

    @property
    def with_triggers(self) -> list[int]:
        """See `Rows.with_triggers`."""
        heads = (self._by_key[key] for key, n in self._trigger_count.items() if n)
        return [head.id.stage_index for head in heads]

    def began(self, key: str, name: str) -> None:  # noqa: ARG002
        head, dot, _ = key.partition(".")
        if dot and head in self._by_key:
            self._trigger_keys.setdefault(head, []).append(key)

    def triggers(self, event: Triggers) -> None:
        self._trigger_count[event.key] = min(event.count, MAX_LEGACY_TRIGGERS)

    def ended(self, event: Ended) -> None:
        head, dot, _ = event.key.partition(".")
        if dot and event.outcome == "hit":
            self._trigger_hits[head] = self._trigger_hits.get(head, 0) + 1

    def step_of(self, key: str) -> StepId | None:
        row = self._by_key.get(key)
        if row is not None:
            return row.id
        head = self._by_key.get(key.partition(".")[0])
        if head is None or "." not in key:
            return None
        number = self._trigger_numbers(head).get(key)
        return None if number is None else StepId(head.id.stage_index, 0, number)

    def _triggers_of(self, head: Row) -> tuple[Instruction, ...] | None:
        """The triggers of a FROM where their texts are known, and are as many as ran."""
        texts = self._known.get(head.id.stage_index)
        count = self._trigger_count.get(head.keys[0])
        return texts if texts is not None and len(texts) == count else None

    def _trigger_numbers(self, head: Row) -> dict[str, int]:
        """Which trigger each key is: the hits come first; of those that missed, COPY and ADD
        start no container and show nothing (moby `builder/dockerfile/internals.go`)."""
        hits = self._trigger_hits.get(head.keys[0], 0)
        silent = {
            number
            for number, item in enumerate(self._triggers_of(head) or ())
            if number >= hits and item.keyword in FILE_KEYWORDS
        }
        numbers: dict[str, int] = {}
        number = 0
        for key in self._trigger_keys.get(head.keys[0], ()):
            while number in silent:
                number += 1
            numbers[key] = number
            number += 1
        return numbers

    def rows(self) -> list[Row]:
        found: list[Row] = []
        for row in self._rows:
            found.append(row)
            if row.instruction.keyword == "FROM" and row.keys:
                found.extend(self._trigger_rows(row))
        return found

    def _trigger_rows(self, head: Row) -> list[Row]:
        texts = self._triggers_of(head)
        keys = {number: key for key, number in self._trigger_numbers(head).items()}
        return [
            Row(
                StepId(head.id.stage_index, 0, number),
                texts[number] if texts else head.instruction,
                [keys[number]] if number in keys else [],
                None if texts else "",
            )
            for number in range(self._trigger_count.get(head.keys[0], 0))
        ]

    def hit_or_miss(self, row: Row, works: Sequence[Work]) -> StepStatus:
        if row.id.stage_index < 0:
            return "hit"  # an ARG before the first FROM makes nothing
        ended = works[-1].ended
        return "hit" if ended is not None and ended.outcome == "hit" else "miss"

    def unseen(self, row: Row, seen: Mapping[StepId, Row], cut: bool) -> StepStatus | None:
        if row.id.stage_index > self._target:
            return "not-needed"
        if row.id.trigger is not None:
            later = StepId(row.id.stage_index, 1), StepId(row.id.stage_index + 1, 0)
            if not cut or any(step in seen for step in later):
                return "miss"  # a COPY or ADD: its hit would have shown
        return None

    def twin(self, row: Row, seen: Mapping[StepId, Row]) -> Row | None:  # noqa: ARG002
        return None
