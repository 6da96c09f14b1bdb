"""Dialogs: questions of the core, export, first run, choosing a build, leaving."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cachetui.config.settings import BuildSettings
from cachetui.exit_codes import INTERRUPTED
from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.report import formats
from cachetui.tui.screens.leave import LEAVE_WITHIN
from cachetui.tui.view.clipboard import MAX_COPIED_BYTES
from cachetui.tui.view.excerpt import excerpt_of_runs
from tests import make_records
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore


class Asked(threading.Thread):
    """A core thread that asks something, and keeps the answer."""

    def __init__(self, question: str, *words: str, core: FakeCore) -> None:
        super().__init__(daemon=True)
        self.answer: object = self
        self._ask = getattr(core.asker, question)
        self._words = words
        self.start()

    def run(self) -> None:
        self.answer = self._ask(*self._words)

    @property
    def answered(self) -> bool:
        return self.answer is not self


def test_a_passphrase_is_asked_for_and_not_shown() -> None:
    async def story(d: Driver) -> None:
        asked = Asked("passphrase", "/home/me/.ssh/id_[ed]25519", core=d.core)
        await d.see("Passphrase for /home/me/.ssh/id_[ed]25519")
        await d.press(*"secret")
        assert "secret" not in d.text()
        await d.press("enter")
        await d.until(lambda: asked.answered)
        assert asked.answer == "secret"

    drive(story)


def test_no_passphrase_is_an_answer() -> None:
    async def story(d: Driver) -> None:
        asked = Asked("passphrase", "key", core=d.core)
        await d.see("Passphrase")
        await d.press("escape")
        await d.until(lambda: asked.answered)
        assert asked.answer is None

    drive(story)


@pytest.mark.parametrize(
    ("keys", "trusted"),
    [(["enter"], False), (["escape"], False), (["n"], False), (["left", "enter"], True)],
)
def test_an_unknown_host_key_is_refused_unless_trusted(keys: list[str], trusted: bool) -> None:
    async def story(d: Driver) -> None:
        asked = Asked("unknown_host_key", "ci-1", "ssh-ed25519", "SHA256:abc", core=d.core)
        await d.see("ci-1 has a host key that is not in", "ssh-ed25519 SHA256:abc", "Refuse")
        await d.press(*keys)
        await d.until(lambda: asked.answered)
        assert asked.answer is trusted

    drive(story)


def test_no_single_key_trusts_a_host_key() -> None:
    async def story(d: Driver) -> None:
        asked = Asked("unknown_host_key", "ci-1", "ssh-ed25519", "SHA256:abc", core=d.core)
        await d.see("Unknown host key")
        await d.press("y", "q", "space", "escape")
        await d.until(lambda: asked.answered)
        assert asked.answer is False

    drive(story)


def test_a_wrong_passphrase_is_told_when_it_is_asked_again() -> None:
    async def story(d: Driver) -> None:
        for again in (False, True):
            asked = Asked("passphrase", "key", core=d.core)
            await d.see("Passphrase for key")
            assert ("does not unlock the key" in d.text()) is again
            await d.press(*"guess", "enter")
            await d.until(lambda asked=asked: asked.answered)  # type: ignore[misc]
        d.app.asker.begin()
        asked = Asked("passphrase", "key", core=d.core)
        await d.see("Passphrase for key")
        assert "did not open" not in d.text()
        await d.press("escape")
        await d.until(lambda: asked.answered)

    drive(story)


def test_questions_come_one_at_a_time_and_are_refused_on_leaving() -> None:
    asked: list[Asked] = []

    async def story(d: Driver) -> None:
        asked.append(Asked("passphrase", "one", core=d.core))
        asked.append(Asked("passphrase", "two", core=d.core))
        await d.see("Passphrase for")
        await d.pilot.press("ctrl+c")

    assert drive(story) == 0
    for thread in asked:
        thread.join(5)
        assert thread.answer is None


def down_to(output_format: str) -> list[str]:
    """The keys that lead to a format in the export dialog."""
    return ["j"] * [name for name, _ in formats.for_files()].index(output_format)


@pytest.mark.parametrize(
    ("output_format", "suffix", "inside"),
    [("html", "html", "<html"), ("markdown", "md", "## api"), ("json", "json", '"schema"')],
)
def test_an_audit_is_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output_format: str, suffix: str, inside: str
) -> None:
    monkeypatch.chdir(tmp_path)

    async def story(d: Driver) -> None:
        await d.press("e")
        await d.see("Export what is on the screen", "api: 20 runs on 5 hosts")
        await d.press(*down_to(output_format), "enter")
        await d.until(lambda: any("Wrote" in text for text in d.toasts()))

    drive(story, FakeCore(make_records.troubled()))
    text = (tmp_path / f"cachetui-a1b2c3d4.{suffix}").read_text()
    assert inside in text
    if suffix == "json":
        assert json.loads(text)["audit"] == "a1b2c3d4"


def test_an_export_does_not_overwrite_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "cachetui-a1b2c3d4.html"
    there.write_text("mine")

    async def story(d: Driver) -> None:
        await d.press("e", "enter")
        await d.see("exists: write again to replace it")
        assert there.read_text() == "mine"
        await d.press("enter")
        await d.until(lambda: there.read_text() != "mine")

    drive(story)


def exported(folder: Path, keys: list[str], core: FakeCore) -> dict[str, Any]:
    """What `e` writes as JSON after these keys."""

    async def story(d: Driver) -> None:
        await d.press(*keys, "e")
        await d.see("Export what is on the screen")
        await d.press(*down_to("json"), "enter")
        await d.until(lambda: any("Wrote" in text for text in d.toasts()))

    drive(story, core)
    found: dict[str, Any] = json.loads((folder / "cachetui-a1b2c3d4.json").read_text())
    return found


def test_an_export_is_of_what_is_on_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    compared = exported(tmp_path, ["o"], FakeCore(make_records.odd_one_out()))
    assert [(run["host"], run["scenario"]) for run in compared["runs"]] == [
        ("old", "buildkit-warm"),
        ("mid", "buildkit-warm"),
    ]
    assert [host["name"] for host in compared["hosts"]] == ["old", "mid"]
    assert compared["scenarios"] == ["buildkit-warm"]
    assert "an excerpt" in compared["notes"][0]


def test_an_export_of_a_filtered_fleet_is_of_the_hosts_in_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keys = ["slash", *"ctd", "enter"]
    filtered = exported(tmp_path, keys, FakeCore(make_records.odd_one_out()))
    assert {run["host"] for run in filtered["runs"]} == {"ctd"}


def test_runs_of_two_audits_are_exported_side_by_side() -> None:
    new = make_records.document()
    old = msgspec.structs.replace(new, audit="day-1", started_at=new.started_at - 86400)
    runs = [next(run for run in one.runs if run.host == "old") for one in (old, new)]
    made = excerpt_of_runs([(old, runs[0]), (new, runs[1])])
    assert [run.host for run in made.runs] == ["old in day-1", "old in a1b2c3d4"]
    assert [host.name for host in made.hosts] == ["old in day-1", "old in a1b2c3d4"]
    assert made.audit == "a1b2c3d4"


def test_a_log_is_exported_whole_and_cleaned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def story(d: Driver) -> None:
        await d.press("o", "j", "enter")
        await d.place("step")
        await d.press("tab")
        await d.see("RUN 7 of 8")
        await d.press("e")
        await d.see("the whole log of mid")
        await d.press("G", "enter")
        await d.until(lambda: any("Wrote" in text for text in d.toasts()))

    drive(story, FakeCore(make_records.odd_one_out()))
    lines = (tmp_path / "cachetui-a1b2c3d4.txt").read_text().splitlines()
    assert len(lines) == 8
    assert lines[0].startswith("RUN 0 of 8: [prod")


def test_an_export_dialog_that_is_closed_while_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    core = FakeCore(make_records.odd_one_out())
    let_go = threading.Event()

    def findings(document: Document) -> Findings:
        assert let_go.wait(10)
        return FakeCore.findings(core, document)

    core.findings = findings  # type: ignore[method-assign]

    async def story(d: Driver) -> None:
        await d.press("e", "enter")
        await d.see("Writing…")
        await d.press("escape")
        await d.not_see("Writing…")
        let_go.set()
        await d.until(lambda: any("Wrote" in text for text in d.toasts()))
        assert d.app.current_mode == "fleet"
        assert d.app.screen.is_current

    drive(story, core)


def test_an_export_that_fails_says_why(tmp_path: Path) -> None:
    async def story(d: Driver) -> None:
        await d.press("e", "tab")
        box = d.app.screen.query_one("#path")
        box.value = str(tmp_path / "none" / "x.html")  # type: ignore[attr-defined]
        await d.press("enter")
        await d.see("No such file or directory")

    drive(story)


def test_first_run_shows_a_hosts_toml_and_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    core = FakeCore(hosts=False)
    core.below = [BuildSettings(name="web", context=tmp_path / "web")]

    async def story(d: Driver) -> None:
        await d.see("Welcome", "~/.ssh/config", 'name = "ci-1"')
        assert not (tmp_path / "hosts.toml").exists()
        await d.press("w")
        await d.until(lambda: (tmp_path / "hosts.toml").exists())
        await d.see("ci-1")
        await d.press("b")
        await d.see("Which build?", "web/Dockerfile")
        await d.press("enter")
        await d.see("r runs web on 1 host")

    drive(story, core, opened=False)


def file_of_builds(core: FakeCore, *names: str) -> None:
    """Below the folder of the app, there is a bake file with these targets."""
    core.targets = list(names)
    bake = Path.cwd() / "docker-bake.hcl"
    core.below = [BuildSettings(name=bake.name, context=bake.parent, source=str(bake))]


def test_a_build_of_a_file_that_has_several_is_chosen() -> None:
    core = FakeCore()
    core.settings = msgspec.structs.replace(core.settings, builds={})
    file_of_builds(core, "api", "web", "job")

    async def story(d: Driver) -> None:
        await d.press("b")
        await d.see("Which build?", "docker-bake.hcl: its builds")
        await d.press("enter")
        await d.see("Which build of docker-bake.hcl?", "api", "web", "job")
        await d.press("down", "enter")
        await d.see("web is chosen")

    drive(story, core, opened=False)


def test_many_builds_are_filtered() -> None:
    core = FakeCore()
    core.settings = msgspec.structs.replace(core.settings, builds={})
    file_of_builds(core, *(f"svc-{n}-{kind}" for n in range(30) for kind in ("test", "prod")))

    async def story(d: Driver) -> None:
        await d.press("b", "enter")
        await d.see("60 in all", "svc-0-test")
        await d.press(*"29 prod")
        await d.see("1 of 60", "svc-29-prod")
        await d.not_see("svc-0-test")
        await d.press(*"x", "enter")
        await d.see("0 of 60")
        await d.press("backspace", "enter")
        await d.see("svc-29-prod is chosen")

    drive(story, core, opened=False)


def test_the_only_build_of_a_file_is_taken() -> None:
    core = FakeCore()
    core.settings = msgspec.structs.replace(core.settings, builds={})
    file_of_builds(core, "api")

    async def story(d: Driver) -> None:
        await d.press("b", "enter")
        await d.see("api is chosen")

    drive(story, core, opened=False)


def test_first_run_offers_this_machine_when_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    core = FakeCore(hosts=False)
    core.suggestion = ""

    async def story(d: Driver) -> None:
        await d.see('address = "local"', "this machine alone")
        await d.press("escape")
        await d.not_see("Welcome")
        assert not (tmp_path / "hosts.toml").exists()
        await d.see("no hosts.toml")

    drive(story, core, opened=False)


def test_no_dockerfile_anywhere_is_told() -> None:
    async def story(d: Driver) -> None:
        await d.press("r")
        await d.see("No Dockerfile was found", "[builds.api]")

    drive(story, FakeCore(builds=False), opened=False)


@pytest.mark.parametrize("answer", ["y", "q"])
def test_q_closes_the_place_on_top_and_in_fleet_leaves_after_a_question(answer: str) -> None:
    async def story(d: Driver) -> None:
        await d.press("6", "question_mark", "q")
        await d.place("history")
        await d.press("q")
        await d.place("fleet")
        await d.press("q")
        await d.see("Leave cachetui?")
        await d.press("n")
        await d.not_see("Leave cachetui?")
        await d.press("q")
        await d.see("Leave cachetui?")
        await d.pilot.press(answer)

    assert drive(story) == 0


def test_ctrl_c_leaves_at_once_when_idle() -> None:
    async def story(d: Driver) -> None:
        await d.pilot.press("ctrl+c")

    assert drive(story) == 0


@pytest.mark.parametrize("keys", [["q", "y"], ["ctrl+c", "ctrl+c"], ["q", "q"]])
def test_leaving_an_audit_asks_once_and_stops_it(keys: list[str]) -> None:
    core = FakeCore()

    async def story(d: Driver) -> None:
        await d.start(at=5.0)
        await d.press(keys[0])
        await d.see("Leave while the audit runs?")
        assert not d.audit.stopped
        await d.pilot.press(keys[1])
        await d.until(lambda: not d.app.is_running or d.app._exit)

    assert drive(story, core, opened=False) == INTERRUPTED
    assert core.audit is not None
    assert core.audit.stopped == [None]
    assert core.document.audit in core.store.documents


def test_staying_goes_on() -> None:
    async def story(d: Driver) -> None:
        await d.start(at=5.0)
        await d.press("q", "enter")
        assert not d.audit.stopped
        await d.press("q", "n")
        assert not d.audit.stopped
        await d.see("▸ 6/12")
        d.audit.end()

    drive(story, opened=False)


def test_a_blocked_thread_does_not_hold_the_app() -> None:
    core = FakeCore(stubborn=True)

    async def story(d: Driver) -> None:
        await d.start(at=5.0)
        await d.press("q")
        await d.see("Leave while")
        await d.pilot.press("y")
        await d.until(lambda: d.app._exit)
        assert d.app.session.running

    assert drive(story, core, opened=False) == INTERRUPTED
    assert LEAVE_WITHIN < 2
    assert core.audit is not None
    core.audit.end()


def test_copying_has_a_cap_and_says_what_was_left_out() -> None:
    async def story(d: Driver) -> None:
        copied: list[str] = []
        d.app.copy_to_clipboard = copied.append  # type: ignore[method-assign, assignment]
        d.app.copy("é" * MAX_COPIED_BYTES)
        assert len(copied[0].encode()) <= MAX_COPIED_BYTES
        await d.until(lambda: any("left out" in text for text in d.toasts()))
        await d.press("y")
        assert copied[-1] == "old"

    drive(story)


def test_a_word_that_comes_after_the_end_is_no_trouble() -> None:
    seen: list[Driver] = []

    async def story(d: Driver) -> None:
        await d.start(at=5.0)
        seen.append(d)
        d.audit.end()
        await d.until(lambda: not d.app.session.running)

    drive(story, opened=False)
    seen[0].app.on_cachetui_app_session_changed()
    seen[0].app.refresh_places()
