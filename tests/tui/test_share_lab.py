"""Caches shared from the app, on real engines: to the table, and stopped on the way."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cachetui.config.settings import folder_build
from tests.lab.sharing import Sharing as Fleet
from tests.share.experiment import Experiment, held
from tests.tui.driving import Driver, drive_engines

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

HOSTS = ("ctd", "ctd2")


class Shared(Experiment):
    """An experiment that the app makes, on two hosts with the containerd store."""

    def __post_init__(self) -> None:
        super().__post_init__()
        hosts = tuple(host for host in self.core.settings.hosts if host.name in HOSTS)
        self.core.settings = msgspec.structs.replace(
            self.core.settings, hosts=hosts, registry=self.fleet.registry.ref("app")
        )
        self.settings = msgspec.structs.replace(folder_build(self.build), network="none")

    async def ask(self, d: Driver) -> None:
        """Choose ctd as the exporter, and two kinds, up to the last question."""
        await d.press("S")
        await d.see("Share caches of app")
        await d.press("space")
        await d.see("from  ctd", "[–] ctd")
        # The cursor passes the two hosts; of the kinds registry-max and local-max stay.
        await d.press("j", "j", "j", "j", "space", "j", "j", "space")
        await d.see("[✓] registry-max", "[ ] registry-min", "[✓] local-max", "[ ] inline")
        await d.press("r")
        await d.see("ctd exports registry-max, local-max; ctd2", "Build and share")
        assert self.fleet.registry.tags("app") == []


def test_from_the_dialog_to_the_table_and_back_from_history(
    sharing: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Shared(sharing, tmp_path)
    monkeypatch.chdir(tmp_path)
    before = {name: held(sharing[name]) for name in HOSTS}

    async def story(d: Driver) -> None:
        await made.ask(d)
        await d.press("y")
        await d.place("share")
        await d.see("use registry-max or local-max: each keeps all RUN steps on ctd2", "✓ done")
        await d.see("── deps ──", "exported by ctd", "a fresh ctd2 builds in")
        assert d.line("RUN echo").count("✓ kept") == 2
        await d.press("e")
        await d.see("Export what is on the screen")
        await d.press("enter")
        await d.until(lambda: list(tmp_path.glob("cachetui-*.html")), "the page")
        await d.press("6")
        await d.see("use registry-max or local-max")
        await d.press("enter")
        await d.place("share")
        await d.see("stored audit", "each keeps all RUN steps on ctd2")

    drive_engines(story, made.core, made.settings, size=(100, 40))
    (page,) = tmp_path.glob("cachetui-*.html")
    assert "each keeps all RUN steps on ctd2" in page.read_text()
    assert {name: held(sharing[name]) for name in HOSTS} == before
    assert sharing.registry.tags("app") == []


@pytest.mark.fault("shared-stopped")
def test_stopped_while_a_host_imports(sharing: Fleet, tmp_path: Path) -> None:
    made = Shared(sharing, tmp_path, text="FROM @BASE@\nRUN echo @SALT@ && sleep 1\n")
    before = {name: held(sharing[name]) for name in HOSTS}

    async def story(d: Driver) -> None:
        await made.ask(d)
        await d.press("y")
        await d.place("share")
        await d.see("▸ ctd2 builds cold")
        await d.press("x")
        await d.see("Stop all (y)")
        await d.press("y")
        await d.see("○ stopped before anything was imported", "– stopped", "exported by ctd")

    drive_engines(story, made.core, made.settings)
    (kept,) = made.core.store.audits()
    assert kept.audit
    assert {name: held(sharing[name]) for name in HOSTS} == before
    assert sharing.registry.tags("app") == []
