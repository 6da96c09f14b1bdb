"""A store in PostgreSQL: addresses and passwords, versions, roles, blocks, threads and locks."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from cachetui.cli.main import cli
from cachetui.records.step import StepId
from cachetui.store.database import Store
from cachetui.store.log_writer import LogWriter
from cachetui.store.place import DatabaseAddress, read_place
from cachetui.store.postgres import blocks, migrations
from cachetui.store.postgres.connections import MOST
from cachetui.store.troubles import StoreError
from tests.postgres import Postgres, psql
from tests.store.test_database import document, run

ROOT = Path(__file__).parents[2]
SECRET = "s3cret-of-owner"

pytestmark = pytest.mark.needs("postgres")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://db/team", "postgresql://db/team"),
        ("postgresql://", "postgresql://"),
        ("postgresql://ann@db/team", "postgresql://ann@db/team"),
        ("postgres://ann:s3cret@db:5433/team", "postgres://ann:***@db:5433/team"),
        ("postgresql://ann:s3/c@r:et@db/team", "postgresql://ann:***@db/team"),
        ("postgresql://ann:s3cret?x#@db", "postgresql://ann:***@db"),
        (
            "postgresql://db/t?user=a&password=s3cret&x=y",
            "postgresql://db/t?user=a&password=***&x=y",
        ),
        ("postgresql:///t?SSLPASSWORD=s3cret", "postgresql:///t?SSLPASSWORD=***"),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    address = read_place(url)
    assert str(address) == shown
    assert shown in repr(address)
    assert "s3" not in f"{address} {address!r} {[address]}"


@pytest.mark.parametrize(
    "text", ["postgres:s3cret@db", "postgresql:/ann:s3cret@db/t", "mysql://a:s3cret@b"]
)
def test_what_is_no_address_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(ValueError, match="postgresql://") as refused:
        read_place(text)
    assert "s3cret" not in str(refused.value)
    done = CliRunner().invoke(cli, ["history", "--store", text])
    assert done.exit_code == 2
    assert "s3cret" not in done.output
    assert not Path("postgres:s3cret@db").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("s3cret-of-owner", "wr0ng-one"),
            "password authentication failed .*; check the user, and",
        ),
        (("/team_", "/no_"), "does not exist; check the address"),
        (("host=", "host=/nowhere"), "see that the server runs and can be reached from here"),
        (("host=", "bogus=x&host="), "is not an address that PostgreSQL knows"),
        (("s3cret-of-owner@", "s3cret/of@owner@"), "written as %40"),
        (("s3cret-of-owner@", "12/s3cret@"), "written as %40"),
        (("s3cret-of-owner@", "s3cret%of@"), "written as %40"),
    ],
)
def test_no_connection_says_why_and_what_helps(
    database: DatabaseAddress, change: tuple[str, str], said: str
) -> None:
    url = database.url.replace(*change)
    done = CliRunner().invoke(cli, ["history", "--store", url])
    assert done.exit_code == 2
    assert re.search(said, done.stderr), done.stderr
    assert "Traceback" not in done.output
    assert not re.search("s3cret|wr0ng", done.output)


def test_commands_never_print_the_password(database: DatabaseAddress, tmp_path: Path) -> None:
    store = Store(database)
    store.keep_run(run("r"))
    store.keep_audit(document("1124-a", run("r")))
    for words in ("history", "show", "store", "store --format json", "paths", "log last h x"):
        done = CliRunner().invoke(cli, [*words.split(), "--store", database.url])
        assert done.output
        assert "s3cret" not in done.output
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"s3cret" in data for data in kept)
    assert "s3cret" not in "".join(map(str, tmp_path.rglob("*")))


def test_without_the_client_the_extra_is_named(
    database: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("cachetui.store.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"pip install 'cachetui\[postgres\]'") as refused:
        Store(database)
    assert "s3cret" not in str(refused.value)


def test_a_folder_needs_no_client(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from cachetui.store.database import Store; "
        "Store(Path(sys.argv[1])).close(); print('psycopg' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_the_secret_is_the_teams(database: DatabaseAddress) -> None:
    one, other = Store(database), Store(database)
    assert one.hasher.digest("value") == other.hasher.digest("value")
    assert one.warnings == other.warnings == []


def test_each_sees_what_the_other_keeps(database: DatabaseAddress) -> None:
    one, other = Store(database), Store(database)
    one.keep_run(run("r", "of"))
    one.keep_audit(document("1124-a", run("r", "of")))
    assert [entry.audit for entry in other.audits()] == ["1124-a"]
    found = other.find("of", 100)
    assert found is not None
    other.pin("1124-a")
    assert one.audits()[0].pinned


# Versions


def test_newer_tables_are_refused(database: DatabaseAddress) -> None:
    Store(database).close()
    psql(database.url, "INSERT INTO cachetui.versions (version) VALUES (2)")
    with pytest.raises(StoreError, match=r"by a newer cachetui \(version 2 .*: update cachetui"):
        Store(database)


def test_older_tables_are_made_newer_once_by_all_who_come(
    database: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(database)
    store.keep_blob("before", b"1")
    second = "CREATE TABLE cachetui.more AS SELECT 1 AS x; SELECT pg_sleep(0.2)"
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, second))
    troubles: list[Exception] = []

    def open_it() -> None:
        try:
            assert Store(database).blob("before") is not None
        except Exception as error:
            troubles.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    with psycopg.connect(database.url) as connection:
        made = connection.execute("SELECT version, made_by FROM cachetui.versions").fetchall()
        assert made == [(1, "owner"), (2, "owner")]
        assert connection.execute("SELECT x FROM cachetui.more").fetchall() == [(1,)]


def test_a_version_that_cannot_be_made_leaves_the_one_before(
    database: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(database).close()
    with monkeypatch.context() as patch:
        bad = "CREATE TABLE cachetui.more (x int); SELECT 1 / 0"
        patch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, bad))
        with pytest.raises(StoreError, match="division by zero"):
            Store(database)
    with psycopg.connect(database.url) as connection:
        ask = "SELECT count(*) FROM pg_tables WHERE tablename = 'more'"
        assert connection.execute(ask).fetchone() == (0,)
    Store(database).close()


# Logs in blocks


def keep_log(store: Store, name: str, size: int) -> None:
    with store.spool() as folder:
        writer = LogWriter(folder / "log")
        made = random.Random(name)
        for _ in range(0, size, blocks.BLOCK):
            writer.write(StepId(0, 1), made.randbytes(blocks.BLOCK))
        writer.close()
        store.keep_run(run(name), log=folder / "log")


def test_of_a_long_log_only_what_is_looked_at_is_read(
    database: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(database)
    keep_log(store, "r", 40 * blocks.BLOCK)
    read: list[int] = []
    inner: Any = blocks._Blocks._read

    def reading(self: Any, number: int) -> bytes:
        read.append(number)
        data: bytes = inner(self, number)
        return data

    monkeypatch.setattr(blocks._Blocks, "_read", reading)
    log = store.log("r")
    assert log is not None
    with log:
        text = log.step(StepId(0, 1))
        assert text.tail(1)
        assert len(read) < 10
        assert sum(len(line.data) + 1 for line in text) >= 40 * blocks.BLOCK - 1
    assert set(read) == set(range(max(read) + 1))


def test_a_log_that_goes_while_it_is_read_is_told(database: DatabaseAddress) -> None:
    store, other = Store(database), Store(database)
    keep_log(store, "r", 8 * blocks.BLOCK)
    log = store.log("r")
    assert log is not None
    other.remove_logs(["r"], "removed")
    with log, pytest.raises(Exception, match="removed or replaced while it was read"):
        list(log.whole())


# Threads and locks


def test_hundreds_of_threads_share_a_few_connections(database: DatabaseAddress) -> None:
    store = Store(database)
    troubles: list[Exception] = []
    seen: list[int] = []
    ask = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"

    def keep(number: int) -> None:
        try:
            store.keep_run(run(f"r{number}", f"k{number}"))
            store.marks.count_build("h", "2026-01-01")
            assert store.run(f"r{number}") is not None
        except Exception as error:
            troubles.append(error)

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(200)]
    with psycopg.connect(database.url, autocommit=True) as watching:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            (count,) = watching.execute(ask).fetchone() or (0,)
            seen.append(count)
            time.sleep(0.01)
    assert troubles == []
    assert max(seen) <= MOST + 1
    assert len(store.caches[0].keys("run:")) == 200
    assert store.marks.builds_of("h", "2026-01-01") == 200


KEEP = """
import sys
from cachetui.store.database import Store
from cachetui.store.place import read_place
from tests.store.test_database import document, run
store = Store(read_place(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(10):
    name = f"{sys.argv[2]}-{number}"
    store.keep_run(run(name, "same"))
    store.keep_audit(document(name, run(name, "same")))
    store.marks.count_build("h", "2026-01-01")
store.close()
"""


def test_several_auditors_lose_nothing(database: DatabaseAddress) -> None:
    auditors = [
        subprocess.Popen(
            [sys.executable, "-c", KEEP, database.url, f"p{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        for number in range(3)
    ]
    for auditor in auditors:
        assert auditor.stdout is not None
        assert auditor.stdout.readline() == b"ready\n"
    for auditor in auditors:
        auditor.communicate(b"\n", timeout=60)
        assert auditor.returncode == 0
    store = Store(database)
    names = {f"p{p}-{n}" for p in range(3) for n in range(10)}
    assert {entry.audit for entry in store.audits()} == names
    for name in names:
        found = store.audit(name)
        assert found is not None
        assert [one.id for one in found.runs] == [name]
    assert store.marks.builds_of("h", "2026-01-01") == 30


def test_a_connection_that_breaks_is_made_anew_with_its_locks(
    database: DatabaseAddress, postgres: Postgres
) -> None:
    store = Store(database)
    store.keep_blob("x", b"1")
    store.use("1124-a")
    with store.in_use.working():
        cut(postgres, database)
        store.keep_blob("y", b"2")
        assert store.blob("x") is not None
        with Store(database).in_use.nobody_working() as alone:
            assert not alone
        assert Store(database).in_use.used("1124-a")
    assert store.in_use.used("1124-a")
    with store.in_use.nobody_working() as alone:
        assert alone
    store.close()
    end = time.monotonic() + 10
    while Store(database).in_use.used("1124-a"):
        assert time.monotonic() < end
        time.sleep(0.02)


def cut(postgres: Postgres, address: DatabaseAddress) -> None:
    """End all connections to a database."""
    with psycopg.connect(address.url) as own:
        name = own.info.dbname
    psql(
        postgres.admin(),
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'",
    )


# Roles


def blocks_of_sql() -> list[str]:
    text = (ROOT / "docs" / "team-store.md").read_text("utf-8")
    return re.findall(r"^```sql\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


class Team:
    """The roles and grants of docs/team-store.md, under names of their own."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._end = f"_{os.getpid()}_{time.time_ns()}"
        self.database = f"cachetui{self._end}"
        as_admin, as_owner, people = map(self._statements, blocks_of_sql())
        psql(postgres.admin(), *as_admin)
        psql(postgres.admin(), *people)
        for name in ("cachetui_owner", "auditor", "reader"):
            psql(postgres.admin(), f"ALTER ROLE {name}{self._end} PASSWORD 'pass-{name}'")
        self.before_owner()
        Store(self.address("cachetui_owner")).close()
        psql(self.address("cachetui_owner").url, *as_owner)

    def before_owner(self) -> None:
        with pytest.raises(StoreError, match="has no store yet, and this user may not make one"):
            Store(self.address("auditor"))

    def _statements(self, text: str) -> list[str]:
        text = re.sub(r"\b(cachetui_\w+|auditor|reader)\b", rf"\1{self._end}", text)
        text = re.sub(r"DATABASE cachetui\b", f"DATABASE {self.database}", text)
        return [statement for statement in map(str.strip, text.split(";")) if statement]

    def address(self, role: str, password: bool = True) -> DatabaseAddress:
        secret = f"pass-{role}" if password else None
        return DatabaseAddress(self._postgres.url(self.database, f"{role}{self._end}", secret))


@pytest.fixture(scope="module")
def team(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("team")))
        yield Team(postgres)


def test_an_auditor_can_do_all_that_audits_need(team: Team) -> None:
    store = Store(team.address("auditor"))
    store.prepare()
    keep_log(store, "a1", 3 * blocks.BLOCK)
    store.keep_audit(document("1124-a1", run("a1")))
    store.keep_audit(document("1124-a2"))
    store.pin("1124-a2")
    store.marks.count_build("h", "2026-01-01")
    with store.in_use.working():
        pass
    store.delete_audit("1124-a2")
    assert store.log("a1") is not None
    assert store.hasher.digest("v") == Store(team.address("cachetui_owner")).hasher.digest("v")


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE cachetui.entries",
        "CREATE TABLE cachetui.mine (x int)",
        "CREATE TABLE public.mine (x int)",
        "UPDATE cachetui.secret SET line = ''",
        "DELETE FROM cachetui.versions",
    ],
)
@pytest.mark.parametrize("role", ["auditor", "reader"])
def test_only_the_owner_changes_tables_and_secret(team: Team, role: str, statement: str) -> None:
    with pytest.raises(psycopg.Error):
        psql(team.address(role).url, statement)


