"""Peek in the app: what is asked, what runs where, and what Fleet then shows."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from cachetui.core import UserError
from cachetui.findings.record import Finding, Findings, StepRef
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import Step
from cachetui.store.troubles import StoreError
from tests import make_records
from tests.make_records import HOSTILE
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore

DRIFT = Finding(
    id="base-drift",
    name="base-drift:9",
    title="base:1 is another image on mid",
    confidence="likely",
    hosts=("mid",),
    backends=("buildkit",),
    scenarios=("buildkit-peek",),
    steps=(StepRef(1, 2),),
    seconds=8.5,
    advice="docker pull base:1 on mid",
)


def cold_from(line: int) -> tuple[Step, ...]:
    """The steps of a peek that was stopped at this line's RUN; what stands below is not known. A
    COPY of an earlier line that its stage has right above ran to its end."""
    made = []
    for step in make_records.steps("buildkit", "hit"):
        if step.keyword != "FROM" and step.line >= line:
            status = "miss" if step.line == line else "not-reached"
            step = msgspec.structs.replace(step, status=status, seconds=None, timing=None)
        made.append(step)
    return tuple(made)


def peeked(name: str, steps: Iterable[Step]) -> Run:
    return make_records.run(name, "buildkit-peek", steps=tuple(steps), seconds=0.4)


def fleet(hosts: int = 4) -> Document:
    """A peek in which the second of the hosts is cold from line 9 on."""
    names = ["old", "mid", "new", "ctd"] if hosts == 4 else [f"ci-{n}" for n in range(1, hosts + 1)]
    warm = make_records.steps("buildkit", "hit")
    runs = [peeked(name, cold_from(9) if n == 1 else warm) for n, name in enumerate(names)]
    reports = [make_records.host(name) for name in names]
    return make_records.document(runs, reports, audit="peek-1", scenarios=("buildkit-peek",))


def peeking(document: Document | None = None) -> FakeCore:
    """A core whose next audit is a peek, with an audit in its store that tells the costs."""
    cold = msgspec.structs.replace(make_records.document(), audit="cold-1")
    core = FakeCore(document or fleet(), kept=[cold])
    core.found = Findings(findings=(DRIFT,))
    return core


async def asked(d: Driver) -> None:
    """Take what the dialog offers."""
    await d.press("P")
    await d.see("Peek at api", "[✓] legacy", "[✓] buildkit")
    await d.press("r")


async def ended(d: Driver) -> None:
    await d.until(lambda: d.app.session.running, "the audit")
    d.audit.end()
    await d.until(lambda: d.app.session.explained.peek is not None, "what came out")


def test_it_asks_then_shows_how_far_each_cache_goes() -> None:
    core = peeking()

    async def story(d: Driver) -> None:
        await d.see("P peeks at their caches")
        await asked(d)
        await d.see("Peek at a build with cache mounts?", "old,mid,new,ctd:", "stays there")
        assert core.store.marks.agreed == []
        await d.press("y")
        await d.until(lambda: d.app.session.running, "the audit")
        await d.until(lambda: core.store.marks.agreed == ["old", "mid", "new", "ctd"])
        ((_, hosts, options),) = core.prepared
        assert hosts == ["old", "mid", "new", "ctd"]
        assert options.peek == ("legacy", "buildkit")
        assert not options.no_mounts
        await ended(d)
        await d.see("is the odd one out in buildkit-peek", "✓ warm", "◐ cold from line 9")
        await d.see("4 hits, cold from line 9 on, 4 not decided · to pay ~21.9s")
        await d.see("first miss RUN", "why: base-drift:9 (likely)", "docker pull base:1 on mid")

    drive(story, core, opened=False)


def test_a_host_is_shown_as_soon_as_it_is_known() -> None:
    """Its cost is looked for at the end."""
    document = fleet()
    runs = [
        msgspec.structs.replace(r, seconds=1.0 if r.host == "mid" else 9.0) for r in document.runs
    ]
    core = peeking(msgspec.structs.replace(document, runs=tuple(runs)))
    core.store.marks.agreed = ["old", "mid", "new", "ctd"]

    async def story(d: Driver) -> None:
        await asked(d)
        await d.until(lambda: d.app.session.running, "the audit")
        d.audit.at(d.audit.length - 1.0)
        await d.see("◐ cold from line 9", "▸")
        await d.press("j", "l")
        await d.see("4 hits, cold from line 9 on, 4 not decided")
        assert "cost" not in d.text()
        await d.not_see("✓ warm")
        d.audit.end()
        await d.see("✓ warm", "to pay ~21.9s")

    drive(story, core, opened=False)


def test_hosts_are_asked_about_once() -> None:
    core = peeking()
    core.store.marks.agreed = ["old", "new", "ctd"]

    async def story(d: Driver) -> None:
        await asked(d)
        await d.see("mid: the first RUN that misses")
        await d.press("y")
        await ended(d)
        await asked(d)
        await ended(d)
        assert len(core.prepared) == 2

    drive(story, core, opened=False)


@pytest.mark.parametrize("key", ["n", "escape"])
def test_nothing_runs_when_the_user_does_not_agree(key: str) -> None:
    core = peeking()

    async def story(d: Driver) -> None:
        await asked(d)
        await d.see("Peek at a build with cache mounts?")
        await d.press(key)
        await d.not_see("cache mounts?")
        assert not d.app.session.running
        assert core.store.marks.agreed == []

    drive(story, core, opened=False)


def test_an_answer_that_cannot_be_kept_holds_once() -> None:
    core = peeking()
    core.store.marks.trouble = StoreError("the store can only be read")

    async def story(d: Driver) -> None:
        await asked(d)
        await d.press("y")
        await d.until(lambda: any("asked again: the store" in told for told in d.toasts()))
        await ended(d)

    drive(story, core, opened=False)


def test_the_legacy_builder_alone_is_asked_nothing() -> None:
    """It has no cache mounts."""
    core = peeking()

    async def story(d: Driver) -> None:
        await d.press("P")
        await d.see("[✓] buildkit")
        await d.press("j", "space")
        await d.see("[ ] buildkit")
        await d.press("enter")
        await ended(d)
        assert core.prepared[0][2].peek == ("legacy",)

    drive(story, core, opened=False)


def test_without_cache_mounts_nothing_is_asked() -> None:
    core = peeking()

    async def story(d: Driver) -> None:
        await d.press("P")
        await d.see("[ ] leave out steps with a cache mount")
        await d.press("j", "j", "space")
        await d.see("[✓] leave out steps with a cache mount", "[✓] buildkit")
        await d.press("r")
        await ended(d)
        options = core.prepared[0][2]
        assert options.no_mounts
        assert options.peek == ("legacy", "buildkit")
        assert core.store.marks.agreed == []

    drive(story, core, opened=False)


def test_a_peek_takes_one_builder_at_least() -> None:
    core = peeking()

    async def story(d: Driver) -> None:
        await d.press("P", "space", "j", "space", "r")
        await d.until(lambda: "Turn on at least one builder." in d.toasts())
        await d.press("escape")
        assert core.prepared == []

    drive(story, core, opened=False)


def test_the_marked_hosts_are_looked_at() -> None:
    core = peeking()
    core.store.marks.agreed = ["old", "mid", "new", "ctd"]

    async def story(d: Driver) -> None:
        await d.press("j", "space", "space")
        await d.press("P")
        await d.see("2 hosts: mid, new")
        await d.press("r")
        await ended(d)
        assert core.prepared[0][1] == ["mid", "new"]

    drive(story, core, opened=False)


def test_it_starts_from_any_place_and_leads_to_fleet() -> None:
    core = peeking()
    core.store.marks.agreed = ["old", "mid", "new", "ctd"]

    async def story(d: Driver) -> None:
        await d.press("6")
        await d.place("history")
        await asked(d)
        await d.place("fleet")
        await ended(d)

    drive(story, core, opened=False)


def test_the_palette_has_it() -> None:
    async def story(d: Driver) -> None:
        await d.press("7")
        await d.place("outputs")
        await d.press("ctrl+p", *"stops hitting")
        await d.see("Peek: where each cache stops")
        await d.press("enter")
        await d.see("Peek at api")

    drive(story, peeking(), opened=False)


def test_why_it_cannot_start_is_said() -> None:
    core = peeking()
    core.refusal = UserError("api builds with --no-cache, which empties cache mounts: peek without")

    async def story(d: Driver) -> None:
        await asked(d)
        await d.see("The peek cannot start", "empties cache mounts")

    drive(story, core, opened=False)


def test_without_a_build_one_is_chosen_first() -> None:
    core = FakeCore(fleet(), builds=False)

    async def story(d: Driver) -> None:
        await d.press("P")
        await d.see("No build to run")

    drive(story, core, opened=False)


def test_a_stored_peek_is_shown_alike_and_run_offers_all_scenarios() -> None:
    async def story(d: Driver) -> None:
        await d.see("◐ cold from line 9", "why: base-drift:9 (likely)")
        await d.press("r")
        await d.see("[✓] legacy-cold", "[✓] buildkit-warm")

    drive(story, peeking())


def test_without_a_stored_run_the_cost_is_unknown_and_a_miss_is_not_expected() -> None:
    document = fleet()
    runs = tuple(peeked(host.name, cold_from(9)) for host in document.hosts)
    core = FakeCore(msgspec.structs.replace(document, runs=runs))
    of_another = msgspec.structs.replace(DRIFT, scenarios=("buildkit-cold",))
    core.found = Findings(findings=(of_another,))

    async def story(d: Driver) -> None:
        await d.press("l")
        await d.see("hosts agree step by step · 1 finding · 4 caches: 4 cold")
        await d.see("cost unknown", "why: unknown", "no cause found.")

    drive(story, core)


def test_what_buildkit_keeps_is_said_and_nothing_is_hidden_by_a_long_line() -> None:
    steps = [
        msgspec.structs.replace(step, status="miss", seconds=0.1) if step.line == 8 else step
        for step in cold_from(9)
    ]
    steps[[step.line for step in steps].index(9)] = msgspec.structs.replace(
        steps[[step.line for step in steps].index(9)], instruction="RUN " + "x" * 300
    )
    document = fleet()
    runs = (document.runs[0], peeked("mid", steps), *document.runs[2:])

    async def story(d: Driver) -> None:
        await d.see("cold from line 8 on", "BuildKit keeps line 8")

    drive(story, FakeCore(msgspec.structs.replace(document, runs=runs)))


def test_what_nothing_is_known_of_is_undecided() -> None:
    unknown = [
        step if step.keyword == "FROM" else msgspec.structs.replace(step, status="not-reached")
        for step in make_records.steps("buildkit", "hit")
    ]
    document = fleet()
    runs = (document.runs[0], peeked("mid", unknown), *document.runs[2:])

    async def story(d: Driver) -> None:
        await d.see("· undecided", "step by step in bk peek · 4 caches: 3 warm, 1 undecided")
        await d.press("j", "l")
        await d.see("9 steps not decided · cost unknown")

    drive(story, FakeCore(msgspec.structs.replace(document, runs=runs)))


def test_the_filter_knows_cold_from_warm() -> None:
    async def story(d: Driver) -> None:
        await d.press("slash", *"cold", "enter")
        await d.see("1 of 4", "mid")
        await d.not_see("✓ warm")
        await d.press("escape", "slash", *"warm", "enter")
        await d.see("3 of 4")

    drive(story, FakeCore(fleet()))


@pytest.mark.parametrize("size", [(40, 12), (60, 16), (80, 24), (160, 50)])
@pytest.mark.parametrize("hosts", [4, 40])
def test_it_fits(size: tuple[int, int], hosts: int) -> None:
    document = fleet(hosts)
    steps = [
        msgspec.structs.replace(step, instruction=f"RUN {HOSTILE}") if step.line == 9 else step
        for step in cold_from(9)
    ]
    runs = (document.runs[0], peeked("mid" if hosts == 4 else "ci-2", steps), *document.runs[2:])

    async def story(d: Driver) -> None:
        await d.see("warm", "line 9")
        assert all(len(line) <= size[0] for line in d.text().splitlines())

    drive(story, FakeCore(msgspec.structs.replace(document, runs=runs)), size=size)
