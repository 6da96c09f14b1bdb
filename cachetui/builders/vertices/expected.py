"""The vertices that BuildKit makes of a Dockerfile: which instructions have one, which are equal.

BuildKit identifies a vertex by the digest of its operation and inputs, so equal steps of two
stages are one vertex, printed under one stage's name. `expected_vertices` follows
`dockerfile2llb/convert.go` far enough to tell which steps are equal: command, environment (every
ARG and ENV above), user, working directory, shell, mounts, sources, and what it all stands on.
What a base image holds is not known here; two steps are called equal only when they stand on the
same reference.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from e2b_dockerfile_utils import ShellLex

from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS, Instruction, clean_path
from cachetui.dockerfile.parse import Dockerfile
from cachetui.dockerfile.stages import SCRATCH
from cachetui.records.step import StepId


@dataclass(frozen=True, slots=True)
class ExpectedVertex:
    """A step as BuildKit should see it.

    `key` is equal for equal steps. `name` is what is printed after `[stage i/n] `, as far as the
    variables are known here. `vertex` tells whether there is one: False for `WORKDIR /`
    (`convert.go` dispatchWorkdir), None where the base image's working directory decides.
    """

    id: StepId
    instruction: Instruction
    key: str
    name: str
    vertex: bool | None


@dataclass(slots=True)
class _State:
    """What the instructions so far in a stage amount to."""

    key: str
    env: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    workdir: str | None = None  # None: the base image's own
    shell: tuple[str, ...] | None = None

    def copy(self) -> _State:
        return _State(self.key, dict(self.env), self.user, self.workdir, self.shell)


def expected_vertices(
    dockerfile: Dockerfile,
    build_args: Mapping[str, str],
    triggers: Mapping[int, Sequence[Instruction]],
) -> dict[int, tuple[ExpectedVertex, ...]]:
    """Per stage, those of FROM, its triggers and its counting instructions, in order.

    `triggers` maps a stage's index to the ONBUILD triggers that run in it.
    """
    walk = _StageWalk(dockerfile, build_args)
    return {
        stage.index: walk.stage(stage.index, triggers.get(stage.index, ()))
        for stage in dockerfile.stages
    }


class _StageWalk:
    """Goes through the stages in order, each from where the one it is based on ended."""

    def __init__(self, dockerfile: Dockerfile, build_args: Mapping[str, str]) -> None:
        self.dockerfile = dockerfile
        self.build_args = build_args
        self.ends: dict[int, _State] = {}

    def stage(self, index: int, triggers: Sequence[Instruction]) -> tuple[ExpectedVertex, ...]:
        stage = self.dockerfile.stages[index]
        head = stage.instructions[0]
        if stage.base_stage is not None:
            state = self.ends[stage.base_stage].copy()
        elif stage.base == SCRATCH:
            state = _State(_digest(SCRATCH), workdir="/")
        else:
            state = _State(_digest("image", stage.base, stage.platform))
        vertices = [
            ExpectedVertex(
                StepId(index, 0), head, state.key, f"FROM {stage.base}", stage.is_external
            )
        ]
        for number, item in enumerate(triggers):
            self._step(StepId(index, 0, number), item, state, vertices)
        for item in stage.instructions[1:]:
            self._step(StepId(index, item.index), item, state, vertices)
        self.ends[index] = state
        return tuple(vertices)

    def _step(
        self, step: StepId, item: Instruction, state: _State, vertices: list[ExpectedVertex]
    ) -> None:
        keyword = item.keyword
        if keyword == "ARG":
            self._arg(item, state)
        elif keyword == "ENV":
            values = [self._expand(word, state) for word in item.args]
            state.env.update(zip(values[0::3], values[1::3], strict=False))
        elif keyword == "USER":
            state.user = self._expand(item.rest, state)
        elif keyword == "SHELL":
            state.shell = item.args
        elif keyword in BUILDKIT_KEYWORDS:
            vertex = self._workdir(item, state) if keyword == "WORKDIR" else True
            if vertex is not False:
                state.key = self._key(item, state)
            vertices.append(ExpectedVertex(step, item, state.key, self._name(item, state), vertex))

    def _arg(self, item: Instruction, state: _State) -> None:
        """`convert.go` dispatchArg."""
        for word in item.args:
            name, equals, default = word.partition("=")
            if name in self.build_args:
                state.env[name] = self.build_args[name]
            elif equals:
                state.env[name] = self._expand(default, state)
            elif name in self.dockerfile.global_args:
                state.env[name] = self.dockerfile.global_args[name]

    def _workdir(self, item: Instruction, state: _State) -> bool | None:
        path = self._expand(item.rest, state)
        if path.startswith("/"):
            state.workdir = clean_path(path)
        elif state.workdir is not None:
            state.workdir = clean_path(f"{state.workdir}/{path}")
        elif clean_path(path) in (".", "/") or clean_path(path).startswith(".."):
            return None
        else:
            state.workdir = None
            state.key = _digest("cd", state.key, clean_path(path))
            return True
        return state.workdir != "/"

    def _key(self, item: Instruction, state: _State) -> str:
        env = tuple(state.env.items())
        docs = tuple((doc.name, doc.content, doc.chomp, doc.expand) for doc in item.heredocs)
        if item.keyword == "WORKDIR":
            return _digest("WORKDIR", state.key, state.workdir, state.user)
        if item.keyword == "RUN":
            sources = tuple(
                self.ends[m.from_stage].key
                for m in item.mounts
                if m.from_stage is not None and m.from_stage in self.ends
            )
            return _digest(
                "RUN", state.key, item.args, item.json, item.flags, docs, env, state.user,
                state.workdir, state.shell, sources,
            )  # fmt: skip
        source: object = item.copy_from
        if isinstance(source, int):
            source = self.ends[source].key if source in self.ends else source
        words = tuple(self._expand(word, state) for word in item.args)
        flags = tuple(
            self._expand(flag, state) for flag in item.flags if not flag.startswith("--from=")
        )
        return _digest(item.keyword, state.key, words, flags, docs, source, state.workdir)

    def _name(self, item: Instruction, state: _State) -> str:
        """`convert.go` processCmdEnv and uppercaseCmd."""
        text = item.text
        if item.keyword == "RUN" and item.heredocs and item.args and item.args[0].startswith("<<"):
            lines = item.heredocs[0].content.strip().replace("\r\n", "\n").split("\n")
            text += f" ({lines[0]}{'...' if len(lines) > 1 else ''})"
        run = item.keyword == "RUN"
        lexer = ShellLex(self.dockerfile.escape, raw_quotes=run, env=state.env, skip_unset_env=run)
        with contextlib.suppress(ValueError):
            text = lexer.process_word(text)
        word, space, rest = text.partition(" ")
        return word.upper() + space + rest

    def _expand(self, word: str, state: _State) -> str:
        try:
            lexer = ShellLex(self.dockerfile.escape, env=state.env, skip_unset_env=True)
            return lexer.process_word(word)
        except ValueError:
            return word


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()
