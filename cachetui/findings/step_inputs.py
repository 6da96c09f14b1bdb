"""What is known of a step's cache key: its inputs by name, as tokens that can be compared.

Follows engine behaviour measured in our lab (20.10 to 28.5) and BuildKit's `solver/llbsolver/ops`:

- RUN on BuildKit: command, ARG and ENV in force, user, folder, shell, mounts, network; the legacy
  builder has ENV, USER, WORKDIR and the rest as steps of their own, and ARG in its RUN's key.
- COPY and ADD: the files they see, whatever their times and owners.
- The first step of a stage: the base image, on BuildKit by its layers. The legacy builder goes
  by the image's ID, so equal layers are not enough there.

What stands above a step is not among them: it has a step of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cachetui.context.manifest import Entry
from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile
from cachetui.dockerfile.triggers import with_triggers
from cachetui.findings.context_files import ContextFiles, files_read, reads_context
from cachetui.findings.variables import PREDEFINED, Scope, references, scope_at
from cachetui.records.backend import Backend
from cachetui.records.document import BuildRecord
from cachetui.records.host import HostFacts
from cachetui.records.step import StepId


@dataclass(frozen=True)
class BuildOnHost:
    """A build on a host: what its steps' inputs are read from. `files` None: not known. `digests`
    are those that BuildKit resolved references to, for images that the host does not list."""

    build: BuildRecord
    dockerfile: Dockerfile
    backend: Backend
    facts: HostFacts | None
    files: ContextFiles | None
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def triggers(self) -> Mapping[str, tuple[str, ...]]:
        """The ONBUILD triggers of the host's base images."""
        return self.facts.triggers if self.facts else {}

    def image(self, ref: str) -> str | None:
        """A token for what a reference names: its layers, else `@` and its digest."""
        layers = self.facts.bases.get(ref) if self.facts else None
        if layers:
            return " ".join(layers)
        return f"@{self.digests[ref]}" if ref in self.digests else None


@dataclass(frozen=True)
class Inputs:
    """`tokens` maps an input ("arg:NODE", "text", "base") to its token; `unknown` are inputs
    that the step has and whose token is not known; `files` is what it sees of the context, which
    is that of the digest `context`."""

    tokens: Mapping[str, str]
    unknown: frozenset[str] = frozenset()
    files: Mapping[str, Entry] | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    context: str | None = None


def comparable(one: str | None, other: str | None) -> bool:
    """Whether two tokens of images are of one kind: layers, or a digest."""
    return one is not None and other is not None and one.startswith("@") == other.startswith("@")


def step_inputs(
    build: BuildOnHost, step: StepId, triggers: Mapping[str, tuple[str, ...]] | None = None
) -> Inputs | None:
    """The inputs of a step of that build on that host. `triggers` stand in for those of base
    images of which the host did not tell; None for one of these that nothing tells of."""
    known = {**(triggers or {}), **build.triggers}
    file, counts = with_triggers(build.dockerfile, known)
    step, of_trigger = _below_triggers(step, counts.get(step.stage_index, 0)), step.trigger
    if of_trigger is not None and of_trigger >= counts.get(step.stage_index, 0):
        return None
    instruction = file.stages[step.stage_index].instructions[step.index]
    scope = scope_at(file, build.build.build_args, step.stage_index, step.index, build.backend)
    tokens = {"text": _text(instruction, build.backend)}
    if instruction.keyword == "RUN":
        tokens |= _run_tokens(build, instruction, scope)
    else:
        tokens |= _variable_tokens(instruction, scope)
    unknown: set[str] = set()
    source = instruction.copy_from
    images = {"base": base_of(file, step), "from": source if isinstance(source, str) else None}
    for name, ref in images.items():
        token = build.image(ref) if ref is not None else None
        if token is not None:
            tokens[name] = token
        elif ref is not None:
            unknown.add(name)
    files: Mapping[str, Entry] | None = None
    if reads_context(instruction, build.backend):
        if build.files is not None:
            files = files_read(build.files, instruction, build.backend, scope)
        if files is None:
            unknown.add("files")
    if instruction.remote_sources:
        unknown.add("remote")
    if build.facts is not None:
        tokens["platform"] = build.facts.platform
    tokens["options"] = " ".join(build.build.docker_args)
    return Inputs(tokens, frozenset(unknown), files, scope.lines, build.build.context_digest)


def _below_triggers(step: StepId, triggers: int) -> StepId:
    """The place of a step where the triggers of its stage are instructions."""
    if step.trigger is not None:
        return StepId(step.stage_index, step.trigger + 1)
    return StepId(step.stage_index, step.index + triggers if step.index else 0)


def _run_tokens(build: BuildOnHost, instruction: Instruction, scope: Scope) -> dict[str, str]:
    """Of a RUN: the ARGs in force, and on BuildKit ENV, settings and network."""
    names = set(scope.args) - PREDEFINED
    tokens = {f"arg:{name}": scope.args[name] for name in names if name not in scope.env}
    if build.backend == "buildkit":
        tokens |= {f"env:{name}": value for name, value in scope.env.items()}
        tokens |= {f"setting:{name}": value for name, value in scope.settings.items()}
        tokens["network"] = instruction.flag("network") or build.build.network
    return tokens


def _variable_tokens(instruction: Instruction, scope: Scope) -> dict[str, str]:
    """Of any other instruction: the variables that its text uses."""
    values = {**scope.args, **scope.env}
    return {
        f"{'env' if name in scope.env else 'arg'}:{name}": values[name]
        for name in references(instruction.text)
        if name in values
    }


def base_of(dockerfile: Dockerfile, step: StepId) -> str | None:
    """What the FROM of a step's chain names; None over `scratch`."""
    stage = dockerfile.stages[step.stage_index]
    while stage.base_stage is not None and stage.base_stage < stage.index:
        stage = dockerfile.stages[stage.base_stage]
    return stage.base if stage.is_external else None


def _text(instruction: Instruction, backend: Backend) -> str:
    """What of the instruction's text is in the key: for RUN its very words."""
    documents = "".join(document.content for document in instruction.heredocs)
    if backend == "legacy" and instruction.heredocs:
        documents = ""  # the legacy builder drops them
    if instruction.keyword == "RUN":
        return f"{' '.join(instruction.flags)} {' '.join(instruction.args)}\n{documents}"
    return f"{' '.join(instruction.text.split())}\n{documents}"
