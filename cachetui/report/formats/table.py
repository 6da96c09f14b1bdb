"""An audit as the terminal's table: a row a step, a column a host and scenario; and why.

What is to be seen first stands where the eye is: on top where all fits the screen, else last, next
to the prompt. To fit, an audit gives way in steps: rows that are alike are folded, then what is
below the tables, then evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cachetui.findings.wording import KEEP_REPLACED
from cachetui.report import share_table
from cachetui.report.audit_report import AuditReport
from cachetui.report.formats import Format
from cachetui.report.outputs import table as outputs_table
from cachetui.report.reasons import Reason, Reasons, lay_out_findings
from cachetui.report.shell import several_ways
from cachetui.report.table_parts import NARROWEST, Table
from cachetui.report.view import lay_out

PROMPT = 2
"""Rows of a screen that a report leaves free: the command above it, and the prompt below."""


@dataclass(frozen=True, slots=True)
class _Detail:
    """How much is shown: rows that are alike `folded` into one, a few words in place of what stands
    `below` the tables, at most so many facts as `evidence` of a cause, and whether an `overview` of
    groups of hosts. Without evidence nothing stands there but causes and advice."""

    folded: bool = False
    below: bool = True
    evidence: int = 100
    overview: bool = True


_WHOLE = _Detail()
_LESS = (
    _Detail(folded=True),
    _Detail(folded=True, below=False),
    *(
        _Detail(folded=True, below=False, evidence=evidence, overview=False)
        for evidence in (100, 2, 1, 0)
    ),
)


def render(report: AuditReport) -> str:
    """The audit as text of at most `report.width` cells a line, ending in a newline.

    In a terminal, whose `height` is known, the first of `_WHOLE` and `_LESS` that fits is shown,
    with the answer on top: whether hosts differ, and why. Where none fits, the answer stands last
    and has as much evidence as fits. With `all_tables` nothing is left out.
    """
    page = _Page(report)
    room = None if report.height is None else report.height - PROMPT
    details = (_WHOLE,) if report.all_tables else (_WHOLE, *_LESS)
    if room is None:
        return page.text(_WHOLE, first=report.answer_first)
    for detail in details:
        text = page.text(detail, first=True)
        if text.count("\n") <= room:
            return text
    if report.all_tables:
        return page.text(_WHOLE, first=False)
    last = next(
        (each for each in (_WHOLE, *_LESS) if sum(1 for _ in page.answer(each)) <= room),
        _LESS[-1],
    )
    return page.text(replace(last, folded=True, below=True), first=False)


class _Page:
    """A report, to be written in any detail."""

    def __init__(self, report: AuditReport) -> None:
        self._report = report
        self._view = lay_out(report.document, report.findings, report.log_tail)
        self._reasons = lay_out_findings(report.findings, report.max_findings, self._view.causes)
        self._brief = {} if report.all_tables else self._view.agreeing
        self._table = Table(self._view, max(report.width, NARROWEST), report.color)

    def text(self, detail: _Detail, *, first: bool) -> str:
        """All of it, the answer first or last; then whether the images are the same, where they
        were read."""
        lines = self._table.heading()
        answer = list(self.answer(detail))
        lines += [*answer, *self._rest(detail)] if first else [*self._rest(detail), *answer]
        text = "\n".join(line.rstrip() for line in lines) + "\n"
        report = self._report
        if report.outputs is None:
            return text
        audit, width, color = report.document.audit, report.width, report.color
        return f"{text}\n{outputs_table.brief(report.outputs, audit, width=width, color=color)}"

    def answer(self, detail: _Detail) -> Iterator[str]:
        """Whether hosts differ, and why."""
        reasons = self._reasons
        bare = detail.evidence == 0
        yield from self._table.verdict(self._view.places if reasons else self._view.verdict[1:])
        yield from self._table.overview(self._brief) if detail.overview else ()
        shown = _bare(reasons) if bare else _with_evidence(reasons, detail.evidence)
        yield from self._table.why(shown, spaced=detail.below, headings=not bare)

    def _rest(self, detail: _Detail) -> Iterator[str]:
        table = self._table
        if self._view.share is not None:
            yield from share_table.text_lines(self._view.share, table.width, table.color)
            if not self._report.all_tables:
                yield from table.failures()
                yield from table.passages() if detail.below else table.passages_in_short()
                return
        blocks = table.blocks(self._brief)
        for block in blocks:
            yield ""
            yield from table.block(block, folded=detail.folded)
        yield from table.columns(short=detail.folded) if blocks else ()
        yield from table.agreeing(self._brief, short=not detail.below, folded=detail.folded)
        if blocks and detail.evidence:
            yield from table.legend(self._brief, short=not detail.below)
        yield from table.failures()
        yield from table.passages() if detail.below else table.passages_in_short()


def _with_evidence(reasons: Reasons, most: int) -> Reasons:
    return replace(
        reasons,
        explained=tuple(reason.with_evidence(most) for reason in reasons.explained),
        others=tuple(reason.with_evidence(most) for reason in reasons.others),
        unexplained=tuple(reason.with_evidence(most) for reason in reasons.unexplained),
    )


def _bare(reasons: Reasons) -> Reasons:
    """Causes and advice alone, with what is to be typed where that is no choice: other findings are
    counted."""
    return replace(
        reasons,
        explained=tuple(
            _without_choice(replace(reason, evidence=(), hidden=0)) for reason in reasons.explained
        ),
        others=(),
        more_others=reasons.more_others + len(reasons.others),
        unexplained=tuple(replace(reason, evidence=(), hidden=0) for reason in reasons.unexplained),
        needs=(),
    )


def _without_choice(reason: Reason) -> Reason:
    """Of commands of which one is to be chosen, where they are: the first is no better."""
    if not several_ways(reason.commands):
        return reason
    told = (reason.advice or "").partition(KEEP_REPLACED)[0]
    advice = f"{told} (both ways: --findings all)"
    return replace(reason, commands=(), advice=advice)


FORMAT = Format(
    render=render,
    title="Table",
    description="for a terminal",
    suffix="txt",
    readers="terminal",
)