def test_a_reader_reads_and_changes_nothing(team: Team) -> None:
    auditor = Store(team.address("auditor"))
    keep_log(auditor, "r1", 3 * blocks.BLOCK)
    auditor.keep_audit(document("1124-r1", run("r1")))
    reader = Store(team.address("reader"))
    assert "1124-r1" in [entry.audit for entry in reader.audits()]
    reader.use("1124-r1")
    log = reader.log("r1")
    assert log is not None
    with log:
        assert log.whole().lines
    assert any("secret" in warning for warning in reader.warnings)
    assert reader.hasher.digest("v") != auditor.hasher.digest("v")
    changes: list[Callable[[], None]] = [
        lambda: reader.pin("1124-r1"),
        lambda: reader.delete_audit("1124-r1"),
        reader.prepare,
        lambda: reader.marks.count_build("h", "2026-01-02"),
    ]
    for change in changes:
        with pytest.raises(StoreError, match=r"permission denied .* docs/team-store\.md"):
            change()
    shown = CliRunner().invoke(cli, ["show", "1124-r1", "--store", team.address("reader").url])
    assert shown.exit_code in (0, 1), shown.output
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        psql(team.address("reader").url, "SELECT line FROM cachetui.secret")


def test_who_is_in_no_role_gets_nothing(team: Team, postgres: Postgres) -> None:
    name = f"nobody{team.database}"
    psql(postgres.admin(), f"CREATE ROLE {name} LOGIN PASSWORD 'pass-nobody'")
    with pytest.raises(StoreError, match="permission denied for database"):
        Store(DatabaseAddress(postgres.url(team.database, name, "pass-nobody")))


def test_an_auditor_is_told_that_the_owner_has_to_make_tables_newer(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = (*migrations.MIGRATIONS, "CREATE TABLE cachetui.more (x int)")
    monkeypatch.setattr(migrations, "MIGRATIONS", newer)
    with pytest.raises(StoreError, match=r"tables of version 1, this cachetui needs 2, .* owner"):
        Store(team.address("auditor"))


def test_passwords_come_from_the_files_of_postgresqls_client(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = team.address("auditor", password=False)
    with pytest.raises(StoreError, match=r"no password supplied; put the password into ~/\.pgpass"):
        Store(address)
    (tmp_path / "pgpass").write_text("*:*:*:*:pass-auditor\n")
    (tmp_path / "pgpass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    Store(address).close()
    with psycopg.connect(address.url) as known:
        info = known.info
        service = f"[team]\nhost={info.host}\ndbname={info.dbname}\nuser={info.user}\n"
    (tmp_path / "service").write_text(service)
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "service"))
    monkeypatch.setenv("PGSERVICE", "team")
    store = Store(DatabaseAddress("postgresql://"))
    assert store.where == "postgresql://"
    store.close()
