"""What the app knows of the core: the facade of `cachetui.core`, as types.

Screens are written against these; tests drive them with a core of their own.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from cachetui.audit.progress import Snapshot
    from cachetui.config.settings import BuildSettings, HostSettings, Settings
    from cachetui.core import Options
    from cachetui.dockerfile.parse import Dockerfile
    from cachetui.findings import Findings
    from cachetui.hosts.machine import Cancel
    from cachetui.prove.experiment import Experiment
    from cachetui.records.document import Document
    from cachetui.records.run import Run
    from cachetui.store.database import AuditEntry
    from cachetui.store.run_log import RunLog

Key = tuple[str, str, int]
"""Host, scenario and repeat: a cell of an audit."""


class StorePort(Protocol):
    """What was kept; see `cachetui.store.database.Store`."""

    warnings: list[str]

    def audits(self) -> list[AuditEntry]: ...
    def audit(self, audit: str) -> Document | None: ...
    def run(self, run_id: str) -> Run | None: ...
    def log(self, run_id: str) -> RunLog | None: ...
    def delete_audit(self, audit: str) -> None: ...


class AuditPort(Protocol):
    """An audit that was prepared, runs, or has run; see `cachetui.core.Audit`."""

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
    def rerun(self, cells: Collection[Key]) -> Document: ...
    def document(self) -> Document: ...


class AskerPort(Protocol):
    """Whom the core asks; see `cachetui.tui.asking.Asker`."""

    def passphrase(self, path: str) -> str | None: ...
    def unknown_host_key(self, host: str, key_type: str, fingerprint: str) -> bool: ...


class CorePort(Protocol):
    """The core that headless commands and the app share; see `cachetui.core.Core`."""

    asker: AskerPort | None

    @property
    def settings(self) -> Settings: ...
    @property
    def store(self) -> StorePort: ...
    def prepare(
        self, build: BuildSettings, hosts: Sequence[HostSettings], options: Options
    ) -> AuditPort: ...
    def findings(self, document: Document) -> Findings: ...
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
    def builds_below(self, folder: Path) -> list[BuildSettings]: ...
    def suggest_hosts(self) -> str: ...
    def adopt(self, path: Path) -> None:
        """Read this hosts.toml and use it from now on. Raises `ConfigError`."""
        ...


class CoreLoader(Protocol):
    """Makes the core; called in a thread, once the first frame is painted."""

    def __call__(self) -> CorePort: ...


class Loading:
    """The core while it is loaded: nothing is known yet."""

    def __init__(self) -> None:
        self.settings: Any = SimpleNamespace(path=None, hosts=(), builds={})
        self.store: StorePort = _NothingKept()
        self.asker: AskerPort | None = None

    def prepare(
        self, build: BuildSettings, hosts: Sequence[HostSettings], options: Options
    ) -> AuditPort:
        del build, hosts, options
        raise RuntimeError("the settings are still being read")

    def findings(self, document: Document) -> Findings:
        del document
        raise RuntimeError("the settings are still being read")

    def experiment(self, document: Document, finding: str, **options: Any) -> Experiment:
        del document, finding, options
        raise RuntimeError("the settings are still being read")

    def builds_below(self, folder: Path) -> list[BuildSettings]:
        del folder
        return []

    def suggest_hosts(self) -> str:
        return ""

    def adopt(self, path: Path) -> None:
        del path


class _NothingKept:
    """A store that is not there yet."""

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

    def delete_audit(self, audit: str) -> None:
        del audit
