"""Timeline, Mounts, History and Command: what each shows, and where it leads."""

from __future__ import annotations

import msgspec
import pytest
from rich.cells import cell_len

from cachetui.records.document import Document
from cachetui.store.audit_records import AuditEntry
from cachetui.store.troubles import StoreError
from cachetui.tui.screens.commands import wrapped
from cachetui.tui.screens.place import PLACES
from cachetui.tui.view.column import Column
from cachetui.tui.widgets.frame import KeyBar
from cachetui.tui.widgets.grid import Grid
from tests import make_records
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore

NOTHING_YET = {
    "compare": ("No runs are chosen to compare.", "1 Fleet: enter on a run"),
    "step": ("No run is chosen.", "2 Compare and press enter"),
    "timeline": ("No run to show yet.", "t on it in Fleet or Compare"),
    "mounts": ("No cache mounts to show yet", "r, runs an audit; 6 History opens one"),
    "history": ("No audit is stored yet.", "go to 1 Fleet and press r"),
    "outputs": ("No two runs have ended that made an image.", "6 History opens one"),
    "findings": ("No audit has been run or opened yet", "r, runs an audit; 6 History opens one"),
    "share": ("No experiment with shared caches is open.", "S starts one"),
}
"""What stands in each place before anything was built; Fleet has the hosts."""

DO_WITHOUT_ROWS = {"Why", "Keys", "Presets", "Trends", "Share…"}
"""What the keys do that are possible there."""


@pytest.mark.parametrize("name", NOTHING_YET)
def test_with_nothing_to_show_it_says_what_to_do_and_has_only_keys_that_work(name: str) -> None:
    async def story(d: Driver) -> None:
        await d.press(str([place for place, _ in PLACES].index(name) + 1))
        await d.place(name)
        await d.see(*NOTHING_YET[name])
        bar = d.app.screen.query_one(KeyBar)
        await d.until(lambda: {text for _, text, *_ in bar.labels()} <= DO_WITHOUT_ROWS, "keys")
        last = d.text().splitlines()[-1]
        assert "Keys" in last
        assert "⏎" not in last
        assert not headings(d)

    drive(story, FakeCore(make_records.legacy_too(), kept=[]), opened=False)


def headings(d: Driver) -> list[Column]:
    """The columns that have a heading on the screen."""
    return [
        column
        for grid in d.app.screen.query(Grid)
        for column in grid.columns
        if any(title.strip() for title in column.titles)
    ]


@pytest.mark.parametrize("key", ["5", "9"])
def test_an_audit_without_mounts_and_shares_leaves_places_without_headings(key: str) -> None:
    async def story(d: Driver) -> None:
        await d.press(key)
        await d.see("no cache mounts" if key == "5" else "No experiment")
        assert not headings(d)
        await d.not_see("⏎", "Sort")

    drive(story, FakeCore(make_records.legacy_too()))


def test_timeline_shows_what_ran_side_by_side() -> None:
    async def story(d: Driver) -> None:
        await d.press("l", "t")
        await d.place("timeline")
        await d.see(
            "mid buildkit-cold 22.7s · baseline · ◆ critical path 97%",
            "up to 2 steps at once",
            "old buildkit-cold 28.7s · ◆ critical path 98%",
            "│0s",
            "◆",
        )
        rule = d.line("RUN … pip")
        assert "█" in rule
        await d.press("G")
        await d.see("builds on line 15", "on the critical path")

    drive(story, FakeCore(), size=(100, 40))


def test_timeline_says_why_a_step_may_start_early() -> None:
    async def story(d: Driver) -> None:
        await d.press("4")
        for _ in range(5):
            await d.press("j")
        await d.see("COPY web ./web", "started before line 4, 5: ", "builds on nothing")

    drive(story)


def test_timeline_orders_by_start_and_narrows_to_the_critical_path() -> None:
    async def story(d: Driver) -> None:
        await d.press("4")
        await d.see("pip install")
        await d.press("a")
        await d.not_see("pip install")
        await d.see("◆ only · by line")
        await d.press("a", "s")
        await d.see("  by start")
        text = d.text()
        assert text.index("COPY web") < text.index("pip install")

    drive(story)


def test_timeline_leads_to_the_log_and_takes_other_runs() -> None:
    async def story(d: Driver) -> None:
        await d.press("4", "b")
        await d.see("Which run next to the first?")
        await d.press("j", "enter")
        await d.see("baseline", "mounts-warm")
        await d.press("enter")
        await d.place("step")

    drive(story, size=(80, 40))


