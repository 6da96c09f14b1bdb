"""Which steps hit, by what is in the engines' cache keys: the truth that a change is judged by.

The keys are those of the engine facts: moby `builder/dockerfile` (dispatchers, imageprobe, copy)
and BuildKit `solver/llbsolver/ops` (exec, file), measured on the lab's four engines. A key is a
tuple that is equal where an engine's key is equal; no digest of an engine is made.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from tests.truth.ignoring import sees, visible
from tests.truth.model import Build, Line, Place, Stage

Key = tuple[object, ...]

FILE_STEPS = frozenset({"COPY", "ADD"})
SNAPSHOTS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
"""What BuildKit has a step for."""
NAMED_LINK = "a/b/link"
"""The link that a COPY of `generate` names itself."""
PROXY = "http_proxy"
IN_A_RUNS_KEY = ("--ulimit", "--shm-size")
"""Options in the key of BuildKit's RUNs from Engine 26 on; in none of 20.10's."""

_VARIABLE = re.compile(r"\$\{(\w+)(?::-(\w*))?\}")
_CONTINUED = re.compile(r"\\\n(?:#[^\n]*\n)*")


@dataclass
class State:
    """What is in force at a line of a stage."""

    chain: Key
    env: dict[str, str] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    cwd: str = "/"
    user: str = ""
    shell: str = ""

    def copy(self) -> State:
        """The state that a stage FROM this one begins with: arguments end with their stage."""
        return replace(self, env=dict(self.env), args={}, declared=set())

    def expand(self, text: str) -> str:
        known = {**self.args, **self.env}
        return _VARIABLE.sub(lambda m: known.get(m[1]) or m[2] or "", text)


class Engine:
    """One builder of one host. `held` are the keys that its cache has."""

    def __init__(self, builder: str, host: str) -> None:
        self.builder = builder
        self.host = host
        self.held: set[Key] = set()

    def build(self, build: Build, bases: Mapping[str, object] | None = None) -> dict[Place, bool]:
        """Whether each step of the builder hits; a step that is not built is not there. What
        missed is held afterwards. `bases` are the images that names stand for, where they are
        not the names themselves."""
        hits: dict[Place, bool] = {}
        added: set[Key] = set()
        ran_anyway: list[Key] = []
        for place, key in self.keys(build, bases or {}):
            if self._runs_anyway(build, place, key, ran_anyway):
                hits[place] = False
                ran_anyway.append(key)
            else:
                hits[place] = key in self.held
            # A later step of the legacy builder finds what one above it has just made; BuildKit
            # builds equal steps once, so they end alike.
            (self.held if self.builder == "legacy" else added).add(key)
        self.held |= added
        return hits

    def _runs_anyway(self, build: Build, place: Place, key: Key, above: list[Key]) -> bool:
        """Whether --no-cache makes a step run. BuildKit's WORKDIR alone comes from the cache, as
        long as nothing above it ran anyway (measured on the four engines)."""
        line = build.stages[place[0]].lines[place[1] - 1]
        spared = self.builder == "buildkit" and line.keyword == "WORKDIR"
        return "--no-cache" in build.docker_args and not (
            spared and not any(key[: len(one)] == one for one in above)
        )

    def keys(self, build: Build, bases: Mapping[str, object]) -> Iterator[tuple[Place, Key]]:
        """The key of every step that is built, in order."""
        built = needed(build) if self.builder == "buildkit" else down_to_target(build)
        states: dict[str, State] = {}
        for number, stage in enumerate(build.stages):
            if number not in built:
                continue
            state = self._head(build, stage, states, bases)
            for index, line in enumerate(stage.lines, start=1):
                key = self._step(build, state, line)
                if key is not None:
                    state.chain = key
                    yield (number, index), key
            states[stage.name] = state

    def _head(
        self, build: Build, stage: Stage, states: Mapping[str, State], bases: Mapping[str, object]
    ) -> State:
        if stage.base in states:
            return states[stage.base].copy()
        name = stage.base
        if name == "${BASE}":
            name = build.build_args.get("BASE") or build.head[0].partition("=")[2]
        return State(("FROM", bases.get(name, name)))

    def _step(self, build: Build, state: State, line: Line) -> Key | None:
        """The key of an instruction, None where the builder has no step for it. What it puts in
        force is in force afterwards."""
        text = _CONTINUED.sub("", line.text)
        keyword, _, rest = text.partition(" ")
        keyword = keyword.upper()
        if keyword in FILE_STEPS:
            return (*state.chain, keyword, self._copied(build, line), _clean(state.cwd))
        if keyword == "RUN":
            return (*state.chain, keyword, rest, *self._around(build, state, line))
        name, _, value = rest.partition("=")
        if keyword == "ARG":
            state.declared.add(name)
            given = build.build_args.get(name, value if "=" in rest else None)
            if given is not None:
                state.args[name] = given
        elif keyword == "ENV":
            rest = state.expand(rest)
            state.env[name] = rest.partition("=")[2]
        elif keyword == "WORKDIR":
            state.cwd, clean = rest, _clean(rest)
            if self.builder == "buildkit":
                return (*state.chain, keyword, clean, state.user)
            if self.host != "old":
                rest = clean
        elif keyword == "USER":
            state.user = rest
        elif keyword == "SHELL":
            state.shell = rest
        if self.builder == "buildkit":
            return None
        return (*state.chain, keyword, rest)

    def _around(self, build: Build, state: State, line: Line) -> Key:
        """What is in a RUN's key besides its words."""
        args = tuple(sorted((name, state.args[name]) for name in state.args))
        if self.builder == "legacy":
            # moby's prependEnvOnCmd: a count and the declared ones; a proxy makes it `|0`.
            return (args, bool(args) or PROXY in build.build_args)
        options = [
            word if word in IN_A_RUNS_KEY else word.partition(":")[0]
            for option, word in zip(("", *build.docker_args), build.docker_args, strict=False)
            if option == "--add-host" or (option in IN_A_RUNS_KEY and self.host != "old")
        ]
        mounted = self._files(build, line.reads) if line.reads else ()
        env = {name: value for name, value in state.args.items() if name not in state.env}
        return (
            *(tuple(state.env.items()), tuple(env.items()), state.cwd, state.user),
            *("" if "[" in line.text else state.shell, build.network, tuple(options), mounted),
        )

    def _copied(self, build: Build, line: Line) -> Key:
        """What a COPY has in its key: its words and what is copied, never where from."""
        words = line.text.split()
        source = next((word[7:] for word in words if word.startswith("--from=")), None)
        if source is not None:
            return (words[-1], result(build, source, self.builder))
        return (*words[1:], self._files(build, line.reads))

    def _files(self, build: Build, reads: tuple[str, ...]) -> Key:
        """Names, kinds, modes and bytes; no times. A link that is named itself is followed, by the
        legacy builder one below a folder too, as far as what it points to is there."""
        seen = visible(build, self.builder)
        rows: list[Key] = []
        for path in sorted(path for path in seen if sees(reads, path)):
            entry = seen[path]
            row: Key = (path, entry.kind, entry.text, entry.mode)
            if entry.kind == "link":
                row = (path, entry.kind, entry.text)
                target = posixpath.normpath(f"{posixpath.dirname(path)}/{entry.text}").lstrip("/")
                followed = path in reads or self.builder == "legacy"
                if followed and target in seen:
                    name = (target,) if self.builder == "legacy" else ()
                    row = (path, *name, "file", seen[target].text, seen[target].mode)
            rows.append(row)
        if NAMED_LINK in reads:
            # What it points to counts under its name alone, if it is a link still.
            rows = [row for row in rows if row[0] == NAMED_LINK]
        return tuple(rows)


