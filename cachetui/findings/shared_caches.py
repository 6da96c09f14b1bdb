"""What rules ask of an experiment with shared caches."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, LINES, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.wording import describe, join_names
from cachetui.records.run import Run
from cachetui.records.scenario import IMPORT, UNSHARED
from cachetui.records.share import Share, ShareImport

WHOLE = ("registry-max", "local-max")
"""The kinds that have every stage."""


def imports(case: Case, *kinds: str) -> Iterator[tuple[Share, ShareImport]]:
    """The imports of these kinds that went well, on hosts of the audit."""
    share = case.document.share
    for one in share.imports if share is not None else ():
        if one.kind in kinds and one.status == "ok" and case.facts(one.host) is not None:
            assert share is not None
            yield share, one


def ran_again(case: Case, one: ShareImport) -> tuple[Instruction, ...]:
    """The RUN steps that ran in spite of an import."""
    steps = (case.instruction(step.id) for step in one.steps if step.kept == "not-kept")
    return tuple(item for item in steps if item is not None and item.keyword == "RUN")


def cold_seconds(case: Case, host: str, item: Instruction) -> float | None:
    """What a step takes on a host with neither cache nor import."""
    run = unshared(case, host)
    place = (item.stage_index, item.index)
    found = (s for s in (run.steps if run else ()) if (s.stage_index, s.index) == place)
    return next((step.seconds for step in found if step.trigger is None), None)


def unshared(case: Case, host: str) -> Run | None:
    """The run of a host with neither cache nor import."""
    wanted = (host, UNSHARED.name)
    return next((run for run in case.runs if (run.host, run.scenario) == wanted), None)


def scenario(kind: str) -> str:
    """The scenario with nothing but the import of a kind."""
    return f"buildkit-{IMPORT}{kind}"


def keeps_less(case: Case, kind: str, why: str, advice: str) -> Iterator[Claim]:
    """A claim for each host on which steps ran again with a kind, and not with one that has every
    stage. `why` follows the name of the kind."""
    for share, one in imports(case, kind):
        whole = [other for name in WHOLE if (other := share.import_of(one.host, name))]
        kept = [other for other in whole if other.status == "ok"]
        again = {
            item.line: item
            for item in ran_again(case, one)
            if any(item not in ran_again(case, other) for other in kept)
        }
        if again:
            yield _claim(case, one, list(again.values()), kept, why, advice)


def _claim(
    case: Case,
    one: ShareImport,
    again: list[Instruction],
    kept: list[ShareImport],
    why: str,
    advice: str,
) -> Claim:
    seconds = [cold_seconds(case, one.host, item) for item in again]
    known = [each for each in seconds if each is not None]
    evidence = [Evidence(kind="dockerfile", text=describe(item, 90)) for item in again]
    names = join_names([other.kind for other in kept])
    evidence.append(
        Evidence(
            kind="experiment",
            text=f"with nothing but the import, built for themselves on {HOSTS}: ran again with "
            f"{one.kind}, kept with {names}",
            data={"kind": one.kind, "kept_with": [other.kind for other in kept]},
            hosts=(one.host,),
        )
    )
    if known:
        took = join_names([f"{each:.1f} s" for each in known])
        evidence.append(
            Evidence(
                kind="timing",
                text=f"without a cache {took} on {HOSTS}",
                data={"seconds": [round(each, 3) for each in known]},
                hosts=(one.host,),
            )
        )
    return Claim(
        title=f"{one.kind} {why}: {LINES} runs again on {HOSTS} as soon as a step that needs its "
        "stage misses",
        confidence="proved",
        steps=tuple(step.id for step in one.steps if case.instruction(step.id) in again),
        evidence=tuple(evidence),
        advice=advice,
        hosts=(one.host,),
        backends=("buildkit",),
        scenarios=(scenario(one.kind),),
        seconds=round(sum(known), 3) if known else None,
    )
