"""The one core under the headless commands and the app: prepare an audit, run it, watch it.

Screens and commands hold a `Core`; what one can do, the other can.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from cachetui.audit.audit import Audit, new_audit_id
from cachetui.audit.findings_of import why
from cachetui.audit.host_elsewhere import Elsewhere
from cachetui.audit.limits import NO_LIMITS, Limits
from cachetui.audit.plan import PlanError, make_plan, peek_plan
from cachetui.audit.redact import Redactor
from cachetui.audit.refused_options import refused_options
from cachetui.audit.run_key import build_record
from cachetui.audit.shared_cache import BuildOfCache, inspect_cache
from cachetui.audit.stale_check import checked
from cachetui.audit.task import AuditTask
from cachetui.builders.cache_source import CacheSourceError, cache_source
from cachetui.builders.docker_args import options as given_options
from cachetui.builders.docker_args import with_named_parts
from cachetui.config.bake_target import with_source
from cachetui.config.builder_choice import with_builder
from cachetui.config.builds_found import builds_below, builds_in
from cachetui.config.hosts_toml import load
from cachetui.config.repository import repository
from cachetui.config.settings import (
    BuildSettings,
    HostSettings,
    Settings,
)
from cachetui.config.toml_table import ConfigError
from cachetui.context.manifest import ContextError
from cachetui.context.of_build import context_of
from cachetui.dockerfile.parse import DockerfileError, needed_stages, parse
from cachetui.findings import Findings
from cachetui.findings.build_options import names_no_stage
from cachetui.hosts.ask import ask_hosts
from cachetui.hosts.chosen_builder import with_chosen_builder
from cachetui.hosts.connect import Connector
from cachetui.hosts.machine import Cancel, HostConnector
from cachetui.hosts.ssh.prompts import SshPrompts
from cachetui.hosts.suggest_hosts import suggest_hosts
from cachetui.outputs.compare_runs import compare_runs
from cachetui.outputs.globs import GlobError, Ignore
from cachetui.outputs.opening import Opener
from cachetui.outputs.outputs_report import OutputsReport
from cachetui.prove.experiment import Experiment
from cachetui.prove.request import proof_request
from cachetui.records.backend import Backend
from cachetui.records.document import Document
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.scenario import BUILDKIT_COLD
from cachetui.records.shared_cache import SharedCache
from cachetui.report.store import sentences
from cachetui.share.kinds import Kind
from cachetui.share.setting import SharedBuild
from cachetui.share.sharing import Sharing
from cachetui.store.database import Store
from cachetui.store.known_files import known_digests
from cachetui.store.prune import prune
from cachetui.store.troubles import StoreError


class UserError(Exception):
    """What was asked cannot be done: one complete message, for people."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to audit. `peek` names the builders whose caches are looked at, and leaves all else out;
    with `no_mounts` no step with a cache mount is begun then.
    `scenarios` None means all that can differ; `imported` adds `buildkit-imported`. `max_age` in
    seconds is how old a stored run may be to answer; `fresh` takes none. `outputs` says to read
    what each image holds, `check_stale` adds what `checked_for_stale` compares."""

    scenarios: tuple[str, ...] | None = None
    as_found: bool = False
    imported: bool = False
    repeat: int = 1
    fresh: bool = False
    outputs: bool = False
    check_stale: bool = False
    peek: tuple[Backend, ...] = ()
    no_mounts: bool = False
    limits: Limits = NO_LIMITS
    max_age: float = 86400.0


class Core:
    """Settings, store and connections of one session. `asker` answers what SSH must ask;
    `elsewhere` audits the hosts, None: threads of this process."""

    hosts_are = ""  # what must be said of them in every title of the app

    def __init__(
        self,
        settings: Settings,
        store: Store,
        asker: SshPrompts | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.settings = settings
        self.store = store
        self._elsewhere = elsewhere
        self._asker = asker
        self.connector: HostConnector = self._connector(asker)

    @property
    def asker(self) -> SshPrompts | None:
        """Who answers; another one makes new connections ask there."""
        return self._asker

    @asker.setter
    def asker(self, asker: SshPrompts | None) -> None:
        self._asker = asker
        self.connector = self._connector(asker)

    def _connector(self, prompts: SshPrompts | None) -> Connector:
        return Connector(prompts=prompts)

    def ask_hosts(
        self, hosts: Sequence[HostSettings], told: Callable[[HostReport], None], cancel: Cancel
    ) -> None:
        """Tell what each host reports of itself, as soon as it has answered. Nothing is asked of
        the user: a host that wants a passphrase says so."""
        connector = self._connector(None)
        try:
            ask_hosts(connector, hosts, told, cancel, usage=False)
        finally:
            connector.close()

    def adopt(self, path: Path) -> None:
        """Read this hosts.toml and use it from now on. Raises `ConfigError`."""
        self.settings = load(path)

    def builds_below(self, folder: Path) -> list[BuildSettings]:
        """See `config.builds_found`."""
        return builds_below(folder)

    def builds_in(self, build: BuildSettings) -> list[BuildSettings]:
        """See `config.builds_found`. Raises `UserError`."""
        try:
            return builds_in(build)
        except ConfigError as error:
            raise UserError(str(error)) from None

    def suggest_hosts(self) -> str:
        """The text of a first hosts.toml, "" when nothing is known to put in."""
        return suggest_hosts().text()

    def findings(self, document: Document) -> Findings:
        """Why the runs of an audit differ, as far as what is kept tells."""
        return why(document, self.store)

    def prune(self, audit: str | None = None) -> list[str]:
        """Keep the store within the limits of hosts.toml, but for this audit; what was removed, in
        sentences. Nothing where there is no limit, or another audit is under way: that one does
        it at its end."""
        limits = self.settings.store
        if not limits.any:
            return []
        try:
            pruned = prune(self.store, limits, spare=[audit] if audit is not None else [])
        except StoreError as error:
            return [f"the store is not kept {limits.text}: {error}"]
        return sentences(pruned, limits) if pruned is not None else []

    def experiment(
        self,
        document: Document,
        finding: str,
        *,
        host: str | None = None,
        contexts: Sequence[BuildSettings] = (),
        given: tuple[tuple[str, str], ...] = (),
        cancel: Cancel,
    ) -> Experiment:
        """An experiment for the finding of that name, not prepared; see `prove.request`.

        Raises `NoExperiment`.
        """
        request = proof_request(
            document,
            self.store,
            self.settings,
            finding,
            host=host,
            contexts=[with_named_parts(build) for build in contexts],
            given=given,
        )
        return Experiment(request, self.store, self.connector, cancel)

    def outputs(
        self, pairs: Sequence[tuple[Document, Run]], *, strict: bool = False
    ) -> OutputsReport:
        """Compare what runs made, each with its document, with what the first made. What the
        build says does not matter is ignored."""
        ignore = pairs[0][0].build.ignore if pairs else ()
        return compare_runs(pairs, self.store, strict=strict, ignore=ignore)

    def opener(self, pairs: Sequence[tuple[Document, Run]]) -> Opener:
        """Opens files of the images of these runs."""
        return Opener(self.store, self.settings.hosts, self.connector.connect, pairs)

    def checked_for_stale(self, document: Document, cancel: Cancel) -> Document:
        """The audit, stored with what its imports brought compared with what the same builds made
        without them; as it is where the store is in trouble."""
        opener = self.opener([(document, run) for run in document.runs])
        try:
            document = checked(document, self.store, opener, cancel)
        finally:
            opener.close()
        with suppress(StoreError):
            self.store.keep_audit(document)
        return document

    def shared_cache(
        self,
        source: str,
        host: HostSettings,
        build: BuildSettings | None = None,
        image: str | None = None,
    ) -> SharedCache:
        """What a shared cache holds, read on the host; with a build, which of its steps, also by
        the layers of an `image` there that was built with it. Nothing is built. Raises `UserError`
        and `HostError`."""
        try:
            place = cache_source(source)
            steps = None if build is None else self._steps_sought(build, image)
        except (CacheSourceError, DockerfileError, ContextError, ConfigError) as error:
            raise UserError(str(error)) from None
        machine = self.connector.connect(host)
        try:
            host = with_chosen_builder(machine, host)
            return inspect_cache(machine, host, place, steps)
        finally:
            machine.close()

    def _steps_sought(self, build: BuildSettings, image: str | None) -> BuildOfCache:
        build = with_named_parts(with_source(build))
        context = context_of(build)
        dockerfile = parse(context.dockerfile_text, build.build_args)
        needed_stages(dockerfile, build.target)
        return BuildOfCache(dockerfile, build.target, build.build_args, image)

    def sharing(
        self,
        build: BuildSettings,
        hosts: Sequence[HostSettings],
        kinds: Sequence[Kind],
        *,
        exporter: str | None = None,
        importers: Sequence[str] | None = None,
        registry: str | None = None,
        cancel: Cancel,
    ) -> Sharing:
        """An experiment in which one of the hosts exports and others import, not prepared: see
        `share.sharing`. `registry` is a repository, else that of hosts.toml. Raises
        `UserError`."""
        task = self.prepare(build, hosts, Options(scenarios=(BUILDKIT_COLD.name,))).task
        try:
            place = repository(registry) if registry is not None else self.settings.registry
        except ValueError as error:
            raise UserError(f"--registry {registry!r} {error}") from None
        return Sharing(
            SharedBuild(task, tuple(kinds), place),
            [with_builder(host, build.builder) for host in hosts],
            exporter,
            importers,
            self.connector,
            self.store,
            cancel,
            notes=list(task.plan.notes),
        )

    def prepare(
        self, build: BuildSettings, hosts: Sequence[HostSettings], options: Options
    ) -> Audit:
        """Read the context and make the plan; nothing is reached yet. Raises `UserError`."""
        hosts = [with_builder(host, build.builder) for host in hosts]
        try:
            build = with_source(build)
            given, build = build.docker_args, with_named_parts(build)
            with known_digests(self.store.folder, build.context) as known:
                context = context_of(build, known)
            dockerfile = parse(context.dockerfile_text, build.build_args)
            needed_stages(dockerfile, build.target)
            Ignore(build.ignore)
            plan = (
                peek_plan(options.peek, dockerfile if options.no_mounts else None)
                if options.peek
                else make_plan(
                    dockerfile,
                    scenarios=options.scenarios,
                    as_found=options.as_found,
                    imports=any(o.name == "cache-from" for o in given_options(given)),
                    imported=options.imported,
                    check_stale=options.check_stale,
                    repeat=options.repeat,
                )
            )
            stages = {stage.name for stage in dockerfile.stages if stage.name is not None}
            idle = names_no_stage(build.docker_args, stages)
            fetched = context.fetched.notes if context.fetched is not None else ()
            notes = (*build.source_notes, *([idle] if idle else []), *fetched)
            plan = replace(plan, notes=(*plan.notes, *notes))
        except DockerfileError as error:
            raise UserError(f"{build.place}: {error}") from None
        except (ContextError, PlanError, ConfigError) as error:
            raise UserError(str(error)) from None
        except GlobError as error:
            raise UserError(f"ignore of {build.name}: {error}") from None
        refused = refused_options(build, given, stages, peeks=bool(options.peek))
        if refused is not None:
            raise UserError(refused)
        if options.no_mounts and context.fetched is not None:
            raise UserError(f"--no-mounts builds parts of a Dockerfile; {context.fetched.no_parts}")
        if options.outputs and self._elsewhere is not None:
            raise UserError(
                "--outputs reads images from here, and --executor has the hosts audited elsewhere; "
                "leave out one of them"
            )
        if not hosts:
            raise UserError("no host is chosen; -w and -x choose among those of hosts.toml")
        task = AuditTask(
            audit=new_audit_id(),
            settings=build,
            record=build_record(build, context, dockerfile, self.store.hasher),
            context=context,
            dockerfile=dockerfile,
            plan=plan,
            max_age=0.0 if options.fresh or options.check_stale else options.max_age,
            redactor=Redactor(
                build.build_args,
                dict.fromkeys(item for host in hosts for item in host.hidden_env.items()),
            ),
            outputs=options.outputs,
            no_mounts=options.no_mounts,
        )
        seconds = options.limits.build_timeout
        if seconds is not None:
            hosts = [msgspec.structs.replace(host, build_timeout=seconds) for host in hosts]
        return Audit(task, hosts, self.connector, self.store, options.limits, self._elsewhere)
