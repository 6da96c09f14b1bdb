"""What a Dockerfile's instructions amount to for BuildKit: which make a vertex, which are equal.

BuildKit names a vertex by the digest of its operation and inputs, so equal steps of two stages
are one vertex, printed under one stage's name. `shapes` follows `dockerfile2llb/convert.go`
far enough to tell which steps are equal: command, environment (every ARG and ENV above), user,
working directory, shell, mounts, sources, and what it all stands on. What a base image holds is
not known here; two steps are called equal only when they stand on the same reference.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from e2b_dockerfile_utils import ShellLex

from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS, Instruction, clean_path
from cachetui.dockerfile.parse import SCRATCH, Dockerfile, trigger
from cachetui.records.step import StepId


@dataclass(frozen=True, slots=True)
class Shape:
    """A step as BuildKit sees it.

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


def stage_triggers(
    dockerfile: Dockerfile, stage_index: int, known: Mapping[str, Sequence[str]]
) -> tuple[Instruction, ...] | None:
    """The ONBUILD triggers that a stage's base brings, None when that is not known.

    `known` maps an image reference to its triggers' texts. The base may be a stage of this
    file: then they are its ONBUILD instructions.
    """
    stage = dockerfile.stages[stage_index]
    head = stage.instructions[0]
    if stage.base_stage is not None:
        base = dockerfile.stages[stage.base_stage]
        texts = [item.rest for item in base.instructions if item.keyword == "ONBUILD"]
        bodies = [item.onbuild for item in base.instructions if item.keyword == "ONBUILD"]
    elif stage.base == SCRATCH:
        return ()
    elif stage.base in known:
        texts = list(known[stage.base])
        bodies = [trigger(text, head) for text in texts]
    else:
        return None
    return tuple(_moved(body, head, text) for text, body in zip(texts, bodies, strict=True))


def _moved(body: Instruction | None, head: Instruction, text: str) -> Instruction:
    """A trigger at the place of the FROM that runs it."""
    source = body or Instruction(-1, -1, text.split(None, 1)[0].upper() if text else "", 0, 0, text)
    return Instruction(
        stage_index=head.stage_index,
        index=0,
        keyword=source.keyword,
        line=head.line,
        end_line=head.end_line,
        text=source.text,
        flags=source.flags,
        args=source.args,
        json=source.json,
        heredocs=source.heredocs,
        mounts=source.mounts,
        copy_from=source.copy_from,
    )


def shapes(
    dockerfile: Dockerfile,
    build_args: Mapping[str, str],
    triggers: Mapping[int, Sequence[Instruction]],
) -> dict[int, tuple[Shape, ...]]:
    """Per stage, the shapes of FROM, its triggers and its counting instructions, in order.

    `triggers` maps a stage's index to the ONBUILD triggers that run in it.
    """
    maker = _Maker(dockerfile, build_args)
    return {
        stage.index: maker.stage(stage.index, triggers.get(stage.index, ()))
        for stage in dockerfile.stages
    }


class _Maker:
    def __init__(self, dockerfile: Dockerfile, build_args: Mapping[str, str]) -> None:
        self.dockerfile = dockerfile
        self.build_args = build_args
        self.ends: dict[int, _State] = {}

    def stage(self, index: int, triggers: Sequence[Instruction]) -> tuple[Shape, ...]:
        stage = self.dockerfile.stages[index]
        head = stage.instructions[0]
        if stage.base_stage is not None:
            state = self.ends[stage.base_stage].copy()
        elif stage.base == SCRATCH:
            state = _State(_digest(SCRATCH), workdir="/")
        else:
            state = _State(_digest("image", stage.base, stage.platform))
        found = [Shape(StepId(index, 0), head, state.key, f"FROM {stage.base}", stage.is_external)]
        for number, item in enumerate(triggers):
            self._step(StepId(index, 0, number), item, state, found)
        for item in stage.instructions[1:]:
            self._step(StepId(index, item.index), item, state, found)
        self.ends[index] = state
        return tuple(found)

    def _step(self, step: StepId, item: Instruction, state: _State, found: list[Shape]) -> None:
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
            found.append(Shape(step, item, state.key, self._name(item, state), vertex))

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
