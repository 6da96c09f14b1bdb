"""Caches shared between real engines: what each kind keeps, and what is left where."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from cachetui.audit.imported_records import imported_records
from cachetui.share import importing
from cachetui.share.sharing import NothingToShare
from tests.lab.registry import Registry
from tests.lab.sharing import Sharing as Fleet
from tests.share.experiment import Experiment, held, image, kept, ran, records

pytestmark = pytest.mark.lab

DEPS, LAST = 3, 23
"""The two RUN steps that the target needs, as stage * 10 + index."""
RUNS = (DEPS, LAST)
SLOW_SECONDS = 4.0
"""How long a slow registry says nothing."""


@pytest.mark.takes_turns
def test_all_kinds_on_engines_of_three_generations(sharing: Fleet, tmp_path: Path) -> None:
    """One experiment is long; so all that it shows is looked at here."""
    made = Experiment(sharing, tmp_path)
    hosts = ("old", "mid", "ctd2")
    for host in (*hosts, "ctd"):
        made.typed(host)
    again = {host: made.typed(host) for host in (*hosts, "ctd")}
    assert [ran(said) for said in again.values()] == [[], [], [], []]
    own = {host: image(said) for host, said in again.items()}
    before = {name: held(host) for name, host in sharing.hosts.items()}
    kinds = ("registry-max", "registry-min", "local-max", "inline")
    share = made.run(made.prepare(*kinds, to=hosts))

    assert [(one.kind, one.status) for one in share.exports] == [(kind, "ok") for kind in kinds]
    assert all(one.seconds is not None and one.bytes for one in share.exports)
    for host in ("mid", "ctd2"):
        for kind in ("registry-max", "local-max"):
            assert kept(share, host, kind, RUNS) == ["kept", "kept"], (host, kind)
        for kind in ("registry-min", "inline"):
            assert kept(share, host, kind, RUNS) == ["not-kept", "kept"], (host, kind)
    for kind in ("registry-max", "registry-min", "inline"):
        assert kept(share, "old", kind, RUNS) == ["not-kept", "not-kept"]
    apart = share.import_of("old", "registry-max")
    assert apart is not None
    assert "20.10" in apart.notes[0]
    folder = share.import_of("old", "local-max")
    assert folder is not None
    assert (folder.status, "buildx" in (folder.remedy or "")) == ("unsupported", True)

    assert {name: held(host) for name, host in sharing.hosts.items()} == before
    assert share.left == ()
    assert sharing.registry.tags("cachetui") == []
    now = {host: made.typed(host) for host in again}
    assert {host: ran(said) for host, said in now.items() if ran(said)} == {}
    assert {host: image(said) for host, said in now.items()} == own
    assert made.document.notes == ()
    stored = made.core.store.audit(made.document.audit)
    assert stored is not None
    assert stored.share == share
    assert all(made.core.store.log(run.id) for run in stored.runs)


@pytest.mark.takes_turns
@pytest.mark.parametrize("kind", ["registry-max", "inline"])
def test_a_graph_driver_keeps_nothing_that_was_imported(
    sharing: Fleet, tmp_path: Path, kind: str
) -> None:
    made = Experiment(sharing, tmp_path)
    hosts = ("old", "mid", "new")
    for host in hosts:
        made.typed(host)
    again = {host: made.typed(host) for host in hosts}
    before = {host: {one.id for one in records(sharing[host])} for host in hosts}
    made.run(made.prepare(kind, to=hosts))
    dates = {one.created_at for one in records(sharing["ctd"]) if one.created_at}
    for host in hosts:
        left = imported_records(before[host], records(sharing[host]), dates)
        assert left == (), f"{host} keeps imported records"
    now = {host: made.typed(host) for host in hosts}
    assert {host: ran(said) for host, said in now.items() if ran(said)} == {}
    assert {host: image(said) for host, said in now.items()} == {
        host: image(said) for host, said in again.items()
    }


@pytest.mark.takes_turns
def test_with_pull_a_graph_driver_that_has_the_base_reuses_what_was_exported(
    sharing: Fleet, tmp_path: Path
) -> None:
    made = Experiment(sharing, tmp_path, docker_args=("--pull",))
    hosts = ("mid", "new")
    try:
        for host in hosts:
            sharing[host].docker("pull", sharing.base)
            made.typed(host)
        again = {host: image(made.typed(host)) for host in hosts}
        before = {host: held(sharing[host]) for host in hosts}
        share = made.run(made.prepare("registry-max", to=hosts))
        assert {host: kept(share, host, "registry-max", RUNS) for host in hosts} == {
            host: ["kept", "kept"] for host in hosts
        }
        assert {host: held(sharing[host]) for host in hosts} == before
        now = {host: made.typed(host) for host in hosts}
        assert {host: ran(said) for host, said in now.items() if ran(said)} == {}
        assert {host: image(said) for host, said in now.items()} == again
    finally:
        for host in hosts:
            sharing[host].docker("rmi", sharing.base, check=False)


@pytest.mark.takes_turns
def test_inline_between_graph_drivers(sharing: Fleet, tmp_path: Path) -> None:
    made = Experiment(sharing, tmp_path)
    before = held(sharing["new"]), held(sharing["mid"])
    sharing_made = made.prepare("registry-max", "inline", exporter="mid", to=("new",))
    share = made.run(sharing_made)
    refused, inline = share.exports
    assert (refused.kind, refused.status) == ("registry-max", "unsupported")
    assert "graph driver" in (refused.reason or "")
    assert inline.status == "ok"
    assert kept(share, "new", "inline", RUNS) == ["not-kept", "kept"]
    assert (held(sharing["new"]), held(sharing["mid"])) == before
    assert share.left == ()


@pytest.mark.takes_turns
def test_unnamed_stages_are_asked_too(sharing: Fleet, tmp_path: Path) -> None:
    text = "FROM @BASE@\nRUN echo @SALT@ >/x\nFROM @BASE@\nCOPY --from=0 /x /y\nRUN echo @SALT@\n"
    made = Experiment(sharing, tmp_path, text=text)
    share = made.run(made.prepare("local-max"))
    assert kept(share, "ctd2", "local-max", (1, 11, 12)) == ["kept", "spared", "kept"]


@pytest.mark.takes_turns
class TestWhatGoesWrong:
    """A registry or folder that fails at some point is told in words, and nothing is left."""

    @pytest.fixture(autouse=True)
    def _nothing_left(self, sharing: Fleet) -> object:
        before = {name: held(sharing[name]) for name in ("ctd", "ctd2")}
        yield
        assert {name: held(sharing[name]) for name in before} == before

    @pytest.mark.fault("shared-registry")
    def test_a_registry_that_is_down_is_told_before_anything_is_built(
        self, sharing: Fleet, tmp_path: Path
    ) -> None:
        made = Experiment(sharing, tmp_path)
        with Registry.of(sharing["ctd"]) as registry:
            registry.stop()
            prepared = made.prepare("registry-max", registry=registry.address)
            with pytest.raises(NothingToShare, match="cannot be reached; check that it is up"):
                made.run(prepared)

    @pytest.mark.fault("shared-registry")
    def test_so_is_one_that_wants_a_login(self, sharing: Fleet, tmp_path: Path) -> None:
        made = Experiment(sharing, tmp_path)
        with Registry.of(sharing["ctd"], login=True) as registry:
            prepared = made.prepare("registry-max", registry=registry.address)
            with pytest.raises(NothingToShare, match="docker login"):
                made.run(prepared)

    def test_what_a_registry_with_a_login_keeps_is_listed(
        self, sharing: Fleet, tmp_path: Path
    ) -> None:
        made = Experiment(sharing, tmp_path)
        with Registry.of(sharing["ctd"], login=True) as registry:
            for name in ("ctd", "ctd2"):
                registry.log_in(sharing[name])
            try:
                share = made.run(made.prepare("registry-min", registry=registry.address))
            finally:
                for name in ("ctd", "ctd2"):
                    registry.log_out(sharing[name])
        assert kept(share, "ctd2", "registry-min", RUNS) == ["not-kept", "kept"]
        assert share.left == (share.exports[0].ref,)

    @pytest.mark.fault("shared-registry")
    def test_one_that_goes_down_before_the_export(self, sharing: Fleet, tmp_path: Path) -> None:
        made = Experiment(sharing, tmp_path)
        with Registry.of(sharing["ctd"]) as registry:
            prepared = made.prepare("registry-max", registry=registry.address)
            share = made.run(prepared, lambda *_: registry.stop())
        assert share.exports[0].status == "failed"
        assert "cannot be reached" in (share.exports[0].reason or "")
        assert share.imports == ()

    @pytest.mark.fault("shared-registry")
    def test_one_that_goes_down_before_the_import(self, sharing: Fleet, tmp_path: Path) -> None:
        made = Experiment(sharing, tmp_path)
        with Registry.of(sharing["ctd"]) as registry:
            prepared = made.prepare("registry-max", registry=registry.address)

            def stop(_host: str, what: str) -> None:
                if what == "builds cold":
                    registry.stop()

            share = made.run(prepared, stop)
        (failed,) = share.imports
        assert failed.status == "failed"
        assert "the build went on without it" in (failed.reason or "")
        assert share.left == (share.exports[0].ref,)

    @pytest.mark.fault("shared-registry")
    def test_one_that_says_nothing_ends_in_time(
        self, sharing: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importing, "IMPORT_SECONDS", 0.0)
        made = Experiment(sharing, tmp_path)
        with Registry.of(sharing["ctd"]) as registry:
            prepared = made.prepare("registry-max", registry=registry.address)

            def pause(_host: str, what: str) -> None:
                if what == "imports registry-max":
                    registry.pause()
                elif what == "cleans up":
                    registry.resume()

            share = made.run(prepared, pause)
        (failed,) = share.imports
        assert failed.status == "failed"
        assert registry.address in (failed.reason or ""), failed

    @pytest.mark.fault("shared-registry")
    def test_one_that_lost_its_blobs(self, sharing: Fleet, tmp_path: Path) -> None:
        made = Experiment(sharing, tmp_path)
        with Registry.of(sharing["ctd"]) as registry:
            prepared = made.prepare("registry-max", registry=registry.address)

            def lose(_host: str, what: str) -> None:
                if what == "imports registry-max":
                    registry.lose_blobs()

            share = made.run(prepared, lose)
        (failed,) = share.imports
        assert failed.status == "failed", failed
        assert failed.reason

    @pytest.mark.fault("shared-registry")
    def test_one_that_is_full(self, sharing: Fleet, tmp_path: Path) -> None:
        """It fails its own kind; another is shared as ever."""
        made = Experiment(sharing, tmp_path)
        with Registry.of(sharing["ctd"], size=200_000) as registry:
            prepared = made.prepare("registry-max", "local-max", registry=registry.address)
            share = made.run(prepared)
        failed, folder = share.exports
        assert failed.status == "failed"
        assert "room" in (failed.remedy or "")
        assert folder.status == "ok"
        assert kept(share, "ctd2", "local-max", RUNS) == ["kept", "kept"]
        assert share.left == ()

    @pytest.mark.fault("shared-registry")
    def test_one_that_answers_slowly_is_waited_for(self, sharing: Fleet, tmp_path: Path) -> None:
        made = Experiment(sharing, tmp_path)
        with Registry.of(sharing["ctd"]) as registry:
            prepared = made.prepare("registry-max", registry=registry.address)
            wake = threading.Timer(SLOW_SECONDS, registry.resume)

            def pause(_host: str, what: str) -> None:
                if what == "imports registry-max":
                    registry.pause()
                    wake.start()

            share = made.run(prepared, pause)
            wake.join()
        (imported,) = share.imports
        assert kept(share, "ctd2", "registry-max", RUNS) == ["kept", "kept"]
        assert (imported.seconds or 0.0) >= SLOW_SECONDS - 1.0

    @pytest.mark.fault("shared-damaged")
    def test_a_folder_that_is_cut_short(self, sharing: Fleet, tmp_path: Path) -> None:
        made = Experiment(sharing, tmp_path)

        def cut(_host: str, what: str) -> None:
            if what == "imports local-max":
                folder = sharing["ctd"].cache_folder / "cachetui" / "contexts"
                largest = max(
                    folder.glob("*-local-max/blobs/sha256/*"), key=lambda file: file.stat().st_size
                )
                os.truncate(largest, largest.stat().st_size // 2)

        share = made.run(made.prepare("local-max"), cut)
        (failed,) = share.imports
        assert failed.status == "failed"
        assert "the cache from ctd arrived damaged" in (failed.reason or "")

    @pytest.mark.fault("shared-damaged")
    def test_a_folder_with_a_flipped_byte(self, sharing: Fleet, tmp_path: Path) -> None:
        made = Experiment(sharing, tmp_path)

        def flip(_host: str, what: str) -> None:
            if what == "imports local-max":
                folder = sharing["ctd"].cache_folder / "cachetui" / "contexts"
                blobs = sorted(folder.glob("*-local-max/blobs/sha256/*"))
                data = bytearray(blobs[0].read_bytes())
                data[-1] ^= 1
                blobs[0].write_bytes(bytes(data))

        share = made.run(made.prepare("local-max"), flip)
        (failed,) = share.imports
        assert failed.status == "failed"
        assert "the cache from ctd arrived damaged" in (failed.reason or "")

    @pytest.mark.fault("shared-stopped")
    def test_stopped_in_the_middle(self, sharing: Fleet, tmp_path: Path) -> None:
        made = Experiment(sharing, tmp_path)

        def stop(_host: str, what: str) -> None:
            if what == "imports registry-max":
                made.cancel.set()

        share = made.run(made.prepare("registry-max", "local-max"), stop)
        assert [host.status for host in made.document.hosts] == ["ok", "skipped"]
        assert [one.status for one in share.exports] == ["ok", "ok"]
        assert sharing.registry.tags("cachetui") == []
