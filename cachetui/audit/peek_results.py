"""What a peek tells of each host and builder: up to where it hits, why it stops, and the cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cachetui.findings import Finding, Findings
from cachetui.findings.record import Confidence, StepRef
from cachetui.records.backend import Backend
from cachetui.records.base import SCHEMA, Record
from cachetui.records.document import Document
from cachetui.records.run import Run, RunStatus
from cachetui.records.step import Step
from cachetui.store.database import Store

MOST = 20
"""Stored audits of the build that are looked at for what steps took, newest first."""


class Place(Record, frozen=True, kw_only=True):
    """A step: its 1-based line in the Dockerfile, its stage's name and its text."""

    line: int
    stage: str | None
    instruction: str


class PeekResult(Record, frozen=True, kw_only=True):
    """One builder of one host.

    `hits` counts steps that hit, `undecided` those of which nothing was seen. `first_miss` is the
    first step in the Dockerfile that missed, None when nothing did. `cause` is the name of the
    finding that explains it, `why` its title, `confidence` how sure that is; None where no rule
    explains it. `seconds` is how long the steps that did not hit were at work in the stored run of
    `measured_in`, None where no stored run has all of them. `kept` are steps that ran to their end
    before the build was stopped, and whose results BuildKit keeps for the host's next build.
    """

    host: str
    backend: Backend
    status: RunStatus
    reason: str | None = None
    hits: int = 0
    undecided: int = 0
    first_miss: Place | None = None
    cause: str | None = None
    why: str | None = None
    confidence: Confidence | None = None
    seconds: float | None = None
    measured_in: str | None = None
    kept: tuple[Place, ...] = ()


class UnseenHost(Record, frozen=True, kw_only=True):
    """A host that could not be looked at whole, and why."""

    host: str
    status: str
    reason: str | None
    remedy: str | None


class Peek(Record, frozen=True, kw_only=True):
    """What a peek brought; `audit` is what `show`, `log` and `open` take. `notes` say what was left
    out of all, and why."""

    schema: int = SCHEMA
    audit: str
    build: str
    started_at: float
    seconds: float
    results: tuple[PeekResult, ...]
    unseen: tuple[UnseenHost, ...]
    notes: tuple[str, ...] = ()


def peek_of(document: Document, findings: Findings, store: Store) -> Peek:
    """The results of a peek's audit, hosts in its order. Raises `StoreError`."""
    missing = {run.id: _not_hit(run.steps) for run in document.runs}
    costs = _costs(document, missing, store)
    return Peek(
        audit=document.audit,
        build=document.build.name,
        started_at=document.started_at,
        seconds=document.seconds,
        results=tuple(
            _result(run, missing[run.id], findings.findings, costs.get(run.id))
            for run in document.runs
        ),
        unseen=tuple(
            UnseenHost(host=h.name, status=h.status, reason=h.reason, remedy=h.remedy)
            for h in document.hosts
            if h.status != "ok"
        ),
        notes=document.notes,
    )


def seen_of(run: Run) -> PeekResult:
    """What a run of a peek shows by itself: cause and cost are not looked for."""
    return _result(run, _not_hit(run.steps), (), None)


def _result(
    run: Run,
    missing: Sequence[Step],
    findings: Iterable[Finding],
    cost: tuple[float, str] | None,
) -> PeekResult:
    first = next((step for step in missing if step.status == "miss"), None)
    finding = _cause(run, first, findings) if first is not None else None
    counted = [step for step in run.steps if step.keyword != "FROM" and step.stage_index >= 0]
    return PeekResult(
        host=run.host,
        backend=run.backend,
        status=run.status,
        reason=run.reason,
        hits=sum(step.status == "hit" for step in counted),
        undecided=sum(step.status == "not-reached" for step in counted),
        first_miss=_place(first) if first is not None else None,
        cause=finding.name if finding is not None else None,
        why=finding.title if finding is not None else None,
        confidence=finding.confidence if finding is not None else None,
        seconds=cost[0] if cost else None,
        measured_in=cost[1] if cost else None,
        kept=tuple(
            _place(step)
            for step in missing
            if run.backend == "buildkit" and step.status == "miss" and step.seconds is not None
        ),
    )


def _place(step: Step) -> Place:
    return Place(line=step.line, stage=step.stage, instruction=step.instruction)


def _cause(run: Run, step: Step, findings: Iterable[Finding]) -> Finding | None:
    """The finding of which the step is a cause on this host, or else a consequence."""
    place = StepRef.of(step.id)
    here = [
        finding
        for finding in findings
        if run.host in finding.hosts
        and (not finding.scenarios or run.scenario in finding.scenarios)
    ]
    causes = (finding for finding in here if place in finding.steps)
    return next(causes, next((one for one in here if place in one.consequences), None))


def _not_hit(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps that missed, and those that were not reached: they may have to run."""
    return tuple(
        step
        for step in steps
        if step.status in ("miss", "not-reached")
        and step.keyword != "FROM"
        and step.stage_index >= 0
    )


def _costs(
    document: Document, missing: dict[str, tuple[Step, ...]], store: Store
) -> dict[str, tuple[float, str]]:
    """Run → seconds that its steps were at work in the newest stored run of the same host and
    builder in which all of them missed, and that audit's id. Steps are the same by place and text.
    """
    wanted = [run for run in document.runs if run.status == "ok" and missing[run.id]]
    costs: dict[str, tuple[float, str]] = {}
    for earlier in _earlier(document, store) if wanted else ():
        for run in list(wanted):
            for other in earlier.runs:
                alike = (other.host, other.backend) == (run.host, run.backend)
                seconds = _at_work(missing[run.id], other) if alike else None
                if seconds is not None:
                    costs[run.id] = (seconds, earlier.audit)
                    wanted.remove(run)
                    break
        if not wanted:
            break
    return costs


def _earlier(document: Document, store: Store) -> Iterator[Document]:
    entries = (e for e in store.audits() if e.build == document.build.name)
    for _, entry in zip(range(MOST), entries, strict=False):
        found = store.audit(entry.audit) if entry.audit != document.audit else None
        if found is not None:
            yield found


def _at_work(steps: Sequence[Step], run: Run) -> float | None:
    """Seconds that these steps were at work in a run, side by side or one after the other; None
    where it does not tell of all of them."""
    if run.status != "ok" or run.kind.peeks:
        return None
    same = {(step.id, step.instruction): step for step in run.steps if step.status == "miss"}
    found = [same.get((step.id, step.instruction)) for step in steps]
    spans: list[tuple[float, float]] = []
    for step in found:
        if step is None or step.started is None or step.seconds is None:
            return None
        spans.append((step.started, step.started + step.seconds))
    total, reached = 0.0, 0.0
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total
