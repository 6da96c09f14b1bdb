"""What is known of a step's cache key: its inputs by name, as tokens that can be compared.

`key_inputs` lists them all, and those that are not looked at. What stands above a step is not among
them: it has a step of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from cachetui.builders.docker_args import familiar, fetched_contexts, image_contexts
from cachetui.context.manifest import Entry
from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import SCRATCH, Dockerfile
from cachetui.dockerfile.triggers import with_triggers
from cachetui.findings.automatic_arguments import (
    automatic_doubts,
    with_automatic,
    without_doubted,
)
from cachetui.findings.base_values import base_scope
from cachetui.findings.build_inputs import (
    MID,
    NEW,
    build_inputs,
    given_arguments,
    is_since,
    platform_of,
)
from cachetui.findings.build_on_host import BuildOnHost, settings_of
from cachetui.findings.context_files import (
    fetches,
    files_read,
    named_contexts_read,
    reads_context,
)
from cachetui.findings.flag_values import platform
from cachetui.findings.guessed_inputs import (
    FOLDER_AS_WRITTEN,
    Guessed,
    folder_as_written,
    guessed,
    values_of,
)
from cachetui.findings.scope import GUESSES, Guess, Scope, references
from cachetui.findings.variables import from_arguments, global_args, scope_at
from cachetui.findings.written_forms import form, in_default_shell
from cachetui.records.backend import Backend
from cachetui.records.image_settings import ImageSettings
from cachetui.records.step import StepId


@dataclass(frozen=True)
class Inputs:
    """`tokens` maps an input ("arg:NODE", "text", "base") to its token, `doubts` one that may be
    in the key or not; `unknown` are inputs that the step has and whose token is not known;
    `files` is what it sees of the context, which is that of the digest `context`. The names up to
    the colon are those of `key_inputs`. `settings` are what the base image sets, where that is
    among the tokens. `values` are those that the Dockerfile alone says;
    `read_by` reads the step with a guess of what it does not say."""

    tokens: Mapping[str, str]
    doubts: Mapping[str, str] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    files: Mapping[str, Entry] | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    context: str | None = None
    image_id: str | None = None
    settings: ImageSettings | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    read_by: Callable[[Guess], Guessed] | None = field(default=None, compare=False)

    @cached_property
    def guessed(self) -> tuple[Guessed, ...]:
        """The step by each of `GUESSES`."""
        return tuple(map(self.read_by, GUESSES)) if self.read_by else (Guessed(), Guessed())


def comparable(one: str | None, other: str | None) -> bool:
    """Whether two tokens of images are of one kind: layers, or a digest."""
    return one is not None and other is not None and one.startswith("@") == other.startswith("@")


def step_inputs(
    build: BuildOnHost,
    step: StepId,
    triggers: Mapping[str, tuple[str, ...]] | None = None,
    *,
    by_settings: bool = True,
    words: Sequence[str] = (),
) -> Inputs | None:
    """The inputs of a step of that build on that host. `triggers` stand in for those of base
    images of which the host did not tell; None for one of these that nothing tells of.
    `by_settings`: with what the base image sets, where that is known; `words` are other Dockerfiles
    whose words may be values of its variables."""
    known = {**(triggers or {}), **build.triggers}
    file, counts = with_triggers(build.dockerfile, known)
    step, of_trigger = _below_triggers(step, counts.get(step.stage_index, 0)), step.trigger
    if of_trigger is not None and of_trigger >= counts.get(step.stage_index, 0):
        return None
    instruction = file.stages[step.stage_index].instructions[step.index]
    given = given_arguments(build.build, build.backend, build.facts)
    base = base_of(file, step)
    settings = settings_of(build, base) if by_settings else None
    bases = {}
    if base is not None and settings is not None:
        bases[base] = base_scope(build, settings, (build.dockerfile.text, *words))
    doubts: dict[str, str] = {}
    read = file  # with what the builder adds
    if build.backend == "buildkit":
        doubts = automatic_doubts(file, given, build.build.target)
        given = without_doubted(given, doubts)
    if build.backend == "buildkit" and build.facts is not None:
        target = platform_of(build.build, build.facts, build.hasher)
        read = with_automatic(file, target, build.facts.platform)
    scope = scope_at(
        read, given, step.stage_index, step.index, build.backend, build.hasher, bases=bases
    )
    of_build = build_inputs(
        build.build, file, build.backend, build.facts, instruction, scope, build.hasher,
        triggers_known=base is None or (base in known and not build.pulls),
    )  # fmt: skip
    tokens = {
        "text": _text(instruction, build.backend, file, "SHELL" not in scope.settings),
        **of_build.tokens,
    }
    if not scope.complete and "SHELL" not in scope.settings and in_default_shell(instruction):
        of_build.doubts["exec form"] = "/bin/sh -c"
    of_build.doubts |= _flags_as_written(build, instruction)
    of_build.doubts |= doubts
    values = values_of(scope, instruction)
    since_26 = is_since(MID, build.facts)
    if instruction.keyword == "WORKDIR" and build.backend == "legacy" and since_26 is not True:
        below = scope_at(
            *(file, given, step.stage_index, step.index + 1, build.backend, build.hasher),
            bases=bases,
        )
        read_into = tokens if since_26 is False else of_build.doubts
        read_into[FOLDER_AS_WRITTEN] = below.settings["WORKDIR"]
        values |= folder_as_written(below)
    if instruction.keyword == "RUN":
        tokens |= _run_tokens(build, scope)
    else:
        tokens |= _variable_tokens(build, instruction, scope)
    unknown = set(of_build.unknown)
    own_platform = _own_platform(build, file, step.stage_index, tokens, given)
    if own_platform is not None:
        tokens["platform"] = own_platform
    named = build.build.named_contexts
    fetched = fetched_contexts(build.build.docker_args)
    images = image_contexts(build.build.docker_args)
    name = familiar(base) if base is not None else ""
    if build.backend == "buildkit" and (name in named or name in fetched):
        base = None  # a folder, or what a URL answers
        unknown.add("named context")
    for name, ref in _images(instruction, base, named):
        short = familiar(ref)
        if short in fetched and short not in images:
            unknown.add("named context")
            continue
        ref = images.get(short, ref)
        token = build.image(ref)
        if token is not None:
            tokens[name] = token
        else:
            unknown.add(name)
    image_id = None
    if base is not None and not tokens.get("base", "@").startswith("@"):
        image_id = build.image_id(base)
        if image_id is None:
            unknown.add("base id")
    files: Mapping[str, Entry] | None = None
    if reads_context(instruction, build.backend) or named_contexts_read(
        instruction, build.backend, named
    ):
        if build.files is not None:
            files = files_read(build.files, instruction, build.backend, scope, named)
        if files is None:
            unknown.add("files")
    if instruction.remote_sources or fetches(instruction, scope):
        unknown.add("remote")
    if instruction.keyword == "RUN" and instruction.flag("device") is not None:
        unknown.add("device")
    if build.backend == "legacy" and isinstance(instruction.copy_from, int):
        unknown.add("stage's files")  # their hash; BuildKit also goes by the stage's own key
    return Inputs(
        *(tokens, of_build.doubts, frozenset(unknown), files, scope.lines, build.context, image_id),
        settings=settings,
        values=values,
        read_by=partial(
            guessed, read, instruction, given, build.backend, build.hasher, bases=bases
        ),
    )


def _flags_as_written(build: BuildOnHost, instruction: Instruction) -> dict[str, str]:
    """Flags that BuildKit of an older engine has in the key as they are written: 20.10 variables of
    a mount; before 28.5 those of --chmod."""
    found: dict[str, str] = {}
    since_26, since_28 = (is_since(one, build.facts) is True for one in (MID, NEW))
    if build.backend == "legacy":
        return found
    if instruction.keyword == "RUN":
        if not since_26 and any("$" in flag for flag in instruction.flags):
            found["flag as written"] = " ".join(instruction.flags)
    elif not since_28 and "$" in (instruction.flag("chmod") or ""):
        found["flag as written"] = instruction.flag("chmod") or ""
    return found


def _own_platform(
    build: BuildOnHost,
    file: Dockerfile,
    stage_index: int,
    tokens: Mapping[str, str],
    given: Mapping[str, str],
) -> str | None:
    """A token for the platform of the FROM that a stage builds on; None where it has none."""
    stage = file.stages[stage_index]
    while stage.platform is None and stage.base_stage is not None:
        stage = file.stages[stage.base_stage]
    named = {"BUILDPLATFORM": build.facts.platform if build.facts else None}
    named["TARGETPLATFORM"] = tokens.get("platform")
    text = (stage.platform or "").strip("${}")
    if stage.platform is None or named.get(text):
        return named.get(text)
    # A name that an argument gives is known by its digest alone.
    used = references(stage.instructions[0].flag("platform") or "")
    args = global_args(file, given, build.hasher)
    with_args = ", ".join(f"{name}: {args.get(name)}" for name in used)
    if used or build.facts is None:
        return f"{stage.platform} with [{with_args}]" if used else stage.platform
    return platform(stage.platform, build.facts.platform)


def platform_arguments(dockerfile: Dockerfile, stage: int) -> tuple[Instruction, frozenset[str]]:
    """The FROM whose --platform holds for a stage, and the ARGs that it uses, () without one."""
    one = dockerfile.stages[stage]
    while one.platform is None and one.base_stage is not None:
        one = dockerfile.stages[one.base_stage]
    head = one.instructions[0]
    flag = replace(head, text=head.flag("platform") or "")
    return head, from_arguments(dockerfile, flag)


def _below_triggers(step: StepId, triggers: int) -> StepId:
    """The place of a step where the triggers of its stage are instructions."""
    if step.trigger is not None:
        return StepId(step.stage_index, step.trigger + 1)
    return StepId(step.stage_index, step.index + triggers if step.index else 0)


def _images(
    instruction: Instruction, base: str | None, named: Collection[str]
) -> Iterator[tuple[str, str]]:
    """The images from outside that a step builds on, copies from or mounts: name and reference.
    Named contexts are none."""
    if base is not None:
        yield "base", base
    source = instruction.copy_from
    if isinstance(source, str) and familiar(source) not in named:
        yield "from", source
    for mount in instruction.mounts:
        image = mount.from_ if mount.from_stage is None else None
        if image is not None and image != SCRATCH and familiar(image) not in named:
            yield f"mount:{image}", image


def _run_tokens(build: BuildOnHost, scope: Scope) -> dict[str, str]:
    """Of a RUN: the ARGs in force, and on BuildKit ENV and settings."""
    tokens = {f"arg:{name}": scope.args[name] for name in scope.args if name not in scope.env}
    if build.backend == "buildkit":
        tokens |= {f"env:{name}": value for name, value in scope.env.items()}
        if len(scope.order) > 1:
            tokens["order"] = " ".join(scope.order)
        tokens |= {f"setting:{name}": value for name, value in scope.settings.items()}
    return tokens


def _expanded_text(build: BuildOnHost, instruction: Instruction) -> str:
    """The words in which variables are put in: BuildKit does so in a heredoc, too, whose content
    is in the key."""
    bodies = (one.content for one in instruction.heredocs if one.expand)
    return "\n".join((instruction.text, *(bodies if build.backend == "buildkit" else ())))


def _variable_tokens(build: BuildOnHost, instruction: Instruction, scope: Scope) -> dict[str, str]:
    """Of any other instruction: the variables that its text uses; on BuildKit the folder that a
    path starts from, and whose a WORKDIR is."""
    values = {**scope.args, **scope.env}
    tokens = {
        f"{'env' if name in scope.env else 'arg'}:{name}": values[name]
        for name in references(_expanded_text(build, instruction))
        if name in values
    }
    settings = {"WORKDIR": ("WORKDIR", "USER"), "COPY": ("WORKDIR",), "ADD": ("WORKDIR",)}
    path = instruction.rest if instruction.keyword == "WORKDIR" else instruction.dest or ""
    if build.backend == "buildkit":
        for name in settings.get(instruction.keyword, ()):
            if name == "WORKDIR" and path.startswith("/"):
                continue
            if name in scope.settings:
                tokens[f"setting:{name}"] = scope.settings[name]
    return tokens


def base_of(dockerfile: Dockerfile, step: StepId) -> str | None:
    """What the FROM of a step's chain names; None over `scratch`."""
    stage = dockerfile.stages[step.stage_index]
    while stage.base_stage is not None and stage.base_stage < stage.index:
        stage = dockerfile.stages[stage.base_stage]
    return stage.base if stage.is_external else None


def _text(instruction: Instruction, backend: Backend, file: Dockerfile, default_shell: bool) -> str:
    """What of the instruction's words is in the key."""
    words = form(
        *(instruction, backend, None, file.escape),
        default_shell=default_shell,
        stage_of=file.stage_name,
    )
    return repr(words)
