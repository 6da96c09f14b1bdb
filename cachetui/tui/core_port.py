"""What the app asks of the core: the facade `cachetui.core`, as types.

Screens are written against these types, so tests can drive them with a core of their own.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from cachetui.audit.progress import Snapshot
    from cachetui.config.settings import BuildSettings, HostSettings, Settings
    from cachetui.core import Options
    from cachetui.dockerfile.parse import Dockerfile
    from cachetui.findings import Findings
    from cachetui.hosts.machine import Cancel
    from cachetui.outputs.opening import Opener
    from cachetui.outputs.outputs_report import OutputsReport
    from cachetui.prove.experiment import Experiment
    from cachetui.records.document import Document
    from cachetui.records.host import HostReport
    from cachetui.records.run import Run
    from cachetui.share.kinds import Kind
    from cachetui.share.sharing import Sharing
    from cachetui.store.audit_records import AuditEntry
    from cachetui.store.database import Store
    from cachetui.store.run_log import RunLog
    from cachetui.tui.view.fleet_rows import CellKey

RunOfDocument: TypeAlias = "tuple[Document, Run]"
"""A run, and the audit it belongs to."""


class StorePort(Protocol):
    """Stored audits, runs and logs; see `cachetui.store.database.Store`."""

    warnings: list[str]

    def audits(self) -> list[AuditEntry]: ...
    def audit(self, audit: str) -> Document | None: ...
    def run(self, run_id: str) -> Run | None: ...
    def log(self, run_id: str) -> RunLog | None: ...
    def log_gone(self, run_id: str) -> str | None: ...
    def use(self, audit: str) -> None: ...
    def pin(self, audit: str, pinned: bool) -> None: ...
    def delete_audit(self, audit: str) -> None: ...


class AuditPort(Protocol):
    """An audit: prepared, running or finished; see `cachetui.core.Audit`."""

    @property
    def id(self) -> str: ...
    @property
    def build(self) -> BuildSettings: ...
    @property
    def dockerfile(self) -> Dockerfile: ...
    def run(self) -> Document: ...
    def stop(self, hosts: Collection[str] | None = None) -> None: ...
    def watch(self, callback: Callable[[Snapshot], None]) -> None: ...
    def snapshot(self) -> Snapshot: ...
    def live_log(self, host: str, scenario: str, repeat: int) -> RunLog | None: ...
    def rerun(self, cells: Collection[CellKey]) -> Document: ...
    def document(self) -> Document: ...
    def keep(self) -> Document: ...


class PromptsPort(Protocol):
    """Answers questions of the SSH connections; see `cachetui.hosts.ssh.prompts.Asker`."""

    def passphrase(self, path: str) -> str | None: ...
    def unknown_host_key(self, host: str, key_type: str, fingerprint: str) -> bool: ...


class CorePort(Protocol):
    """The core that the command line and the app share; see `cachetui.core.Core`."""

    hosts_are: str
    """What must be said of the hosts in every title; "" of the user's own."""

    asker: PromptsPort | None

    @property
    def settings(self) -> Settings: ...
    @property
    def store(self) -> StorePort: ...
    def prepare(
        self, build: BuildSettings, hosts: Sequence[HostSettings], options: Options
    ) -> AuditPort: ...
    def findings(self, document: Document) -> Findings: ...
    def prune(self, audit: str) -> list[str]: ...
    def experiment(
        self,
        document: Document,
        finding: str,
        *,
        host: str | None = None,
        contexts: Sequence[BuildSettings] = (),
        given: tuple[tuple[str, str], ...] = (),
        cancel: Cancel,
    ) -> Experiment: ...
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
    ) -> Sharing: ...
    def checked_for_stale(self, document: Document, cancel: Cancel) -> Document: ...
    def outputs(self, pairs: Sequence[RunOfDocument], *, strict: bool) -> OutputsReport: ...
    def opener(self, pairs: Sequence[RunOfDocument]) -> Opener: ...
    def builds_below(self, folder: Path) -> list[BuildSettings]: ...
    def builds_in(self, build: BuildSettings) -> list[BuildSettings]: ...
    def suggest_hosts(self) -> str: ...
    def ask_hosts(
        self, hosts: Sequence[HostSettings], told: Callable[[HostReport], None], cancel: Cancel
    ) -> None: ...
    def adopt(self, path: Path) -> None:
        """Read this hosts.toml and use it from now on. Raises `ConfigError`."""
        ...


def whole_store(core: CorePort) -> Store:
    """The store as the reports take it: they read more of it than the app does."""
    return cast("Store", core.store)


class CoreLoader(Protocol):
    """Makes the core; called in a thread once the first frame is painted."""

    def __call__(self) -> CorePort: ...


class LoadingCore:
    """Stands in for the core until it is loaded: no hosts, no builds, an empty store."""

    hosts_are = ""

    def __init__(self) -> None:
        self.settings: Any = SimpleNamespace(path=None, hosts=(), builds={}, registry=None)
        self.store: StorePort = _EmptyStore()
        self.asker: PromptsPort | None = None

    def prepare(
        self, build: BuildSettings, hosts: Sequence[HostSettings], options: Options
    ) -> AuditPort:
        del build, hosts, options
        raise _not_loaded()

    def findings(self, document: Document) -> Findings:
        del document
        raise _not_loaded()

    def prune(self, audit: str) -> list[str]:
        del audit
        return []

    def experiment(self, document: Document, finding: str, **options: Any) -> Experiment:
        del document, finding, options
        raise _not_loaded()

    def sharing(
        self,
        build: BuildSettings,
        hosts: Sequence[HostSettings],
        kinds: Sequence[Kind],
        **options: Any,
    ) -> Sharing:
        del build, hosts, kinds, options
        raise _not_loaded()

    def checked_for_stale(self, document: Document, cancel: Cancel) -> Document:
        del document, cancel
        raise _not_loaded()

    def outputs(self, pairs: Sequence[RunOfDocument], *, strict: bool) -> OutputsReport:
        del pairs, strict
        raise _not_loaded()

    def opener(self, pairs: Sequence[RunOfDocument]) -> Opener:
        del pairs
        raise _not_loaded()

    def builds_below(self, folder: Path) -> list[BuildSettings]:
        del folder
        return []

    def builds_in(self, build: BuildSettings) -> list[BuildSettings]:
        del build
        raise _not_loaded()

    def suggest_hosts(self) -> str:
        return ""

    def ask_hosts(
        self, hosts: Sequence[HostSettings], told: Callable[[HostReport], None], cancel: Cancel
    ) -> None:
        del hosts, told, cancel

    def adopt(self, path: Path) -> None:
        del path


def _not_loaded() -> RuntimeError:
    return RuntimeError("the settings are still being read")


class _EmptyStore:
    """The store until the real one is open."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def audits(self) -> list[AuditEntry]:
        return []

    def audit(self, audit: str) -> Document | None:
        del audit
        return None

    def run(self, run_id: str) -> Run | None:
        del run_id
        return None

    def log(self, run_id: str) -> RunLog | None:
        del run_id
        return None

    def log_gone(self, run_id: str) -> str | None:
        del run_id
        return None

    def use(self, audit: str) -> None:
        del audit

    def pin(self, audit: str, pinned: bool) -> None:
        del audit, pinned

    def delete_audit(self, audit: str) -> None:
        del audit