def test_timeline_without_runs_says_so() -> None:
    async def story(d: Driver) -> None:
        await d.press("4")
        await d.see("No run to show yet.")

    drive(story, opened=False)


def test_mounts_say_what_they_hold_and_save() -> None:
    async def story(d: Driver) -> None:
        await d.press("5")
        await d.see("/var/cache/pip", "34.0 MB", "2 minutes ago", "shared", "8.4s", "5.0s")
        await d.see("✓ same", "✓ same layers, cold and warm", "cold ███")
        await d.press("s")
        await d.see("SAVED ▾")
        await d.press("enter")
        await d.place("compare")
        await d.see("bk cold", "bk mounts-warm")

    drive(story, size=(120, 30))


def test_other_layers_with_a_warm_mount_are_told() -> None:
    document = make_records.document()
    changed = tuple(
        msgspec.structs.replace(
            run, image=msgspec.structs.replace(run.image, layers=("sha256:" + "ee" * 32,))
        )
        if run.scenario == "buildkit-mounts-warm" and run.image
        else run
        for run in document.runs
    )

    async def story(d: Driver) -> None:
        await d.press("5")
        await d.see("≠ differs", "file times alone can cause it")

    drive(story, FakeCore(msgspec.structs.replace(document, runs=changed)))


def test_without_mounts_it_says_what_they_are_for() -> None:
    async def story(d: Driver) -> None:
        await d.press("5")
        await d.see("This Dockerfile has no cache mounts.", "RUN --mount=type=cache")

    drive(story, FakeCore(make_records.legacy_too()))


def kept() -> FakeCore:
    """Three audits, a day apart; the odd one is the latest."""
    latest = make_records.odd_one_out()
    older = [
        msgspec.structs.replace(
            make_records.document(
                msgspec.structs.replace(
                    run,
                    id=f"{run.id}-{n}",
                    started_at=make_records.NOW - n * 86400,
                    audit=f"day-{n}",
                )
                for run in make_records.document().runs
            ),
            audit=f"day-{n}",
            started_at=make_records.NOW - n * 86400,
        )
        for n in (1, 2)
    ]
    return FakeCore(latest, kept=[latest, *older])


def test_trends_have_only_the_keys_that_work_there() -> None:
    def foot(d: Driver) -> str:
        return d.text().splitlines()[-1]

    async def story(d: Driver) -> None:
        await d.press("6")
        await d.see("WHEN", "20 ✓ none")
        assert all(word in foot(d) for word in ("Open", "Mark", "Compare", "Delete", "Trends"))
        await d.press("tab")
        await d.see("Trends of api", "LAST RUN")
        await d.until(lambda: "Trends" in foot(d) and "Open" not in foot(d), "the keys")
        assert not any(word in foot(d) for word in ("Mark", "Compare", "Delete"))
        await d.press("tab")
        await d.until(lambda: "Open" in foot(d), "the keys of the audits")

    drive(story, kept())


def test_history_lists_opens_and_goes_back() -> None:
    async def story(d: Driver) -> None:
        await d.press("6")
        await d.see("a1b2c3d4 (open)", "day-1", "2 h ago", "26 h ago")
        await d.press("j", "enter")
        await d.place("fleet")
        await d.see("stored", "hosts agree step by step", "day-1")

    drive(story, kept(), size=(120, 30))


def test_history_compares_marked_audits() -> None:
    async def story(d: Driver) -> None:
        await d.press("6", "space", "space", "c")
        await d.place("compare")
        await d.see("@1", "@a1b2c3d4")

    drive(story, kept(), size=(120, 30))


def test_history_deletes_after_a_question() -> None:
    async def story(d: Driver) -> None:
        await d.press("6", "j", "d")
        await d.see("Delete this audit?", "This cannot be undone.")
        await d.press("enter")
        assert "day-1" in d.core.store.documents
        await d.press("d", "y")
        await d.until(lambda: "day-1" not in d.core.store.documents)
        await d.not_see("day-1  ")

    drive(story, kept(), size=(120, 30))


def test_a_pinned_audit_is_not_deleted() -> None:
    async def story(d: Driver) -> None:
        await d.press("6", "j", "p")
        await d.see("day-1 (pinned)")
        assert d.core.store.pinned == {"day-1"}
        await d.press("d")
        await d.see("This audit is pinned")
        assert "day-1" in d.core.store.documents
        await d.press("p")
        await d.until(lambda: d.core.store.pinned == set())
        await d.press("d")
        await d.see("Delete this audit?")

    drive(story, kept(), size=(120, 30))


