"""Which runs of the plan one host is to make: those that it can build and that are not stored."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from cachetui.audit.bad_names import bad_names, sent_entries
from cachetui.audit.build_job import BuildJob
from cachetui.audit.build_records import RECORDS_SINCE
from cachetui.audit.build_run import unsupported_run
from cachetui.audit.plan import missing_with_needs
from cachetui.audit.run_key import run_of
from cachetui.audit.task import AuditTask
from cachetui.builders.command_line import Build
from cachetui.builders.docker_args import options, without
from cachetui.builders.refusals import ignored_options
from cachetui.builders.step_map import StepMap
from cachetui.builders.unsupported import builds_other, unsupported
from cachetui.config.settings import HostSettings
from cachetui.dockerfile.without_mounts import without_mounts
from cachetui.hosts.upload import CONTEXT, context_folder, named_on_host, path_on_host
from cachetui.outputs.run_contents import contents_of
from cachetui.records.host import HostFacts
from cachetui.records.run import Run
from cachetui.records.scenario import BUILDKIT_PEEK, Planned
from cachetui.records.versions import version_key
from cachetui.store.database import Store

NO_TYPE = (
    "without buildx the docker client there takes --cache-from REFERENCE, and no type=…: install "
    "Docker's buildx plugin, or name a reference alone"
)


LOADS = (
    "--load brings what a builder of another driver has made into docker, and which images there "
    "would then be an audit's is not known: leave --load out"
)

NO_GIT = (
    "the legacy builder's own clone has .git in the context of a repository's root, which differs "
    "from clone to clone: here it is left out"
)

NO_OWNERS = (
    "the tarball's files have owners: docker build - keeps them, here they are root's (as found, "
    "they are kept)"
)

KEPT_RECORD = (
    "docker buildx history there keeps a record of this build from standard input, as of the "
    "user's own: which of them are an audit's, it does not tell"
)


@dataclass(frozen=True)
class RunChoice:
    """What becomes of the plan's runs: `unsupported` with the reason, `stored` with the run that
    answers, `missing` in the order in which they are to be made."""

    unsupported: dict[Planned, str] = field(default_factory=dict)
    stored: dict[Planned, Run] = field(default_factory=dict)
    missing: list[Planned] = field(default_factory=list)


@dataclass(frozen=True)
class HostRuns:
    """The plan's runs on one host whose facts are known."""

    task: AuditTask
    host: HostSettings
    facts: HostFacts
    store: Store

    @property
    def context_folder(self) -> str:
        """The folder on the host that the build context is put into."""
        return context_folder(self.facts.cache_folder, self.task.context.digest)

    def choose(self, only: frozenset[Planned] | None = None) -> RunChoice:
        """Sort the plan's runs. With `only`, these are made whether stored or not, with the cold
        runs that they need, and no other."""
        choice = RunChoice()
        possible: list[Planned] = []
        settled: set[Planned] = set()
        for planned in self.task.plan.order:
            wanted = only is None or planned in only
            reason = self._why_not(planned)
            if reason is not None:
                if wanted:
                    choice.unsupported[planned] = reason
                continue
            possible.append(planned)
            stored = self._stored(planned) if only is None else None
            if stored is not None:
                choice.stored[planned] = stored
            if stored is not None or not wanted:
                settled.add(planned)
        choice.missing.extend(missing_with_needs(possible, settled))
        for planned in choice.missing:
            choice.stored.pop(planned, None)
        return choice

    def last_seconds(self, planned: Planned) -> float | None:
        """How long the last stored run of the same took, None without one."""
        return self.store.last_seconds(self._key(planned))

    def step_map(self, planned: Planned) -> StepMap:
        """The steps of a run, of which nothing is known yet."""
        settings = self.task.settings
        return StepMap(
            self.task.dockerfile,
            settings.target,
            planned.backend,
            settings.build_args,
            self.facts.triggers_of(planned.backend),
        )

    def job(self, planned: Planned) -> BuildJob:
        """The build to be run."""
        task = self.task
        warning = builds_other(
            task.dockerfile, task.settings.target, planned.backend, self.facts.engine
        )
        ignored = ignored_options(planned.backend, self.facts.engine, task.settings.docker_args)
        job = BuildJob(
            audit=task.audit,
            host=self.host,
            facts=self.facts,
            planned=planned,
            build=self._build(planned),
            dockerfile=task.dockerfile,
            redactor=task.redactor,
            of=self._key(planned),
            notes=tuple(
                note
                for note in (warning, ignored, self._no_image(planned), self._of_fetched(planned))
                if note
            ),
            bad_names=self._bad_names,
        )
        return self._without_mounts(job) if task.no_mounts else job

    def _without_mounts(self, job: BuildJob) -> BuildJob:
        """The same without steps that stand on cache mounts; as it is where none does."""
        if not job.builder.has_cache_mounts:
            return job
        target, context = job.build.target, self.task.context
        files = without_mounts(job.dockerfile, target, self.facts.triggers_of("buildkit"))
        if files is None:
            return job
        ignore = context.ignore_files.get(f"{context.dockerfile}.dockerignore")
        return job.in_parts(files, self.context_folder, ignore)

    def without_import(self, planned: Planned) -> BuildJob:
        """The same build with the host's own cache alone, stopped at the first RUN that misses."""
        job = self.job(planned)
        own = without(self.task.settings.docker_args, "cache-from")
        return replace(
            job,
            planned=Planned(BUILDKIT_PEEK.name, planned.repeat),
            build=replace(job.build, docker_args=own),
        )

    def _no_image(self, planned: Planned) -> str | None:
        """That a builder keeps its images to itself, None where they are docker's."""
        builder = self.facts.builder
        if planned.backend != "buildkit" or builder is None or builder.of_docker:
            return None
        return (
            f"docker build uses the builder {builder.text} there, whose result stays in its cache: "
            "docker has no image of it to look at, and does not know the images that it builds on"
        )

    def _from_stdin(self, planned: Planned) -> bool:
        """Whether docker gets the context as a tar: BuildKit where it is to hit what its user's
        builds left, since `COPY .` has another key for a folder; the legacy builder, to which a
        tarball's owners and `.dockerignore` are something else in a folder."""
        fetched = self.task.context.fetched
        if fetched is None:
            return False
        if planned.backend == "legacy":
            return fetched.kind != "git"
        return not planned.kind.controlled

    def _of_fetched(self, planned: Planned) -> str | None:
        """What is otherwise than in docker's own build of a fetched context, or stays of it."""
        fetched = self.task.context.fetched
        if fetched is None:
            return None
        if planned.backend == "legacy":
            return NO_GIT if fetched.kind == "git" else None
        if not self._from_stdin(planned):
            return NO_OWNERS if fetched.has_owners else None
        if self.facts.buildx and version_key(self.facts.buildx) >= RECORDS_SINCE:
            return KEPT_RECORD
        return None

    @cached_property
    def _bad_names(self) -> tuple[str, ...]:
        task, settings = self.task, self.task.settings
        if not bad_names(task.context.entries):
            return ()
        sent = sent_entries(task.context, task.dockerfile, settings.target, settings.build_args)
        return bad_names(sent)

    def unsupported_run(self, planned: Planned, reason: str) -> Run:
        """The record of a run that this host cannot make."""
        steps = self.step_map(planned).steps(final=True, run_failed=True)
        return unsupported_run(self.job(planned), steps, reason)

    def _sent(self, planned: Planned) -> tuple[str, str | None]:
        """Where the Dockerfile is: on the host, or in the tar that docker gets, whose path on the
        host comes with it then."""
        context, folder = self.task.context, self.context_folder
        fetched = context.fetched
        if fetched is not None and self._from_stdin(planned):
            return fetched.dockerfile, path_on_host(folder, fetched.entry.path)
        if fetched is not None and planned.backend == "legacy":
            return path_on_host(folder, f"{CONTEXT}/{fetched.dockerfile}"), None
        return path_on_host(folder, context.dockerfile), None

    def _build(self, planned: Planned) -> Build:
        settings = self.task.settings
        file, archive = self._sent(planned)
        return Build(
            context=path_on_host(self.context_folder),
            dockerfile=file,
            archive=archive,
            target=settings.target,
            build_args=settings.build_args,
            network=settings.network,
            docker_args=settings.docker_args,
            named_contexts=named_on_host(self.context_folder, settings.named_contexts),
        )

    def _why_not(self, planned: Planned) -> str | None:
        """Why the host cannot make a run, None when it can."""
        builder, facts = planned.backend, self.facts
        if builder not in facts.backends:
            return facts.missing.get(builder, f"{builder} does not work on this host")
        if builder == "buildkit" and facts.builds_elsewhere and self._loads:
            return LOADS
        if planned.kind.imports and not facts.buildx and self._imports_by_type:
            return NO_TYPE
        obstacle = unsupported(
            self.task.dockerfile,
            self.task.settings.target,
            builder,
            facts.engine,
        )
        return f"line {obstacle.line}: {obstacle.reason}" if obstacle else None

    @property
    def _loads(self) -> bool:
        given = options(self.task.settings.docker_args)
        return any(option.name == "load" and option.on for option in given)

    @property
    def _imports_by_type(self) -> bool:
        given = options(self.task.settings.docker_args)
        return any(one.name == "cache-from" and "type=" in one.value for one in given)

    def _stored(self, planned: Planned) -> Run | None:
        """A stored run that answers. One whose image was not read does not, when outputs are
        asked for."""
        key = self._key(planned)
        run = self.store.find(key, self.task.max_age) if key else None
        if run is not None and self.task.outputs and contents_of(self.store, run.id) is None:
            return None
        return run

    def _key(self, planned: Planned) -> str:
        """The key under which a stored run answers. Runs as found have none: what was found then
        is history, and no answer for today."""
        if not planned.kind.controlled:
            return ""
        return run_of(self.task.record, self.host.name, self.facts, planned)
