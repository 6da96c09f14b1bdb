"""How a step's inputs differ from those of the same step in the host's earlier run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from cachetui.findings.build_on_host import settings_of
from cachetui.findings.case import Case
from cachetui.findings.earlier_run import EarlierRun
from cachetui.findings.guessed_inputs import Guessed
from cachetui.findings.lines_above import LinesAbove
from cachetui.findings.source_changes import SourceChanges
from cachetui.findings.step_inputs import Inputs, base_of, comparable, step_inputs
from cachetui.findings.variables import DEFAULT_SHELL, arguments_in
from cachetui.records.digest import differ, is_digest
from cachetui.records.run import Run
from cachetui.records.step import Step

_IMAGES = frozenset({"base", "from", "mount"})
_IN_THE_WORDS = frozenset({"text", "arg", "env"})
"""What a step other than RUN has in its key by its own words alone."""
_SHELL = "setting:SHELL"


@dataclass(frozen=True)
class InputChanges:
    """The inputs of a `step` of a `run`, now and in the `before` run. Without an earlier run
    nothing is known to have changed."""

    case: Case
    run: Run
    step: Step
    before: EarlierRun | None

    @cached_property
    def step_before(self) -> Step | None:
        """The same step in the earlier run, where it hit or missed."""
        step = self.before.step(self.step.id) if self.before else None
        return step if step is not None and step.status in ("hit", "miss") else None

    @cached_property
    def now(self) -> Inputs | None:
        """The step's inputs now; None for an ONBUILD trigger whose text is not known."""
        if self.case.instruction(self.step.id, self.run.host) is None:
            return None
        build = self.case.build_on(self.run)
        words = (self.before.dockerfile.text,) if self.before is not None else ()
        return step_inputs(build, self.step.id, by_settings=self._by_settings, words=words)

    @cached_property
    def then(self) -> Inputs | None:
        """The inputs of the same step in the earlier run."""
        if self.before is None or self.step_before is None or self.now is None:
            return None
        build = self.case.build_before(self.before, self.run.backend)
        now = self.case.build_on(self.run)
        assumed = now.triggers if self.step_before.id.trigger is None else None
        return step_inputs(
            *(build, self.step_before.id, assumed),
            by_settings=self._by_settings,
            words=(self.case.dockerfile.text,),
        )

    @cached_property
    def _by_settings(self) -> bool:
        """Whether what the base image sets is known now and was in the earlier run."""
        if self.before is None or self.step_before is None:
            return True
        sides = (
            (self.case.build_on(self.run), self.step.id),
            (self.case.build_before(self.before, self.run.backend), self.step_before.id),
        )
        return all(
            settings_of(build, base_of(build.dockerfile, step)) is not None for build, step in sides
        )

    @cached_property
    def changed(self) -> frozenset[str]:
        """Names of the inputs whose tokens are known on both sides and differ ("arg:NODE"). Files
        are not among them: see `Inputs.files`."""
        if self.now is None or self.then is None:
            return frozenset()
        skip = self.now.unknown | self.then.unknown | self.not_comparable | self._equal
        pairs = _pairs(self.now.tokens, self.then.tokens)
        found = frozenset(n for n, now, then in pairs if n not in skip and differ(now, then))
        others = any(name.startswith(("env:", "arg:")) for name in found)
        return found - {"order"} if others else found  # of a variable more or less

    @cached_property
    def not_comparable(self) -> frozenset[str]:
        """Images of which the layers are known on one side and the digest on the other; and inputs
        with digests of values that were made with different secrets."""
        if self.now is None or self.then is None:
            return frozenset()
        pairs = [
            *_pairs(self.now.tokens, self.then.tokens),
            *_pairs(self.now.doubts, self.then.doubts),
        ]
        found = frozenset(
            name
            for name, now, then in pairs
            if differ(now, then) is None
            or (_is_default_of_others(now, then) and not self._differ_by_guess(name))
            or (name.partition(":")[0] in _IMAGES and now and then and not comparable(now, then))
        )
        likely = self._equal_by_guess[0]
        return (found | self._perhaps_default | likely) - self._equal

    @cached_property
    def _equal(self) -> frozenset[str]:
        """Names of the inputs that are known to be equal, though they are written otherwise."""
        if self.now is None or self.then is None:
            return frozenset()
        now, then = self.now.values, self.then.values
        found = {name for name in now.keys() & then.keys() if now[name] == then[name]}
        found |= self._stand_for(self.now, self.then) | self._stand_for(self.then, self.now)
        edit = self.before.edit_at(self.step.id) if self.before is not None else None
        if edit is not None and edit.kind == "same" and edit.sure and self.step.id.trigger is None:
            found.add("text")  # a stage that it names can have another name
        likely, other = self._equal_by_guess
        return frozenset(found) | (likely & other)

    def _stand_for(self, one: Inputs, other: Inputs) -> set[str]:
        """Names of the inputs whose digest on one side is that of the value on the other."""
        return {
            name
            for name, token in one.tokens.items()
            if is_digest(token)
            and name in other.values
            and self.case.hasher.matches(other.values[name], token)
        }

    @cached_property
    def _equal_by_guess(self) -> tuple[frozenset[str], ...]:
        """Names of the inputs whose tokens differ, and that are equal by each of the guesses."""
        if self.now is None or self.then is None:
            return frozenset(), frozenset()
        pairs = _pairs(self.now.tokens, self.then.tokens)
        names = [name for name, now, then in pairs if now and then and differ(now, then)]
        if not names:
            return frozenset(), frozenset()
        return tuple(
            self._equal_of(names, now, then)
            for now, then in zip(self.now.guessed, self.then.guessed, strict=True)
        )

    def _equal_of(self, names: Collection[str], now: Guessed, then: Guessed) -> frozenset[str]:
        kinds = _IN_THE_WORDS if self.step.keyword != "RUN" else frozenset({"text"})
        words = kinds if now.form is not None and now.form == then.form else frozenset()
        return frozenset(
            name
            for name in names
            if name.partition(":")[0] in words
            or (name in now.values and now.values[name] == then.values.get(name))
        )

    def _differ_by_guess(self, name: str) -> bool:
        """Whether what an input comes to is known on both sides by each guess, and differs."""
        if self.now is None or self.then is None:
            return False
        pairs = [
            (now.values.get(name), then.values.get(name))
            for now, then in zip(self.now.guessed, self.then.guessed, strict=True)
        ]
        return all(
            one and other and one != other and not (is_digest(one) or is_digest(other))
            for one, other in pairs
        )

    @cached_property
    def unsure(self) -> frozenset[str]:
        """Names of those that changed, unless the base image sets a variable to what makes them
        equal."""
        if self.now is None or self.then is None:
            return frozenset()
        by_guess = self._equal_by_guess[1]
        return frozenset(
            name
            for name in self.changed
            if name in by_guess
            or (
                {name} <= self.now.tokens.keys() & self.then.tokens.keys()
                and _not_told(self.now, name) != _not_told(self.then, name)
            )
        )

    @cached_property
    def _perhaps_default(self) -> frozenset[str]:
        """SHELL where it is set on one side alone, to what it is without: the image may have
        another."""
        if self.now is None or self.then is None:
            return frozenset()
        shells = [one.values.get(_SHELL) for one in (self.now, self.then)]
        set_once = (_SHELL in self.now.tokens) != (_SHELL in self.then.tokens)
        return frozenset({_SHELL}) if set_once and DEFAULT_SHELL in shells else frozenset()

    @cached_property
    def doubtful(self) -> frozenset[str]:
        """Names of the inputs that differ and may be in the key or not."""
        if self.now is None or self.then is None:
            return frozenset()
        pairs = _pairs(self.now.doubts, self.then.doubts)
        return frozenset(n for n, now, then in pairs if differ(now, then))

    @cached_property
    def unknown(self) -> frozenset[str]:
        """Names of the inputs that are not known, now or then, or cannot be compared."""
        if self.now is None or self.then is None:
            return frozenset()
        unknown = self.now.unknown | self.then.unknown | self.not_comparable
        # One context is the same to one instruction, whatever is in it.
        return unknown - {"files"} if self.now.context == self.then.context else unknown

    @cached_property
    def lines(self) -> LinesAbove:
        """What became of the lines above the step, down to its own."""
        same = "text" in self._equal
        return LinesAbove(self.case, self.run, self.step, self.before, same_words=same)

    @cached_property
    def sources(self) -> SourceChanges:
        """What became of what the step stands on and copies from."""
        return SourceChanges(
            *(self.case, self.run, self.step, self.before, self.step_before, self.now, self.then),
            changed=self.changed,
        )

    @cached_property
    def other_files(self) -> bool:
        """Whether the step sees other files than before, where both are known."""
        if self.now is None or self.then is None:
            return False
        if self.now.files is None or self.then.files is None or self.lines.names_same_files:
            return False
        return bool(self.case.compared(self.then.files, self.now.files))

    @cached_property
    def inputs_unchanged(self) -> bool | None:
        """Whether every input in `key_inputs` that the step has is as before; None where one is
        not known, or differs and may be in the key. The one judge of "the key is the same"."""
        if self.now is None or self.then is None:
            return None
        if self.changed or self.lines.edits_in_key or self.other_files:
            return False
        sources = self.sources
        if sources.other_image_id or sources.other_source:
            return False
        if sources.renamed_base is not None or sources.other_from is not None:
            return False
        return None if self.unknown or self.doubtful else True


def _not_told(inputs: Inputs, name: str) -> frozenset[str]:
    """The variables in an input's token that the Dockerfile alone does not tell."""
    told = {one.partition(":")[2] for one in inputs.values}
    return arguments_in(inputs.tokens[name]) - told


def _is_default_of_others(now: str | None, then: str | None) -> bool:
    """Whether a value that was given stands against an ARG's default made of other variables,
    which may come to the same."""
    texts = [text for text in (now, then) if text]
    made = [bool(arguments_in(text)) for text in texts]
    return len(texts) == 2 and any(made) and any(map(is_digest, texts))


def _pairs(
    now: Mapping[str, str], then: Mapping[str, str]
) -> Iterator[tuple[str, str | None, str | None]]:
    """(name, now, then) of each input that is on either side."""
    for name in {**now, **then}:
        yield name, now.get(name), then.get(name)
