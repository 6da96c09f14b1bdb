"""The one core under the headless commands and the app: prepare an audit, run it, watch it.

Screens and commands hold a `Core`; what one can do, the other can.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec

from cachetui import __version__
from cachetui.audit.findings_of import why
from cachetui.audit.host_audit import Connect, Task, Visit
from cachetui.audit.plan import PlanError, make_plan
from cachetui.audit.progress import Snapshot
from cachetui.audit.progress_board import Board
from cachetui.audit.redact import Redactor
from cachetui.audit.run_key import build_record
from cachetui.builders.command_line import refused_argument
from cachetui.config.hosts_toml import BuildSettings, ConfigError, HostSettings, Settings, load
from cachetui.config.suggest import dockerfiles_below, hosts_toml
from cachetui.context.build_context import ContextError, read_context
from cachetui.dockerfile.parse import Dockerfile, DockerfileError, needed_stages, parse
from cachetui.findings import Findings
from cachetui.hosts.connect import Connector
from cachetui.hosts.fan_out import run_on_all
from cachetui.hosts.machine import Cancel
from cachetui.hosts.ssh.prompts import Asker
from cachetui.outputs.globs import GlobError, Ignore
from cachetui.outputs.opening import Opener
from cachetui.outputs.runs import OutputsReport, compare_runs
from cachetui.prove.experiment import Experiment
from cachetui.prove.request import proof_request
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.scenario import Planned
from cachetui.store.database import Store
from cachetui.store.run_log import RunLog

FAN_OUT = 64


class UserError(Exception):
    """What was asked cannot be done: one complete message, for people."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to audit. `scenarios` None means all that can differ; `max_age` in seconds is how old
    a stored run may be to answer; `fresh` takes none. `outputs` says to read what each image
    holds."""

    scenarios: tuple[str, ...] | None = None
    as_found: bool = False
    repeat: int = 1
    fresh: bool = False
    outputs: bool = False
    max_age: float = 86400.0


class Core:
    """Settings, store and connections of one session. `asker` answers what SSH must ask."""

    def __init__(self, settings: Settings, store: Store, asker: Asker | None = None) -> None:
        self.settings = settings
        self.store = store
        self._asker = asker
        self.connector = self._connector()

    @property
    def asker(self) -> Asker | None:
        """Who answers; another one makes new connections ask there."""
        return self._asker

    @asker.setter
    def asker(self, asker: Asker | None) -> None:
        self._asker = asker
        self.connector = self._connector()

    def _connector(self) -> Connect:
        return Connector(asker=self._asker)

    def adopt(self, path: Path) -> None:
        """Read this hosts.toml and use it from now on. Raises `ConfigError`."""
        self.settings = load(path)

    def builds_below(self, folder: Path) -> list[BuildSettings]:
        """A build for each Dockerfile found below a folder, named after where it is."""
        builds = []
        for file in dockerfiles_below(folder):
            place = folder_build(file.parent)
            suffix = "" if file.name == "Dockerfile" else f" ({file.name})"
            builds.append(
                msgspec.structs.replace(place, name=place.name + suffix, dockerfile=file.name)
            )
        return builds

    def suggest_hosts(self) -> str:
        """The text of a first hosts.toml, "" when nothing is known to put in."""
        return hosts_toml()

    def findings(self, document: Document) -> Findings:
        """Why the runs of an audit differ, as far as what is kept tells."""
        return why(document, self.store)

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
            contexts=[with_all_build_args(build) for build in contexts],
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

    def prepare(
        self, build: BuildSettings, hosts: Sequence[HostSettings], options: Options
    ) -> Audit:
        """Read the context and make the plan; nothing is reached yet. Raises `UserError`."""
        build = with_all_build_args(build)
        try:
            context = read_context(build.context, build.dockerfile)
            dockerfile = parse(context.dockerfile_text, build.build_args)
            needed_stages(dockerfile, build.target)
            Ignore(build.ignore)
            plan = make_plan(
                dockerfile,
                scenarios=options.scenarios,
                as_found=options.as_found,
                repeat=options.repeat,
            )
        except DockerfileError as error:
            raise UserError(f"{build.context / build.dockerfile}: {error}") from None
        except (ContextError, PlanError, ConfigError) as error:
            raise UserError(str(error)) from None
        except GlobError as error:
            raise UserError(f"ignore of {build.name}: {error}") from None
        refused = refused_argument(build.docker_args)
        if refused is not None:
            raise UserError(
                f"docker_args of {build.name}: {refused} cannot be passed on; the audit names and "
                "discards its images itself, and reads what docker prints"
            )
        if not hosts:
            raise UserError("no host is chosen; -w and -x choose among those of hosts.toml")
        task = Task(
            audit=new_audit_id(),
            settings=build,
            record=build_record(build, context, dockerfile),
            context=context,
            dockerfile=dockerfile,
            plan=plan,
            max_age=0.0 if options.fresh else options.max_age,
            redactor=Redactor(build.build_args),
            outputs=options.outputs,
        )
        return Audit(self, task, hosts)


def new_audit_id() -> str:
    """A name for an audit: the day and time (UTC), and four letters against coincidence."""
    letters = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz") for _ in range(4))
    return time.strftime("%m%d-%H%M%S-", time.gmtime()) + letters


class Audit:
    """The runs of one plan on some hosts. `run` blocks; all else may be called meanwhile."""

    def __init__(self, core: Core, task: Task, hosts: Sequence[HostSettings]) -> None:
        self.id = task.audit
        self.build = task.settings
        self.dockerfile: Dockerfile = task.dockerfile
        self.plan = task.plan
        self.task = task
        self._core = core
        self._hosts = tuple(hosts)
        self._board = Board(task.audit, task.settings.name, task.plan, [h.name for h in hosts])
        self._cancels = {host.name: threading.Event() for host in hosts}
        self._visits: dict[str, Visit] = {}
        self._kept = threading.Lock()
        self._started_at = time.time()
        self._seconds = 0.0
        for name in task.context.left_out:
            self._board.note(f"{name} is no file, folder or link, and was not sent")

    def run(self) -> Document:
        """Visit every host and keep the audit; returns it whole, or what there is when stopped."""
        self._core.store.keep_manifest(self.task.context.digest, self.task.context.entries)
        return self._go({host.name: None for host in self._hosts})

    def rerun(self, cells: Collection[tuple[str, str, int]]) -> Document:
        """Run these cells (host, scenario, repeat) again, stored or not; blocks like `run`."""
        wanted: dict[str, set[Planned]] = {}
        for host, scenario, repeat in cells:
            wanted.setdefault(host, set()).add(Planned(scenario, repeat))
        for name in wanted:
            self._cancels[name] = threading.Event()
        self._board.reopen(list(cells))
        return self._go({name: frozenset(runs) for name, runs in wanted.items()})

    def stop(self, hosts: Collection[str] | None = None) -> None:
        """Stop these hosts (None: all). Returns at once; remote builds are ended."""
        for name, cancel in self._cancels.items():
            if hosts is None or name in hosts:
                cancel.set()
        if hosts is None:
            self._board.stopping()

    def watch(self, callback: Callable[[Snapshot], None]) -> None:
        """Have `callback` called, from a thread of the core's, at most ten times a second."""
        self._board.watch(callback)

    def snapshot(self) -> Snapshot:
        return self._board.snapshot()

    def live_log(self, host: str, scenario: str, repeat: int) -> RunLog | None:
        """The log of a run under way; None when it is not (then the store has it)."""
        visit = self._visits.get(host)
        return visit.live_log(Planned(scenario, repeat)) if visit else None

    def visit(self, host: HostSettings, cancel: Cancel) -> Visit:
        """The work on one host, not begun."""
        return Visit(
            task=self.task,
            host=host,
            connector=self._core.connector,
            store=self._core.store,
            board=self._board,
            cancel=cancel,
        )

    @property
    def stopped(self) -> bool:
        return any(cancel.is_set() for cancel in self._cancels.values())

    def document(self) -> Document:
        """The audit as it stands, runs in the plan's order."""
        visits = [self._visits[h.name] for h in self._hosts if h.name in self._visits]
        order = {planned: i for i, planned in enumerate(self.plan.order)}
        return Document(
            audit=self.id,
            build=self.task.record,
            hosts=tuple(visit.report for visit in visits),
            runs=tuple(
                run
                for visit in visits
                for run in sorted(
                    visit.runs, key=lambda r: order.get(Planned(r.scenario, r.repeat), 0)
                )
            ),
            started_at=self._started_at,
            seconds=self._seconds,
            version=__version__,
            scenarios=self.plan.scenarios,
            notes=self._board.notes,
        )

    def _go(self, work: dict[str, frozenset[Planned] | None]) -> Document:
        begun = time.monotonic()
        visits = []
        for host in self._hosts:
            if host.name in work:
                visit = self.visit(host, self._cancels[host.name])
                earlier = self._visits.get(host.name)
                if earlier is not None:
                    visit.runs = earlier.runs
                    visit.report = earlier.report
                self._visits[host.name] = visit
                visits.append(visit)

        def one(visit: Visit) -> None:
            visit.run(work[visit.name])
            self._seconds = time.monotonic() - begun
            self._keep()

        run_on_all(visits, one, FAN_OUT)
        self._seconds = time.monotonic() - begun
        document = self._keep()
        self._board.finish()
        return document

    def _keep(self) -> Document:
        with self._kept:
            document = self.document()
            self._core.store.keep_audit(document)
            return document


def with_all_build_args(build: BuildSettings) -> BuildSettings:
    """The same build with the `--build-arg`s of its docker_args among its build_args, whose values
    are kept nowhere."""
    arguments = dict(build.build_args)
    rest: list[str] = []
    words = iter(build.docker_args)
    for word in words:
        name, equals, value = word.partition("=")
        given = value if equals else next(words, "") if word == "--build-arg" else ""
        if name == "--build-arg" and "=" in given:
            key, _, text = given.partition("=")
            arguments[key] = text
        else:
            rest += [word, given] if word == "--build-arg" and given else [word]
    return msgspec.structs.replace(build, build_args=arguments, docker_args=tuple(rest))


def folder_build(folder: Path) -> BuildSettings:
    """The build of a folder that no [builds] table names."""
    path = folder.expanduser().resolve()
    return BuildSettings(name=path.name or "build", context=path)


__all__ = ["Audit", "Core", "Options", "UserError", "folder_build", "new_audit_id"]
