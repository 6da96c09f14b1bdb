"""A PostgreSQL of the tests' own, from Debian's packages: its data in a folder, reached by a socket
there, run by a user without rights, and stopped at the end. No disk is waited for.

The workers of pytest-xdist share one: whoever comes first starts it, and the last stops it.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

from cachetui.store.place import DatabaseAddress

USER = "postgres"
"""Debian's own user for it: it refuses root."""

_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "listen_addresses": "",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}


_DURABLE = {
    **dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes", "autovacuum"), "on"),
    "shared_buffers": "128MB",
}


def _programs() -> Path:
    """Where the newest `initdb` and `postgres` are. Raises `FileNotFoundError`."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if not found:
        raise FileNotFoundError("no PostgreSQL is installed: apt-get install postgresql")
    return max(found, key=lambda path: int(path.parent.name))


class Postgres:
    """One server. As a context manager it is started, and gone afterwards. One that is `durable`
    waits for its disk, as others do."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder = folder
        self._durable = durable
        self._user = USER if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._made = False

    def __enter__(self) -> Postgres:
        try:
            self.folder.mkdir(mode=0o755)
            if self._user is not None:
                known = pwd.getpwnam(self._user)
                os.chown(self.folder, known.pw_uid, known.pw_gid)
            arguments = ["--auth=scram-sha-256", "--auth-local=scram-sha-256", "--no-sync"]
            (self.folder / "password").write_text("s3cret-of-owner\n")
            (self.folder / "password").chmod(0o644)
            arguments += ["--pwfile", str(self.folder / "password"), "--locale=C", "-E", "UTF8"]
            subprocess.run(
                [_programs() / "initdb", "-D", self.folder / "data", "-U", "owner", *arguments],
                check=True,
                capture_output=True,
                user=self._user,
                cwd="/",
            )
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGQUIT)  # what it has in memory is not needed
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = (self.folder / "log").open("ab")
        settings = {**_SETTINGS, **(_DURABLE if self._durable else {})}
        options = [f"-c{name}={value}" for name, value in settings.items()]
        self._process = subprocess.Popen(
            [_programs() / "postgres", "-D", self.folder / "data", "-k", self.folder, *options],
            user=self._user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,  # the worker that starts it may not be the one that stops it
        )
        log.close()
        end = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.admin()).close()
            except psycopg.OperationalError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise
                time.sleep(0.02)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: by default at once and orderly (SIGINT is "fast"), clients or not."""
        file = self.folder / "data" / "postmaster.pid"
        if not file.exists():
            return
        process = int(file.read_text().split()[0])
        os.kill(process, how)
        if self._process is not None:
            self._process.wait(timeout=60)
            self._process = None
        end = time.monotonic() + 60
        while file.exists() and how != signal.SIGKILL:  # another worker's, who has not asked for it
            assert time.monotonic() < end, f"{process} does not end"
            time.sleep(0.02)

    def admin(self) -> str:
        """The address of the server's owner."""
        return self.url("postgres", "owner", "s3cret-of-owner")

    def url(self, database: str, user: str, password: str | None) -> str:
        """The address of a database for a user."""
        secret = f":{quote(password, safe='')}" if password is not None else ""
        return f"postgresql://{user}{secret}@/{database}?host={quote(str(self.folder), safe='')}"

    def empty_database(self) -> DatabaseAddress:
        """The address, for its owner, of this process's database, with nothing in it and nobody
        connected."""
        name = f"team_{os.getpid()}"
        address = self.url(name, "owner", "s3cret-of-owner")
        if not self._made:
            psql(self.admin(), f"CREATE DATABASE {name} TEMPLATE template0")
            self._made = True
        else:
            psql(
                address,
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
                "DROP SCHEMA IF EXISTS cachetui CASCADE",
            )
        return DatabaseAddress(address)


@contextmanager
def shared_postgres(folder: Path) -> Iterator[Postgres]:
    """The server in that folder, for as long as anybody uses it."""
    server = Postgres(folder)
    used = os.open(folder.with_suffix(".used"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with _alone(folder):
            fcntl.flock(used, fcntl.LOCK_SH)
            if not (folder / "data" / "postmaster.pid").exists():
                server.__enter__()
        yield server
        with _alone(folder), suppress(BlockingIOError):  # others go on with it
            fcntl.flock(used, fcntl.LOCK_EX | fcntl.LOCK_NB)
            server.__exit__()
            folder.with_suffix(".used").unlink()
            folder.with_suffix(".lock").unlink()
    finally:
        os.close(used)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else starts or stops it meanwhile."""
    file = os.open(folder.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def psql(address: str, *statements: str) -> None:
    """Run statements, each by itself."""
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