def test_history_draws_trends() -> None:
    async def story(d: Driver) -> None:
        await d.press("6", "tab")
        await d.see("Trends of api", "buildkit-warm", "█")
        assert "▁" in d.text()
        await d.press("escape")
        await d.see("WHEN")
        await d.press("s")
        await d.see("BUILD ▾")

    drive(story, kept(), size=(120, 30))


def test_history_says_who_was_odd_in_the_audit_under_the_cursor() -> None:
    odd = make_records.odd_one_out()
    alike = msgspec.structs.replace(
        make_records.document(), audit="day-1", started_at=odd.started_at - 86400
    )

    async def story(d: Driver) -> None:
        await d.press("6")
        await d.see("≠ mid is the odd one out in buildkit-warm")
        await d.press("j")
        await d.see("✓ hosts agree step by step")
        d.core.store.documents["day-1"] = odd
        await d.press("1", "6")
        await d.not_see("✓ hosts agree")

    drive(story, FakeCore(odd, kept=[odd, alike]))


def test_an_audit_that_cannot_be_read_is_told_in_history() -> None:
    core = kept()
    real = core.store.audit

    def audit(audit: str) -> Document | None:
        if audit == "day-2":
            raise OSError("the disk is gone")
        return real(audit)

    core.store.audit = audit  # type: ignore[method-assign]

    async def story(d: Driver) -> None:
        await d.press("6", "G")
        await d.see("it cannot be read: the disk is gone")

    drive(story, core)


def test_a_store_that_does_not_answer_is_told_and_what_was_read_stays() -> None:
    core = kept()

    def gone(*_: object) -> None:
        raise StoreError("no connection to postgresql://db/team")

    async def story(d: Driver) -> None:
        await d.press("6")
        await d.see("day-1")
        for name in ("audits", "audit", "pin", "delete_audit"):
            setattr(core.store, name, gone)
        await d.press("j", "p")
        await d.see("The store could not be changed: no connection to")
        await d.press("d", "y")
        await d.press("1", "6")
        await d.see("The store does not answer: no connection to", "day-1")

    drive(story, core, size=(120, 30))


def test_hosts_are_shown_where_the_store_does_not_answer() -> None:
    core = FakeCore()

    def gone() -> list[AuditEntry]:
        raise StoreError("no connection to postgresql://db/team")

    core.store.audits = gone  # type: ignore[method-assign]

    async def story(d: Driver) -> None:
        await d.see("The store does not answer: no connection to", "old")

    drive(story, core)


def test_history_says_what_to_do_when_it_is_empty() -> None:
    async def story(d: Driver) -> None:
        await d.press("6")
        await d.see("No audit is stored yet.")

    drive(story, opened=False)


def test_an_audit_that_is_gone_is_told() -> None:
    async def story(d: Driver) -> None:
        await d.until(lambda: "Audit lost is not in the store." in d.toasts())

    drive(story, opened=False, audit="lost")


def test_commands_are_shown_wrapped_and_copied_whole() -> None:
    long = "docker build " + " ".join(f"--build-arg A{n}=…" for n in range(20)) + " ."
    document = make_records.document(
        [make_records.run("old", "buildkit-cold", commands=("mkdir -p x", long), notes=("a note",))]
    )

    async def story(d: Driver) -> None:
        await d.press("l", "c")
        await d.see("Commands on old", "$ mkdir -p x", "$ docker build", "↩", "note: a note")
        copied: list[str] = []
        d.app.copy_to_clipboard = copied.append  # type: ignore[method-assign, assignment]
        await d.press("y")
        assert copied == [f"mkdir -p x\n{long}"]
        await d.press("escape")
        await d.not_see("Commands on")

    drive(story, FakeCore(document))


@pytest.mark.parametrize(
    "text", ["", "a" * 100, "sh -c 'a  b'   " * 9, "漢字 " * 30, "漢" * 30, "é x" * 20]
)
def test_a_wrapped_command_is_the_command_to_the_last_blank(text: str) -> None:
    for width in (1, 2, 7, 30):
        parts = wrapped(text, width)
        assert "".join(parts) == text
        assert all(cell_len(part) <= max(2, width) for part in parts)


def test_audits_of_two_builds_are_not_compared() -> None:
    core = kept()
    other = msgspec.structs.replace(
        core.document,
        audit="other",
        build=msgspec.structs.replace(core.document.build, name="web"),
        started_at=core.document.started_at + 60,
    )
    core.store.documents["other"] = other

    async def story(d: Driver) -> None:
        await d.press("6", "space", "space", "c")
        await d.until(lambda: "These audits are of different builds: api and web." in d.toasts())

    drive(story, core, size=(120, 30))
