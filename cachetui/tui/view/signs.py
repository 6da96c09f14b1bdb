"""Signs and words for states: each state has both, so nothing depends on colour alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from cachetui.records.scenario import Scenario
from cachetui.report import signs as report_signs
from cachetui.report import units
from cachetui.report.signs import (
    CELL_STATES,
    CONFIDENCES,
    HOST_STATES,
    MARKED,
    ODD,
    SPLIT,
    STEP_STATES,
    State,
)
from cachetui.tui.view.text import Line, Tone

if TYPE_CHECKING:
    from cachetui.audit.progress import Cell, CellState, Snapshot
    from cachetui.records.run import RunStatus
    from cachetui.records.step import Step


def _shown(states: dict[str, State]) -> dict[str, tuple[str, str, Tone]]:
    return {name: (state.sign, state.word, state.tone) for name, state in states.items()}


STEP = _shown(STEP_STATES)
"""Status of a step → sign, word and tone; so are `CELL` and `HOST`."""

CELL = _shown(CELL_STATES)
HOST = _shown(HOST_STATES)

RUN: dict[RunStatus, CellState] = {
    "ok": "done",
    "failed": "failed",
    "unsupported": "unsupported",
    "cancelled": "cancelled",
    "lost": "unreachable",
}
"""Status of a stored run → state of its cell."""

LEGEND: tuple[tuple[str, str], ...] = (
    ("✓", "hit: the step, or every step that can hit, came from the cache"),
    ("○", "miss: built again"),
    ("◐", "some steps hit, some missed"),
    ("✗", "failed, or the host was unreachable"),
    ("⊘", "unsupported: this host or backend cannot build it"),
    ("–", "not needed, skipped or cancelled"),
    ("·", "not reached, or waiting for its turn"),
    ("▸", "at work"),
    (ODD, "the odd one out: not as most hosts; of chosen runs: they differ"),
    (SPLIT, "hosts are split: no side has most of them, or only a few hit"),
    ("↺", "not run now: a stored run of the same build"),
    (MARKED, "marked"),
    ("~", "seconds of hosts that are alike: their median"),
    *((state.sign, f"how sure a cause is: {state.word}") for state in CONFIDENCES.values()),
)

_CLEAR_WITHOUT = ("~", "?", "⊘", "↺")
"""Signs whose meaning can be guessed: left out first where there is no room."""


def key_of_signs(shown: Iterable[Line], width: int) -> str:
    """What the signs in these lines mean, as many as fit `width` cells: "✓ hit  ◐ some hit". A
    sign is at the beginning of a span: elsewhere a question mark, say, is none."""
    text = "".join(span.strip()[:1] for each in shown for span, _ in each)
    told = report_signs.key_of_signs(text)
    for sign in (*_CLEAR_WITHOUT, *reversed(told)):
        if cell_len("  ".join(told.values())) <= width:
            break
        told.pop(sign, None)
    return "  ".join(told.values())


def of_step(step: Step | None) -> tuple[str, str, Tone]:
    """Sign, word and tone of a step. A FROM is neither hit nor miss, whatever it reports."""
    if step is None:
        return STEP["absent"]
    if step.keyword == "FROM" and step.status in ("hit", "miss"):
        return STEP["base"]
    return STEP[step.status]


def step_status(step: Step | None) -> Line:
    """A step's status as sign and word."""
    sign, word, tone = of_step(step)
    return ((f"{sign} {word}", tone),)


def trouble(snapshot: Snapshot) -> str:
    """What went wrong so far, in a few words; "" when nothing did."""
    failed = sum(cell.state == "failed" for cell in snapshot.cells)
    away = sum(host.state == "unreachable" for host in snapshot.hosts)
    lost = sum(
        host.state == "failed"
        and not any(cell.host == host.name and cell.state == "failed" for cell in snapshot.cells)
        for host in snapshot.hosts
    )
    words = [
        f"{failed} failed" if failed else "",
        f"{away} unreachable" if away else "",
        f"{units.count(lost, 'host')} in trouble" if lost else "",
    ]
    return ", ".join(word for word in words if word)


