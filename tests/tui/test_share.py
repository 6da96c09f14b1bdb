"""Share: the table of an experiment that is kept, the way to it, and starting one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from cachetui.records.document import Document
from cachetui.records.scenario import UNSHARED
from cachetui.report.share import lay_out_share
from cachetui.share.kinds import kind_named
from cachetui.share.planned_builds import BUILDS_COLD, importing
from cachetui.share.sharing import NothingToShare
from cachetui.tui.view.place_names import PLACE_NAMES, labels
from cachetui.tui.widgets.text_panel import TextPanel
from tests.share.recorded import recorded_share
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return recorded_share(tmp_path_factory.mktemp("recorded") / "s")[1]


def test_history_says_what_came_out(document: Document) -> None:
    async def story(d: Driver) -> None:
        await d.press("6")
        await d.see("use local-max: it keeps all RUN steps on mid,new")

    drive(story, FakeCore(document, kept=[document]), opened=False)


async def opened(d: Driver) -> None:
    """Go to Share by way of History."""
    await d.press("6")
    await d.place("history")
    await d.press("enter")
    await d.place("share")


def test_history_leads_to_the_table(document: Document) -> None:
    async def story(d: Driver) -> None:
        await opened(d)
        await d.see("use local-max: it keeps all RUN steps on mid,new", "on mid,new", "── deps ──")
        await d.see("○ not kept", "✓ kept", "a fresh new builds in", "exported by ctd", "2.1 MB")
        rule = d.line("RUN sleep 1")
        assert rule.index("✓ kept") < rule.index("○ not kept")

    drive(story, FakeCore(document, kept=[document]), size=(100, 40), opened=False)


def test_the_cell_under_the_cursor_is_said_in_words(document: Document) -> None:
    async def story(d: Driver) -> None:
        await opened(d)
        await d.press("j", "l", "l")
        await d.see("not kept = it ran again")
        await d.press("h", "h")
        await d.see("built cold: with neither cache nor import")

    drive(story, FakeCore(document, kept=[document]), opened=False)


def test_a_step_leads_to_its_builds_side_by_side(document: Document) -> None:
    async def story(d: Driver) -> None:
        await opened(d)
        await d.press("j", "l", "l", "enter")
        await d.place("compare")
        wanted = ["buildkit-import-none", "buildkit-import-registry-min"]
        assert [pick.scenario for pick in d.app.session.picks] == wanted
        await d.press("escape")
        await d.place("share")

    drive(story, FakeCore(document, kept=[document]), opened=False)


def test_what_did_not_go_well_is_below(document: Document) -> None:
    share = document.share
    assert share is not None
    left = msgspec.structs.replace(share, left=("r:1/c:x",))

    async def story(d: Driver) -> None:
        await opened(d)
        await d.see("left in the registry", "r:1/c:x")

    changed = msgspec.structs.replace(document, share=left)
    drive(story, FakeCore(changed, kept=[changed]), size=(160, 50), opened=False)


def test_kinds_and_hosts_in_trouble_are_below(document: Document) -> None:
    share = document.share
    assert share is not None
    imports = [
        msgspec.structs.replace(one, status="failed", steps=(), reason="no room")
        if one.host == "mid"
        else one
        for one in share.imports
    ]
    hosts = [
        msgspec.structs.replace(host, status="unreachable", reason="no route to it")
        if host.name == "new"
        else host
        for host in document.hosts
    ]
    changed = msgspec.structs.replace(
        document,
        hosts=tuple(hosts),
        share=msgspec.structs.replace(share, imports=tuple(imports)),
    )

    async def story(d: Driver) -> None:
        await opened(d)
        await d.see("new: unreachable: no route to it.")
        await d.see("mid failed to import local-max, registry-min: no room")

    drive(story, FakeCore(changed, kept=[changed]), size=(160, 50), opened=False)


def test_one_that_was_stopped_is_not_done(document: Document) -> None:
    share = document.share
    assert share is not None
    hosts = [
        msgspec.structs.replace(host, status="skipped", reason="stopped")
        if host.name != share.exporter
        else host
        for host in document.hosts
    ]
    changed = msgspec.structs.replace(
        document,
        hosts=tuple(hosts),
        share=msgspec.structs.replace(share, imports=()),
    )

    async def story(d: Driver) -> None:
        await opened(d)
        await d.see("○ stopped before anything was imported", "– stopped")
        await d.not_see("✓ done")

    drive(story, FakeCore(changed, kept=[changed]), opened=False)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 50)])
def test_it_fits(document: Document, size: tuple[int, int]) -> None:
    async def story(d: Driver) -> None:
        await opened(d)
        await d.see("on mid,new")
        assert all(len(line) <= size[0] for line in d.text().splitlines())

    drive(story, FakeCore(document, kept=[document]), size=size, opened=False)


def test_the_verdict_stands_whole_in_eighty_columns(document: Document) -> None:
    assert document.share is not None
    told = lay_out_share(document, document.share).verdict
    assert any(len(text) > 76 for text in told)

    async def story(d: Driver) -> None:
        await opened(d)
        await d.see("on mid,new")
        panel = d.app.screen.query_one("#verdict", TextPanel)
        shown = ["".join(text for text, _ in spans).rstrip() for spans in panel.lines]
        assert all(len(text) <= 78 for text in shown)
        words = " ".join(" ".join(shown).split())
        assert all(" ".join(text.split()) in words for text in told)
        assert all(text in d.text() for text in shown)

    drive(story, FakeCore(document, kept=[document]), size=(80, 24), opened=False)


def test_without_one_it_says_how_to_get_one() -> None:
    async def story(d: Driver) -> None:
        await d.press("9")
        await d.place("share")
        await d.see("No experiment with shared caches is open.", "S starts one")

    drive(story)


def test_all_places_have_their_names_in_eighty_columns() -> None:
    texts = labels(PLACE_NAMES, 0, 78)
    assert all(name in text for name, text in zip(PLACE_NAMES, texts, strict=True))
    assert sum(map(len, texts)) <= 78


class Played:
    """An experiment that does what a recorded one did, once the test says `go`."""

    def __init__(self, document: Document, cancel: threading.Event) -> None:
        assert document.share is not None
        kinds = [kind_named(name) for name in document.share.kinds]
        settings = SimpleNamespace(name="surprise", target=None)
        self.shared = SimpleNamespace(
            task=SimpleNamespace(audit=document.audit, settings=settings, dockerfile=None)
        )
        hosts = [host.name for host in document.hosts if host.name != document.share.exporter]
        imports = (UNSHARED.name, *(kind.import_run.scenario for kind in kinds))
        told = {BUILDS_COLD: UNSHARED.name}
        told |= {importing(kind): kind.import_run.scenario for kind in kinds}
        self.planned = SimpleNamespace(
            scenarios=lambda: dict.fromkeys(hosts, imports), scenario_of=told.get
        )
        self.on_progress: Callable[[str, str], None] = lambda _host, _what: None
        self.go = threading.Event()
        self.trouble = None
        self.closed = False
        self.store = SimpleNamespace(keep_audit=lambda _: None)
        self._document, self._cancel = document, cancel

    def prepare(self) -> list[str]:
        return ["ctd exports local-max; mid, new import", "written into the registry: r:1/c:x"]

    def run(self) -> Document:
        self.on_progress("mid", "builds cold: RUN sleep 1")
        while not self.go.wait(0.01) and not self._cancel.is_set():
            pass
        return self._document

    def document(self) -> Document:
        share = self._document.share
        assert share is not None
        begun = msgspec.structs.replace(share, exports=share.exports, imports=(), cold={})
        return msgspec.structs.replace(self._document, runs=(), share=begun)

    def close(self) -> None:
        self.closed = True


def playing(document: Document) -> tuple[FakeCore, list[Played]]:
    """A core whose experiments play a recorded one; those that were asked for."""
    core, made = FakeCore(document), []

    def sharings(**options: Any) -> Played:
        made.append(Played(document, options["cancel"]))
        return made[-1]

    core.sharings = sharings
    return core, made


async def asked(d: Driver) -> None:
    """Answer the dialog with all that it offers and a registry."""
    await d.press("S")
    await d.see("Share caches of")
    await d.press("tab", *"r:1/c", "enter")
    await d.see("written into the registry: r:1/c:x", "Build and share")


def test_it_says_what_it_does_then_runs_and_shows_how_far_it_is(document: Document) -> None:
    core, made = playing(document)

    async def story(d: Driver) -> None:
        await asked(d)
        _, hosts, kinds, options = core.shared[0]
        assert (options["registry"], options["exporter"]) == ("r:1/c", None)
        assert kinds == ["registry-max", "registry-min", "local-max", "inline"]
        assert set(hosts) == {host.name for host in document.hosts}
        await d.press("y")
        await d.place("share")
        await d.see("▸ mid builds cold  RUN sleep 1", "exported by ctd")
        await d.press("1")
        await d.see("▸ building")
        await d.press("9")
        made[0].go.set()
        await d.see("use local-max: it keeps all RUN steps", "○ not kept")
        assert made[0].closed

    drive(story, core, opened=False)


def test_nothing_runs_when_the_user_does_not_agree(document: Document) -> None:
    core, made = playing(document)

    async def story(d: Driver) -> None:
        await asked(d)
        await d.press("n")
        await d.until(lambda: made[0].closed)
        assert not d.app.session.running

    drive(story, core, opened=False)


def test_it_can_be_stopped(document: Document) -> None:
    core, made = playing(document)

    async def story(d: Driver) -> None:
        await asked(d)
        await d.press("y")
        await d.place("share")
        await d.until(lambda: d.app.session.running)
        await d.press("x", "y")
        await d.until(lambda: not d.app.session.running)
        assert made[0].closed

    drive(story, core, opened=False)


def test_why_nothing_can_be_shared_is_said(document: Document) -> None:
    core = FakeCore(document)
    core.refusal = NothingToShare("ctd: the registry r:1 cannot be reached; check that it is up")

    async def story(d: Driver) -> None:
        await d.press("S", "tab", *"r:1/c", "enter")
        await d.see("Nothing can be shared", "cannot be reached")

    drive(story, core, opened=False)


def test_a_registry_of_hosts_toml_is_there_already(document: Document) -> None:
    core, _ = playing(document)
    core.settings = msgspec.structs.replace(core.settings, registry="r:5000/team")

    async def story(d: Driver) -> None:
        await d.press("S")
        await d.see("r:5000/team")
        await d.press("r")
        await d.see("Build and share")
        assert core.shared[0][3]["registry"] == "r:5000/team"

    drive(story, core, opened=False)


def test_without_a_registry_the_folder_is_left(document: Document) -> None:
    core, _ = playing(document)

    async def story(d: Driver) -> None:
        await d.press("S", "r")
        await d.see("Build and share")
        assert core.shared[0][2] == ["local-max"]

    drive(story, core, opened=False)
