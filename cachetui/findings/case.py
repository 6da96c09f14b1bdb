"""All that a rule may look at: the audit, its Dockerfile, what was before, what hosts hold."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypeVar

from cachetui.builders.docker_args import familiar, image_contexts
from cachetui.compare.align import order
from cachetui.compare.shapes import Shape, Shapes
from cachetui.context.manifest import Entry
from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile, DockerfileError, needed_stages, parse
from cachetui.dockerfile.triggers import stage_triggers
from cachetui.findings.build_on_host import BuildOnHost
from cachetui.findings.build_options import forbids_cache
from cachetui.findings.context_files import ContextFiles, Difference, compare_files, context_of
from cachetui.findings.dockerfile_edits import Edit, Version, edits
from cachetui.findings.earlier_run import EarlierRun, scenarios_before
from cachetui.findings.miss_chains import Chain, outlines
from cachetui.findings.step_graph import Parent, parents
from cachetui.findings.wording import describe
from cachetui.records.backend import Backend
from cachetui.records.digest import ValueHasher
from cachetui.records.document import BuildRecord, Document
from cachetui.records.host import ForeignFile, HostEvidence, HostFacts, HostReport
from cachetui.records.run import Run
from cachetui.records.scenario import Scenario
from cachetui.records.step import StepId

Value = TypeVar("Value")

ENDED = ("ok", "failed")


@dataclass(frozen=True)
class Case:
    """`earlier` are audits of a build of that name, newest first. `manifests` maps the digest of
    a context to its entries, as far as they are kept. `outputs` maps (run id, step) to a digest
    of what the step made, times left out, where images were compared; `foreign` maps a run's id to
    files of its image that the context which was sent does not have. `hasher` is the store's: it
    reads the digests of values in these records."""

    document: Document
    dockerfile: Dockerfile
    earlier: tuple[Document, ...] = ()
    manifests: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    outputs: Mapping[tuple[str, StepId], str] = field(default_factory=dict)
    foreign: Mapping[str, tuple[ForeignFile, ...]] = field(default_factory=dict)
    hasher: ValueHasher = field(default_factory=ValueHasher.for_once, compare=False)
    _files: dict[object, ContextFiles | None] = field(
        default_factory=dict, repr=False, compare=False
    )
    _triggers: dict[tuple[str, int], tuple[Instruction, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _parents: dict[Hashable, Mapping[StepId, tuple[Parent, ...]]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _edited: dict[tuple[int, Backend], tuple[Edit, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _compared: dict[object, Difference] = field(default_factory=dict, repr=False, compare=False)
    _shapes: Shapes = field(default_factory=Shapes, init=False, repr=False, compare=False)
    _known: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, key: Hashable, work: Callable[[], Value]) -> Value:
        """What `work` returned for this key, done the first time: what is of all hosts alike would
        else be worked out for each miss, and take as long as their square."""
        if key not in self._known:
            self._known[key] = work()
        found: Value = self._known[key]
        return found

    # Runs

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The runs that ended, well or not."""
        return tuple(run for run in self.document.runs if run.status in ENDED)

    def of(self, *scenarios: Scenario, host: str | None = None) -> list[Run]:
        """Ended runs of these scenarios (none: all), of one host or of all."""
        return [
            run
            for run in self.runs
            if (not scenarios or run.kind in scenarios) and host in (None, run.host)
        ]

    @cached_property
    def chains(self) -> Mapping[str, tuple[Chain, ...]]:
        """The chains of misses of each run, by the run's id."""
        no_cache = forbids_cache(self.document.build.docker_args)
        found: dict[str, tuple[Chain, ...]] = {}
        for run in self.runs:
            direct = self.parents(run)
            key = (outlines, id(direct), run.kind)
            lines = self.once(key, partial(outlines, run, direct, no_cache=no_cache))
            found[run.id] = tuple(line.of(run) for line in lines)
        return found

    def shape(self, run: Run) -> Shape:
        """What a run has in common with those that differ from it in times alone."""
        key = (Shapes, id(run))  # the run is kept, so that no other has its id
        return self.once(key, lambda: (run, self._shapes.of(run)))[1]

    def parents(self, run: Run) -> Mapping[StepId, tuple[Parent, ...]]:
        """`step_graph.parents` of a run: one object for all runs of its shape with the same
        triggers."""
        shape = self.shape(run)
        found = {step: self.instruction(step, run.host) for step in shape.triggered}
        triggers = {step: item for step, item in found.items() if item is not None}
        key = (shape, tuple((step, item.text) for step, item in triggers.items()))
        if key not in self._parents:
            self._parents[key] = parents(run, self.dockerfile, triggers)
        return self._parents[key]

    @cached_property
    def needed(self) -> frozenset[int]:
        """The stages that the target needs; all of them for a target that is not there."""
        with suppress(DockerfileError):
            return frozenset(needed_stages(self.dockerfile, self.document.build.target))
        return frozenset(range(len(self.dockerfile.stages)))

    @cached_property
    def last_stage(self) -> int:
        """The index of the stage that the build ends with."""
        return max(self.needed)

    # Hosts

    @cached_property
    def hosts(self) -> Mapping[str, HostReport]:
        return {host.name: host for host in self.document.hosts}

    def facts(self, host: str) -> HostFacts | None:
        report = self.hosts.get(host)
        return report.facts if report else None

    def report(self, run: Run) -> HostReport | None:
        """The host of a run, with the base images of its builder alone."""
        report = self.hosts.get(run.host)
        return report and report.as_known_to(run.backend)

    def evidence(self, host: str) -> HostEvidence | None:
        report = self.hosts.get(host)
        return report.evidence if report else None

    # The Dockerfile

    def instruction(self, step: StepId, host: str | None = None) -> Instruction | None:
        """The instruction at a place. Of a base image's trigger that of this host, without one of
        the first host that tells; None where none does."""
        if not 0 <= step.stage_index < len(self.dockerfile.stages):
            return None
        if step.trigger is not None:
            hosts = [host] if host is not None else list(self.hosts)
            told = (self.triggers(name, step.stage_index) for name in hosts)
            number = step.trigger
            return next((items[number] for items in told if number < len(items)), None)
        items = self.dockerfile.stages[step.stage_index].instructions
        return items[step.index] if step.index < len(items) else None

    def triggers(self, host: str, stage_index: int) -> tuple[Instruction, ...]:
        """The ONBUILD triggers that run in a stage on a host, () where they are not known."""
        if (host, stage_index) not in self._triggers:
            facts = self.facts(host)
            known = facts.triggers if facts is not None else {}
            found = stage_triggers(self.dockerfile, stage_index, known)
            self._triggers[host, stage_index] = found or ()
        return self._triggers[host, stage_index]

    def instructions(
        self, *keywords: str, stages: Iterable[int] | None = None
    ) -> list[Instruction]:
        """Instructions of the stages (None: of those that the target needs), in order."""
        wanted = self.needed if stages is None else set(stages)
        return [
            item
            for stage in self.dockerfile.stages
            if stage.index in wanted
            for item in stage.instructions
            if not keywords or item.keyword in keywords
        ]

    def line(self, step: StepId) -> str:
        """ "line 7: RUN npm ci", cut to a size that reads."""
        instruction = self.instruction(step)
        if instruction is None:
            return f"stage {step.stage_index}, step {step.index}"
        return describe(instruction)

    def head(self, stage_index: int) -> Instruction:
        """The FROM that brings the image (or `scratch`) that a stage builds on."""
        stage = self.dockerfile.stages[stage_index]
        while stage.base_stage is not None and stage.base_stage < stage.index:
            stage = self.dockerfile.stages[stage.base_stage]
        return stage.instructions[0]

    def base(self, stage_index: int) -> str:
        """The name in the FROM that a stage builds on ("scratch" included)."""
        return self.dockerfile.stages[self.head(stage_index).stage_index].base

    # Contexts

    def files(
        self, document: Document, host: str, digest: str | None = None
    ) -> ContextFiles | None:
        """The context of an audit (or, with its digest, the one that a host keeps)."""
        build = document.build
        if digest is None or digest == build.context_digest:
            key = (document.audit, "")
        else:
            key = (document.audit, host)
        if key not in self._files:
            self._files[key] = self._read(document, host, digest)
        return self._files[key]

    def compared(self, first: Mapping[str, Entry], second: Mapping[str, Entry]) -> Difference:
        """`compare_files`, once for two views that `files_read` gave."""
        key = (id(first), id(second))
        if key not in self._compared:
            self._compared[key] = compare_files(first, second)
        return self._compared[key]

    def _read(self, document: Document, host: str, digest: str | None) -> ContextFiles | None:
        build = document.build
        report = next((one for one in document.hosts if one.name == host), None)
        checkout = report.evidence.checkout if report and report.evidence else None
        ignores = build.ignore_files
        if digest is not None and checkout is not None and digest == checkout.digest:
            ignores = checkout.ignores
        elif digest is not None and digest != build.context_digest:
            return None
        entries = self.manifests.get(digest or build.context_digest)
        if entries is None:
            return None
        return context_of(entries, build, ignores)

    def checkout(self, host: str) -> ContextFiles | None:
        """The context that a host keeps itself, None when it keeps none or it is not known."""
        evidence = self.evidence(host)
        if evidence is None or evidence.checkout is None or evidence.checkout.digest is None:
            return None
        return self.files(self.document, host, evidence.checkout.digest)

    def build_on(self, run: Run) -> BuildOnHost:
        """What the inputs of a run's steps are read from."""
        return BuildOnHost(
            self.document.build,
            self.dockerfile,
            run.backend,
            self.report(run),
            self.files(self.document, run.host, run.context_digest),
            run.context_digest or self.document.build.context_digest,
            run.bases,
            self.hasher,
        )

    # What was before

    def before(self, run: Run, step: StepId | None = None) -> EarlierRun | None:
        """The newest earlier run of the host that ended well, looked in the same cache, and tells
        what it had of the step where one is given."""
        scenarios = scenarios_before(run)
        for number, runs in enumerate(self._earlier_runs):
            for other in (one for name in scenarios for one in runs.get((run.host, name), ())):
                if other.started_at < run.started_at and other.id != run.id:
                    earlier = self.earlier_run(number, other)
                    if earlier is None or self._other_builder(run, earlier):
                        continue
                    if step is None or earlier.tells_of(step):
                        return earlier
        return None

    def earlier_run(self, number: int, run: Run) -> EarlierRun | None:
        """A run of the earlier audit of that number; None where its Dockerfile cannot be read."""
        file = self._files_before[number]
        if file is None:
            return None
        return EarlierRun(self.earlier[number], run, file, self._edits(number, file, run.backend))

    def _other_builder(self, run: Run, earlier: EarlierRun) -> bool:
        """Whether BuildKit looked in the cache of another builder then."""
        now, then = self.facts(run.host), earlier.host.facts if earlier.host else None
        if run.backend != "buildkit" or now is None or then is None:
            return False
        return (now.builds_elsewhere or then.builds_elsewhere) and now.own_cache != then.own_cache

    @cached_property
    def _earlier_runs(self) -> list[dict[tuple[str, str], list[Run]]]:
        """Of each earlier audit its runs that ended well, by host and scenario."""
        by_audit: list[dict[tuple[str, str], list[Run]]] = []
        for document in self.earlier:
            runs: dict[tuple[str, str], list[Run]] = {}
            for run in document.runs if document.audit != self.document.audit else ():
                if run.status == "ok":
                    runs.setdefault((run.host, run.scenario), []).append(run)
            by_audit.append(runs)
        return by_audit

    @cached_property
    def _files_before(self) -> list[Dockerfile | None]:
        """The Dockerfile of each earlier audit."""
        return [dockerfile_of(document.build) for document in self.earlier]

    def _edits(self, number: int, file: Dockerfile, backend: Backend) -> tuple[Edit, ...]:
        """What became of that of an earlier audit, to a builder."""
        if (number, backend) not in self._edited:
            then, now = (one.build.build_args for one in (self.earlier[number], self.document))
            versions = Version(file, then, self.hasher), Version(self.dockerfile, now, self.hasher)
            self._edited[number, backend] = edits(*versions, backend)
        return self._edited[number, backend]

    def build_before(self, before: EarlierRun, backend: Backend) -> BuildOnHost:
        files = self.files(before.document, before.run.host, before.run.context_digest)
        return BuildOnHost(
            before.document.build,
            before.dockerfile,
            backend,
            before.host and before.host.as_known_to(backend),
            files,
            before.run.context_digest or before.document.build.context_digest,
            before.run.bases,
            self.hasher,
        )


def dockerfile_of(build: BuildRecord) -> Dockerfile | None:
    """The Dockerfile that was built, None when its text is not known. A FROM that names an image
    by a named context has that image for its base."""
    named = image_contexts(build.docker_args)
    with suppress(DockerfileError):
        file = parse(build.dockerfile_text).with_bases(build.bases)
        return file.with_bases(
            [
                named.get(familiar(one.base), one.base) if one.is_external else one.base
                for one in file.stages
            ]
        )
    return None


def in_order(steps: Iterable[StepId]) -> tuple[StepId, ...]:
    """Each step once, in the order of the Dockerfile."""
    return tuple(sorted(set(steps), key=order))