def is_stopped(snapshot: Snapshot) -> bool:
    """Whether its user stopped it, or a part of it, before its end."""
    return any(cell.state == "cancelled" for cell in snapshot.cells) or any(
        host.state == "cancelled" and (host.reason or "").startswith("stopped")
        for host in snapshot.hosts
    )


def step_error(step: Step) -> str:
    """The first line of what went wrong in a step."""
    return (step.error or "").strip().split("\n", 1)[0]


def scenario_titles(scenario: str) -> tuple[str, str]:
    """A scenario in two short lines: "buildkit-mounts-warm" is BuildKit, "mounts warm"."""
    kind = Scenario.of(scenario)
    name = "BuildKit" if kind.backend == "buildkit" else kind.backend
    return name, kind.temperature.replace("-", " ")


def short_scenario(scenario: str) -> str:
    """A scenario in few cells: "bk mounts-warm"."""
    return scenario.replace("buildkit-", "bk ").replace("legacy-", "leg ")


def ratio_sign(hits: int, misses: int) -> tuple[str, Tone]:
    """Sign and tone of a hit ratio: all, none or some of the steps hit. A miss is no warning, for a
    cold run is meant to miss: only the odd one out should catch the eye."""
    return report_signs.ratio_sign(hits, misses), "" if misses else "good"


def cell_line(cell: Cell, width: int, *, differs: str = "", times: int = 1, hosts: int = 1) -> Line:
    """What a cell of the matrix shows, in about `width` terminal cells.

    `differs` is the sign to put first: `ODD`, `SPLIT` or none. `times` is how many repeats the
    cell stands for, `hosts` how many hosts: then seconds are a median.
    """
    sign, word, tone = CELL[cell.state]
    seconds = units.seconds(cell.seconds) if cell.seconds is not None else ""
    if cell.state in ("done", "stored"):
        counted = cell.hits + cell.misses
        ratio = units.percent(cell.hits / counted) if counted else units.NOTHING
        sign, tone = ratio_sign(cell.hits, cell.misses)
        sign = "↺" if cell.state == "stored" else sign
        tail = f" ×{times}" if times > 1 else ""
        space = " " if width >= 14 else ""
        about = "~" if hosts > 1 and seconds else " "
        spans: Line = (
            (f"{sign}{space}{ratio:>4}", tone),
            (f"{about}{seconds}" if about == "~" else f" {seconds:>5}", ""),
            (tail, "muted"),
        )
    elif cell.state == "building":
        took = "" if cell.seconds is None else clock(cell.seconds)
        steps = f"{cell.step}/{cell.steps}" if cell.steps else word
        spans = ((f"{sign} {steps}", tone), (f" {took:>4}", "muted"))
    elif cell.state == "failed":
        where = f" {cell.step}/{cell.steps}" if cell.steps and width >= 15 else ""
        spans = ((f"{sign} {word}{where}", tone),)
    elif cell.state == "unsupported":
        spans = ((f"{sign} {word if width >= 14 else 'unsup.'}", tone),)
    elif cell.state == "unreachable":
        spans = ((f"{sign} {word if width >= 14 else 'no host'}", tone),)
    else:
        spans = ((f"{sign} {word}", tone),)
    return before(differs, spans)


def before(differs: str, spans: Line) -> Line:
    """A cell behind the sign of how its host differs: `ODD`, `SPLIT` or none."""
    if not differs:
        return ((" ", ""), *spans)
    style: Tone = "odd" if differs == ODD else "warn"
    return ((differs, style), *((text, tone or "warn") for text, tone in spans))


class Share(NamedTuple):
    """How many of the hosts that ran a scenario did what one did: "line 4 missed"."""

    like: int
    hosts: int
    what: str


def on_so_many(sign: str, share: Share) -> str:
    """Where a run differs most, and on how many hosts: "≠ line 4 missed on 2 of 40"."""
    return f"{sign} {share.what} on {share.like} of {share.hosts}"


def clock(seconds: float | None) -> str:
    """A duration as m:ss or h:mm:ss, for something that runs."""
    if seconds is None:
        return "–:––"
    whole = int(max(0.0, seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"
