"""Findings made by hand for tests of the Findings screen, on the fleet of `builders`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from cachetui.findings.record import Evidence, Finding, Findings, Need, Proof, StepRef, Unexplained
from cachetui.prove.experiment import Progress
from tests.make_records import HOSTILE, NOW

UMASK = Finding(
    id="context-mode-only",
    name="context-mode-only:13",
    title="line 13 sees the same files with other modes on new",
    confidence="likely",
    hosts=("new",),
    backends=("buildkit",),
    scenarios=("buildkit-warm",),
    steps=(StepRef(2, 4),),
    consequences=(StepRef(2, 5),),
    seconds=41.5,
    paid="once",
    evidence=(
        Evidence(kind="dockerfile", text="line 13: COPY . /app"),
        Evidence(
            kind="manifest",
            text="the context that was sent has, beside the checkout on new: 212 paths with "
            "another mode (app/main.py 664 → 644, app/util.py 664 → 644 and 210 more)",
        ),
    ),
    advice="`chmod -R g-w /srv/api` on new now, and `umask 022` before `git clone` and `git "
    "checkout` from then on: git keeps of a mode only whether a file can be run",
    suspect={"kind": "modes"},
)

LABEL = Finding(
    id="legacy-metadata-invalidates",
    name="legacy-metadata-invalidates:2",
    title="LABEL (line 2) changed, and the legacy builder builds all below it again",
    confidence="proved",
    hosts=("old", "mid", "new", "ctd"),
    backends=("legacy",),
    scenarios=("legacy-warm",),
    steps=(StepRef(0, 1),),
    consequences=(StepRef(0, 2), StepRef(0, 3)),
    seconds=12.0,
    paid="per-change",
    evidence=(Evidence(kind="experiment", text="legacy on old: line 3 misses as it is, hits"),),
    advice="Move line 2 to the end of its stage",
)

OPEN = Unexplained(
    title="line 10: RUN npm ci missed on mid",
    hosts=("mid",),
    backends=("buildkit",),
    scenarios=("buildkit-warm",),
    steps=(StepRef(1, 2),),
    seconds=3.0,
    facts=(Evidence(kind="facts", text="buildx: 0.13.1 on mid, 0.29.1 on new"),),
    suspects=("engine-differs",),
)


def findings(*more: Finding) -> Findings:
    need = Need(id="context-mode-only", text="name context_on_host to compare with the checkout")
    return Findings(findings=(UMASK, LABEL, *more), unexplained=(OPEN,), needs=(need,))


def of_the_odd_one_out() -> Findings:
    """Why `mid` differs in `make_records.odd_one_out`, and what else is found."""
    umask = replace(UMASK, hosts=("mid",), title=UMASK.title.replace("new", "mid"))
    return replace(findings(), findings=(umask, LABEL))


def hostile() -> Findings:
    """Text of a build in every place."""
    bad = Finding(
        id="base-drift",
        name="base-drift:1",
        title=HOSTILE,
        confidence="possible",
        hosts=(HOSTILE, "old"),
        backends=("buildkit",),
        steps=(StepRef(0, 0), StepRef(99, 99)),
        evidence=(Evidence(kind="run", text=HOSTILE),),
        advice=HOSTILE,
    )
    odd = Unexplained(title=HOSTILE, hosts=("old",), backends=("legacy",), suspects=(HOSTILE,))
    return Findings(findings=(bad,), unexplained=(odd,), needs=(Need(id="x", text=HOSTILE),))


class FakeExperiment:
    """Tells two commands, makes a build when let go, and proves or fails."""

    def __init__(self, cancel: Any, result: str | Exception = "proved") -> None:
        self.cancel, self.result = cancel, result
        self.go = threading.Event()
        self.closed = False
        self.ran = False
        self.trouble: Exception | None = None

    def prepare(self) -> list[str]:
        if isinstance(self.result, Exception):
            raise self.result
        return ["# host new", "cp -RPp sent then\nchmod 664 app", "docker build [/tmp/x]"]

    def run(self, on_progress: Callable[[Progress], None]) -> Proof:
        self.ran = True
        on_progress(Progress(1, 3, "buildkit, with the modes as sent", "[2/3] COPY . /app"))
        self.go.wait(10)
        if self.cancel.is_set():
            raise RuntimeError("stopped")
        return Proof(
            audit="a",
            id=UMASK.id,
            steps=UMASK.steps,
            host="new",
            outcome=str(self.result),  # type: ignore[arg-type]
            evidence=(Evidence(kind="experiment", text="BuildKit on new: it hits " + HOSTILE),),
            at=NOW,
        )

    def close(self) -> None:
        self.closed = True
