"""The builds that an experiment is about to make, and what `on_progress` is told of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cachetui.dockerfile.parse import resolve_target
from cachetui.records.scenario import UNSHARED
from cachetui.records.share import ShareExport
from cachetui.report import units
from cachetui.share.kept import asked_again
from cachetui.share.kinds import Kind
from cachetui.share.setting import SharedBuild, SharingHost

BUILDS_COLD = "builds cold"


def exporting(kind: Kind) -> str:
    """What is told when a host exports a kind."""
    return f"exports {kind.name}"


def importing(kind: Kind) -> str:
    """The same when it imports it."""
    return f"imports {kind.name}"


@dataclass(frozen=True)
class PlannedBuilds:
    """`kinds` are those that are exported; `targets` the hosts that import."""

    shared: SharedBuild
    source: SharingHost
    targets: Sequence[SharingHost]
    kinds: Sequence[Kind]

    def scenarios(self) -> dict[str, tuple[str, ...]]:
        """What each host builds, the exporter first."""
        exports = tuple(kind.export_run.scenario for kind in self.kinds)
        imports = (UNSHARED.name, *(kind.import_run.scenario for kind in self.kinds))
        return {self.source.name: exports, **{host.name: imports for host in self.targets}}

    def scenario_of(self, doing: str) -> str | None:
        """The scenario that a host builds by what was told of it, without the step."""
        told = {BUILDS_COLD: UNSHARED.name}
        for kind in self.kinds:
            told[exporting(kind)] = kind.export_run.scenario
            told[importing(kind)] = kind.import_run.scenario
        return told.get(doing)

    def sentences(self, exports: Sequence[ShareExport]) -> list[str]:
        """Who does what, what is written where, and what it costs; `exports` are the kinds that
        the exporter cannot export."""
        source, shared = self.source, self.shared
        kinds = ", ".join(kind.name for kind in self.kinds)
        hosts = ", ".join(host.name for host in self.targets)
        lines = [f"{source.name} exports {kinds}; {hosts} import"]
        lines += [
            f"{source.name} does not export {one.kind}: {one.reason}; {one.remedy}"
            for one in exports
        ]
        refs = [ref for kind in self.kinds if (ref := shared.ref(source.at.host, kind))]
        if refs:
            lines.append(f"written into the registry, and deleted afterwards: {', '.join(refs)}")
        dockerfile = shared.task.dockerfile
        target = resolve_target(dockerfile, shared.task.settings.target)
        imports = len(self.kinds) * (1 + len(asked_again(dockerfile, target)))
        exported = units.count(len(self.kinds), "build")
        return [
            *lines,
            f"{exported} on {source.name}; on each other host one cold build, and "
            f"{units.count(imports, 'build')} with an import, for each stage that is needed; "
            "no host's own cache is used or changed",
        ]