def has_keys(build: Build) -> bool:
    """Whether the keys of its steps are known here: not of triggers, and --no-cache-filter has
    more to it than keys."""
    return not (
        any(stage.triggers for stage in build.stages)
        or "--no-cache-filter" in build.docker_args
        or any(line.keyword == "ONBUILD" for _, line in build.lines())
    )


def foreseen(before: Build, after: Build, builder: str, host: str) -> dict[Place, bool] | None:
    """Whether each step of the second build hits after the first; None where that is not known:
    triggers of a base image have no keys here, and mounts are not the legacy builder's."""
    if any(not has_keys(build) for build in (before, after)):
        return None
    if builder == "legacy" and (before.has_mounts() or after.has_mounts()):
        return None
    engine = Engine(builder, host)
    engine.build(before)
    return engine.build(after)


def result(build: Build, name: str, builder: str) -> Key:
    """What the last RUN of a stage wrote: a word, or the names of what was copied."""
    stage = next(one for one in build.stages if one.name == name)
    last = next(one for one in reversed(stage.lines) if f"/tmp/out-{name}" in one.text)
    if "ls -R " not in last.text:
        return ("done",)
    where = last.text.split("ls -R ")[1].split()[0]
    copy = next(one for one in stage.lines if one.reads and one.text.split()[-1] == where)
    names = [path for path in sorted(visible(build, builder)) if sees(copy.reads, path)]
    return (where, *(path for path in names if "/." not in f"/{path}"))


def needed(build: Build) -> set[int]:
    """The stages that the target is FROM or copies from."""
    number_of = {stage.name: number for number, stage in enumerate(build.stages)}
    left = [number_of[build.target] if build.target else len(build.stages) - 1]
    found: set[int] = set()
    while left:
        number = left.pop()
        found.add(number)
        stage = build.stages[number]
        sources = [stage.base, *re.findall(r"--from=(\S+)", "\n".join(x.text for x in stage.lines))]
        left += [number_of[one] for one in sources if one in number_of]
    return found


def down_to_target(build: Build) -> set[int]:
    """The stages that the legacy builder builds: all down to the target."""
    names = [stage.name for stage in build.stages]
    last = names.index(build.target) if build.target else len(names) - 1
    return set(range(last + 1))


def _clean(folder: str) -> str:
    """An absolute path with no `//` at its beginning either."""
    return posixpath.normpath(f"/{folder.lstrip('/')}")
