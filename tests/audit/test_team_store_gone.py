"""The team's database goes away before or while an audit runs: what was obtained is there."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cachetui.audit.host_audit import HostAudit
from cachetui.store.database import Store
from cachetui.store.place import DatabaseAddress
from cachetui.store.postgres import connections
from cachetui.store.postgres.aside import Aside
from cachetui.store.troubles import StoreError
from tests.audit.test_local_disk import RUN, after_runs, told
from tests.docs.console import Workspace
from tests.postgres import Postgres, psql
from tests.store.test_database import document, run

pytestmark = pytest.mark.needs("postgres")

JSON = [*RUN, "--format", "json"]


class Line:
    """A way to a database that can be cut: a folder with a link to the server's socket."""

    def __init__(self, server: Postgres, address: DatabaseAddress, folder: Path) -> None:
        folder.mkdir()
        self._server = server
        self._name = address.url.partition("@/")[2].partition("?")[0]
        self._link = folder / ".s.PGSQL.5432"
        self._socket = server.folder / ".s.PGSQL.5432"
        before, after = (quote(str(path), safe="") for path in (server.folder, folder))
        self.address = DatabaseAddress(address.url.replace(before, after))
        self.mend()

    def cut(self) -> None:
        """The server is gone: no connection goes on, and none can be made."""
        self._link.unlink()
        psql(
            self._server.admin(),
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            f"WHERE datname = '{self._name}'",
        )

    def mend(self) -> None:
        self._link.symlink_to(self._socket)

    def blink(self) -> None:
        """It is started again."""
        self.cut()
        self.mend()


@pytest.fixture
def line(
    postgres: Postgres, database: DatabaseAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Line:
    monkeypatch.setattr(connections, "_FAILED_FOR", 0.0)
    return Line(postgres, database, tmp_path / "line")


def type_(space: Workspace, line: Line, words: list[str]) -> tuple[int, str, str]:
    """A command on the database; nothing that it says has the password or a traceback."""
    status, printed, said = space.run(words, "unused", {"CACHETUI_STORE": line.address.url})
    for text in (printed, said):
        assert "s3cret" not in text
        assert "Traceback" not in text
    return status, printed, said


def end_of_process() -> None:
    """Give up what the commands before hold: here they were in this process."""
    for held in [found for found in gc.get_objects() if isinstance(found, Aside)]:
        held.close()


@pytest.mark.fault("database-gone")
@pytest.mark.parametrize("runs", [1, 5])
def test_what_had_ended_is_kept_here_and_brought_in(
    space: Workspace, line: Line, monkeypatch: pytest.MonkeyPatch, runs: int
) -> None:
    with monkeypatch.context() as patch:
        after_runs(patch, runs, line.cut)
        status, printed, said = type_(space, line, JSON)
    audit = json.loads(printed)
    assert status == 2, said
    assert [one["status"] for one in audit["runs"]] == ["ok"] * runs
    (trouble,) = told(audit)
    assert "no connection to postgresql://owner:***@/team_" in trouble
    assert "Results are kept in" in trouble
    statuses = {host["name"]: (host["status"], host["reason"]) for host in audit["hosts"]}
    assert statuses["ci-3"][1].endswith("this machine cannot keep results")
    (unsent,) = (space.folder / "cache" / "cachetui-team").glob("*/unsent")
    assert f"cachetui store copy {unsent} " in trouble
    status, _, said = type_(space, line, ["history"])
    assert status == 2
    assert "no connection to" in said

    line.mend()
    end_of_process()
    _, _, said = type_(space, line, ["show", "last"])
    assert runs == 1 or f"results that the store has not are in {unsent}" in said
    status, printed, said = type_(space, line, ["store", "copy", str(unsent), line.address.url])
    assert status == 0, said
    assert "all there now: " in printed
    assert not unsent.exists()
    status, printed, said = type_(space, line, ["show", audit["audit"], "--format", "json"])
    kept = json.loads(printed)
    assert [one["id"] for one in kept["runs"]] == [one["id"] for one in audit["runs"]]
    assert "results that the store has not" not in said
    where = [audit["runs"][-1][name] for name in ("host", "scenario")]
    status, printed, said = type_(space, line, ["log", audit["audit"], *where])
    assert (status, bool(printed)) == (0, True), said
    again, printed, said = type_(space, line, JSON)
    assert again in (0, 1), said
    done = json.loads(printed)
    assert (len(done["runs"]), told(done)) == (6, [])
    assert sum(one["stored"] for one in done["runs"]) >= runs - 1


@pytest.mark.fault("database-gone")
def test_a_database_that_is_started_again_meanwhile_is_not_noticed(
    space: Workspace, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_ended: Callable[..., None] = HostAudit._build_ended

    def ending(self: HostAudit, *args: Any) -> None:
        line.blink()
        build_ended(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(HostAudit, "_build_ended", ending)
        status, printed, said = type_(space, line, JSON)
    audit = json.loads(printed)
    assert status in (0, 1), said
    assert (len(audit["runs"]), told(audit)) == (6, [])
    status, printed, _ = type_(space, line, ["show", "last", "--format", "json"])
    assert len(json.loads(printed)["runs"]) == 6
    assert not list((space.folder / "cache" / "cachetui-team").glob("*/unsent"))


@pytest.mark.fault("database-gone")
def test_nothing_is_built_where_it_is_gone_from_the_start(space: Workspace, line: Line) -> None:
    line.cut()
    for words in (RUN, ["history"], ["show"], ["store"], ["hosts", "-w", "@failed"]):
        status, printed, said = type_(space, line, words)
        assert (status, printed) == (2, "")
        assert "no connection to postgresql://owner:***@/team_" in said


@pytest.mark.fault("database-gone")
def test_the_server_itself_is_stopped_and_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_FAILED_FOR", 0.0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with Postgres(Path(f"/tmp/cachetui-pg-own-{os.getpid()}")) as server:
        address = server.empty_database()
        store = Store(address)
        store.keep_run(run("before"))
        server.stop()
        with pytest.raises(StoreError, match=r"no connection .* Results are kept in .*unsent"):
            store.keep_run(run("meanwhile"))
        with pytest.raises(StoreError, match="no connection"):
            store.pin("1124-a")
        with pytest.raises(StoreError, match="no connection"):
            store.run("before")
        server.start()
        store.keep_audit(document("1124-a", run("before"), run("meanwhile")))
        assert store.run("before") is not None
        store.close()
        local = Store(store.folder / "unsent")
        assert local.run("meanwhile") is not None
        assert local.caches[1].keys("") == []  # a pin is no result: it was told, and not kept
        local.close()
