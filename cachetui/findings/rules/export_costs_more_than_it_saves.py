"""An export takes longer than its import spares one machine."""

from __future__ import annotations

import math
from collections.abc import Iterator

from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.shared_caches import scenario, unshared
from cachetui.records.run import Run
from cachetui.records.share import Share, ShareExport, ShareImport

FIXED, SHARE = 1.0, 1 / 3
"""What the figures may be wrong by, for each was measured once: a second, and this share of their
sum."""


def observe(case: Case) -> Iterator[Claim]:
    share = case.document.share
    for one in share.imports if share is not None else ():
        export = share.export_of(one.kind) if share is not None else None
        cold = unshared(case, one.host)
        if share is None or export is None or cold is None or one.status != "ok":
            continue
        if export.status == "ok" and export.seconds is not None and one.seconds is not None:
            yield from _claims(share, export, one, cold)


def _claims(share: Share, export: ShareExport, one: ShareImport, cold: Run) -> Iterator[Claim]:
    """A claim where the export took longer than the import saved, by more than both may be wrong
    by."""
    took, built, imported = export.seconds or 0.0, cold.seconds, one.seconds or 0.0
    saved = built - imported
    wrong = _wrong_by(took, built, imported)
    if took - saved <= wrong:
        return
    yield Claim(
        title=f"exporting {one.kind} took {took:.1f} s on {share.exporter}, longer than its import "
        f"spares a fresh {HOSTS}",
        confidence="likely",
        steps=(),
        evidence=(
            Evidence(
                kind="experiment",
                text=f"the export of {one.kind} on {share.exporter}: {took:.1f} s beside the build",
                data={"kind": one.kind, "seconds": round(took, 3), "bytes": export.bytes},
                hosts=(share.exporter,),
            ),
            Evidence(
                kind="experiment",
                text=f"a fresh {HOSTS} builds in {built:.1f} s without a cache, and in "
                f"{imported:.1f} s with nothing but this import and nothing changed, the best that "
                "it can do",
                data={"cold": round(built, 3), "imported": round(imported, 3)},
                hosts=(one.host,),
            ),
            Evidence(
                kind="timing",
                text=f"it spares {HOSTS} {_saved(saved)}, {took - saved:.1f} s less than the "
                "export took; each was measured once, and together they may be wrong by "
                f"{wrong:.1f} s",
                data={"differ": round(took - saved, 3), "may_be_wrong": round(wrong, 3)},
                hosts=(one.host,),
            ),
        ),
        advice=_advice(share, one, took, saved, pays=saved > _wrong_by(built, imported)),
        hosts=(one.host,),
        backends=("buildkit",),
        scenarios=(scenario(one.kind),),
        seconds=round(took - saved, 3),
        merge_key=one.kind,
    )


def _saved(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 0.05 else "nothing"


def _wrong_by(*seconds: float) -> float:
    """What a sum or difference of figures may be wrong by."""
    return FIXED + SHARE * sum(seconds)


def _advice(share: Share, one: ShareImport, took: float, saved: float, *, pays: bool) -> str:
    """What helps, with the options; `pays`: an import surely saves something."""
    parts = ["Leave --cache-to out of builds whose cache nobody imports"]
    if pays:
        parts.append(
            f"export from one build on a schedule: it pays when {math.ceil(took / saved)} or more "
            "machines import what was exported once"
        )
    else:
        parts.append("build without this cache where the build is as short as here")
    cheaper = _cheaper(share, one)
    if cheaper:
        parts.append(f"or export with {cheaper}, which took less than it saved there")
    return "; ".join(parts)


_OPTIONS = {
    "registry-max": "--cache-to type=registry,ref=REF,mode=max",
    "registry-min": "--cache-to type=registry,ref=REF,mode=min",
    "local-max": "--cache-to type=local,dest=FOLDER,mode=max",
    "inline": "--build-arg BUILDKIT_INLINE_CACHE=1",
}


def _cheaper(share: Share, one: ShareImport) -> str | None:
    """The options of a kind that saved more on the host than it took, None without one."""
    cold = share.cold.get(one.host)
    for export in share.exports:
        other = share.import_of(one.host, export.kind)
        if cold is None or other is None or other.seconds is None or export.seconds is None:
            continue
        figures = (cold, other.seconds, export.seconds)
        if cold - other.seconds - export.seconds > _wrong_by(*figures):
            return _OPTIONS.get(export.kind)
    return None


RULE = Rule(
    id="export-costs-more-than-it-saves",
    order=535,
    title="Exporting a cache takes longer than importing it saves",
    surprise="mode=max compresses and writes what every stage made, even what is not in the "
    "image. Where steps are quick and what they make is large, that takes longer than building.",
    needs="`cachetui share`.",
    applies="The seconds of the export on the host that exported are more than a fresh machine "
    "saved with nothing changed: its cold build less the build with nothing but the import. Each "
    f"is measured once, so they must differ by more than {FIXED:.0f} s and a third of the three "
    "figures together.",
    proves="Nothing: single times are never proved.",
    advises="Drop --cache-to where nobody imports; export once for many imports; or take a kind of "
    "cache that takes less time than it saves.",
    written=(
        "BuildKit cache/remotecache/export.go",
        "our lab: exported by 28.5 with the containerd store, imported by 26.1 and 28.5",
    ),
    example="FROM busybox AS deps\n"
    "RUN echo > /small; dd if=/dev/zero of=/large bs=1M count=0 seek=700\n"
    "FROM busybox\nCOPY --from=deps /small /small\n",
    try_it="time docker build . and time docker build --cache-to type=registry,ref=REF,mode=max .: "
    "the second is slower by more than the RUN takes.",
    paid="per-build",
    observe=observe,
    untestable="`cachetui share` is the experiment",
    parts_hosts=False,
)
