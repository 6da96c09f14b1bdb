"""The lease of an engine: one has it, the others wait or are told who, in every shell."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetui.config.settings import HostSettings
from cachetui.hosts import lease as leases
from cachetui.hosts import lease_turn
from cachetui.hosts import watcher as watch
from cachetui.hosts.lease import Holder, Lease
from cachetui.hosts.machine import Completed, HostError
from tests.hosts.conftest import connector
from tests.hosts.sshd import Sshd
from tests.hosts.test_watcher import KNOWN, SHELLS, Started


@pytest.fixture
def engine() -> Iterator[str]:
    name = uuid.uuid4().hex
    yield name
    for path in files(name):
        path.unlink()


def base_of(engine: str) -> Path:
    return Path(Lease(engine, "").release().split("for _file in ")[1].split(".*")[0])


def files(engine: str) -> list[Path]:
    base = base_of(engine)
    return sorted(base.parent.glob(f"{base.name}.*"))


@pytest.mark.parametrize("name", SHELLS)
class TestShell:
    def ask(self, name: str, lease: Lease, command: str = "echo ran") -> Completed:
        script = watch.script(command, watched=True, lease=lease)
        return Completed(*Started(script, shell=shlex.join(KNOWN[name])).end())

    def release(self, name: str, lease: Lease) -> None:
        words = [*KNOWN[name], "-c", lease.release()]
        subprocess.run(words, check=True, timeout=20)

    @pytest.mark.fault("two-audits")
    def test_one_has_it(self, name: str, engine: str) -> None:
        ours, theirs = Lease(engine, "audit 1"), Lease(engine, "audit 2")
        for _ in range(2):
            assert self.ask(name, ours) == Completed(0, b"ran\n", b"")
        done = self.ask(name, theirs)
        assert done.stdout == b""
        holder = theirs.holder(done)
        assert holder is not None
        assert holder.owner.endswith(", audit 1")
        assert holder.seconds < 20
        assert ours.holder(done) is None
        self.release(name, theirs)
        assert theirs.holder(self.ask(name, theirs)) is not None
        self.release(name, ours)
        assert files(engine) == []
        assert self.ask(name, theirs).stdout == b"ran\n"
        assert ours.holder(self.ask(name, ours)) is not None

    @pytest.mark.fault("two-audits")
    def test_one_that_has_run_out_counts_no_more(
        self, name: str, engine: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(leases, "SECONDS", 1)
        dead, ours = Lease(engine, "dead"), Lease(engine, "ours")
        assert self.ask(name, dead).status == 0
        time.sleep(2.1)
        monkeypatch.setattr(leases, "SECONDS", 90)
        assert self.ask(name, ours).status == 0
        assert [path.suffix for path in files(engine)] == [".2"]
        assert dead.holder(self.ask(name, dead)) is not None
        self.release(name, ours)
        assert self.ask(name, dead).status == 0

    @pytest.mark.fault("two-audits")
    def test_what_others_put_there_harms_nobody(self, name: str, engine: str) -> None:
        ours = Lease(engine, "ours")
        assert self.ask(name, ours).status == 0
        (base,) = (str(path).rsplit(".", 1)[0] for path in files(engine))
        self.release(name, ours)
        now = int(time.time())
        for number, text in (
            ("1", f"t {now + 999999} {now} for ever\n"),
            ("2", "$(id) `id` \\\n"),
            ("3", ""),
            ("09", f"t {now + 60} {now} octal\n"),
            ("x", f"t {now + 60} {now} no number\n"),
            ("99999999999999999999", f"t {now + 60} {now} too large\n"),
        ):
            Path(f"{base}.{number}").write_text(text)
        assert self.ask(name, ours) == Completed(0, b"ran\n", b"")
        Path(f"{base}.5").write_text(f"t {now + 60} {now} \x1b[31mred\n")
        holder = ours.holder(self.ask(name, ours))
        assert holder is not None
        assert holder.owner == "?[31mred"

    @pytest.mark.fault("lease-lies")
    def test_lies_about_dates_harm_nobody(self, name: str, engine: str) -> None:
        ours = Lease(engine, "ours")
        base = base_of(engine)
        now = int(time.time())
        for until, since in ((now + 60, f"0{now}"), (f"0{now + 60}", now), (now + 60, "9" * 13)):
            Path(f"{base}.1").write_text(f"t {until} {since} liar\n")
            assert self.ask(name, ours) == Completed(0, b"ran\n", b"")
            self.release(name, ours)
        Path(f"{base}.1").write_text(f"t {now + 60} {now + 50} of a clock that was set back\n")
        assert ours.holder(self.ask(name, ours)) == Holder("of a clock that was set back", 0)

    @pytest.mark.fault("lease-lies")
    def test_a_number_that_leaves_no_next_one_stops_nobody(self, name: str, engine: str) -> None:
        Path(f"{base_of(engine)}.99999999").write_text("t 0 0 liar\n")
        ours = Lease(engine, "ours")
        assert ours.impossible(self.ask(name, ours))
        assert len(files(engine)) == 1

    @pytest.mark.fault("lease-lies")
    @pytest.mark.parametrize("kind", ["link to a file", "link to nothing", "pipe", "folder"])
    def test_nothing_is_written_through_what_waits_for_us(
        self, name: str, engine: str, kind: str, tmp_path: Path
    ) -> None:
        """The token can be read in the lease, so another can be there before its next renewal."""
        ours = Lease(engine, "ours")
        target = tmp_path / "theirs"
        trap = Path(f"/tmp/.cachetui-{ours.token}")
        if kind == "folder":
            trap.mkdir()
        elif kind == "pipe":
            os.mkfifo(trap)
        else:
            trap.symlink_to(target)
            if kind == "link to a file":
                target.write_text("mine\n")
        try:
            done = self.ask(name, ours)
        finally:
            if trap.is_dir():
                trap.rmdir()
        if kind == "folder":
            assert ours.impossible(done)
        else:  # it could be removed
            assert done == Completed(0, b"ran\n", b"")
        assert not target.exists() or target.read_text() == "mine\n"

    @pytest.mark.fault("two-audits", "reboot")
    def test_one_of_an_earlier_boot_counts_no_more(self, name: str, engine: str) -> None:
        """Also where another process has the number of the one that served its owner."""
        before, ours = Lease(engine, "before"), Lease(engine, "ours")
        assert self.ask(name, before).status == 0
        (file,) = files(engine)
        head, mine, _ = file.read_text().split("\n")
        boot, space, _, _ = mine.split(" ")
        assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        assert space == os.readlink("/proc/self/ns/pid")
        started = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[19]
        alive = f"{os.getpid()} {started}"
        for line in (f"{boot} {space} {alive}", f"{boot} pid:[1] 1 1", f"- {space} 1 1", "", "x"):
            file.write_text(f"{head}\n{line}\n")
            held = ours.holder(self.ask(name, ours)) is not None
            assert held == (line != "x"), line
            if held:
                assert files(engine) == [file]

    @pytest.mark.fault("two-audits")
    def test_one_whose_owner_s_connection_is_gone_counts_for_some_seconds(
        self, name: str, engine: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(leases, "LEFT_SECONDS", 2)
        gone, ours = Lease(engine, "gone"), Lease(engine, "ours")
        assert self.ask(name, gone).status == 0
        (file,) = files(engine)
        head, mine, _ = file.read_text().split("\n")
        boot, space, _, _ = mine.split(" ")
        file.write_text(f"{head}\n{boot} {space} {os.getpid()} 1\n")  # a number that is used again
        begun = time.monotonic()
        assert self.ask(name, ours).status == 0
        assert 1.9 < time.monotonic() - begun < 10

    @pytest.mark.fault("two-audits")
    def test_of_many_at_once_one_has_it(self, name: str, engine: str) -> None:
        asked = [Lease(engine, f"{number}") for number in range(8)]
        done: list[Completed] = []
        threads = [
            threading.Thread(target=lambda one=one: done.append(self.ask(name, one)))
            for one in asked
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(one.status for one in done) == [0, *[leases.HELD] * 7]
        assert len(files(engine)) == 1


def test_a_long_command_renews_it(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "SECONDS", 3)
    monkeypatch.setattr(watch, "TICK_SECONDS", 1)
    monkeypatch.setattr(watch, "RENEW_TICKS", 1)
    monkeypatch.setattr(watch, "BEAT_SECONDS", 0.2)
    machine = connector().connect(HostSettings(name="h", address="local"))
    machine.hold(Lease(engine, "long"), lambda _: None)
    thread = threading.Thread(target=lambda: machine.stream("sleep 7", lambda *_: None, timeout=20))
    thread.start()
    time.sleep(6)
    other = connector().connect(HostSettings(name="i", address="local"))
    other.hold(Lease(engine, "other"), None)
    with pytest.raises(HostError, match="long is at work on this engine") as caught:
        other.run("true", timeout=20)
    assert caught.value.kind == "busy"
    thread.join(20)
    assert machine.release()


@pytest.mark.fault("two-audits")
@pytest.mark.parametrize("name", SHELLS)
def test_that_of_a_killed_client_soon_runs_out(name: str, engine: str) -> None:
    killed, other = Lease(engine, "killed"), Lease(engine, "other")
    script = watch.script("echo ready; sleep 60", watched=True, lease=killed)
    started = Started(script, shell=shlex.join(KNOWN[name]))
    assert started.stdout.read(6) == b"ready\n"
    started.stdin.close()
    started.end()
    (file,) = files(engine)
    until = int(file.read_text().split()[1])
    assert time.time() < until <= time.time() + leases.LEFT_SECONDS
    assert other.holder(TestShell().ask(name, other)) is not None
    assert TestShell().ask(name, killed).status == 0  # it was alive after all
    assert int(file.read_text().split()[1]) > time.time() + 60


@pytest.mark.fault("two-audits")
def test_a_connection_that_is_gone_takes_its_lease_along(engine: str, own_sshd: Sshd) -> None:
    """Between two commands nothing of ours is left on the host to give it back."""
    first, second = (connector().connect(own_sshd.settings()) for _ in range(2))
    first.hold(Lease(engine, "first"), None)
    first.run("true", timeout=20)
    second.hold(Lease(engine, "second"), None)
    with pytest.raises(HostError, match="first is at work on this engine"):
        second.run("true", timeout=20)
    second.hold(Lease(engine, "second"), lambda _: None)  # sshd ends a moment after the connection
    first.close()
    begun = time.monotonic()
    assert second.run("echo ran", timeout=60).text == "ran\n"
    assert time.monotonic() - begun > leases.LEFT_SECONDS - 0.5
    second.release()
    second.close()


def test_a_machine_waits_for_it(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_turn, "LEASE_POLL", 0.2)
    first, second = (connector().connect(HostSettings(name=n, address="local")) for n in "ab")
    first.hold(Lease(engine, "first"), lambda _: None)
    assert first.run("echo one", timeout=20).text == "one\n"
    told: list[Holder | None] = []
    second.hold(Lease(engine, "second"), told.append)
    threading.Timer(1.0, first.release).start()
    begun = time.monotonic()
    assert second.run("cat", stdin=b"two", timeout=20).text == "two"
    assert time.monotonic() - begun > 0.8
    assert told[-1] is None
    assert all(one is not None and one.owner.endswith(", first") for one in told[:-1])
    assert second.release()


def test_waiting_can_be_stopped(engine: str) -> None:
    first, second = (connector().connect(HostSettings(name=n, address="local")) for n in "ab")
    first.hold(Lease(engine, "first"), lambda _: None)
    first.run("true", timeout=20)
    cancel = threading.Event()
    second.hold(Lease(engine, "second"), lambda _: cancel.set(), cancel)
    with pytest.raises(HostError, match="stopped") as caught:
        second.run("true", timeout=20)
    assert caught.value.kind == "cancelled"
    first.release()


def test_it_is_told_when_another_took_it_meanwhile(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (connector().connect(HostSettings(name=n, address="local")) for n in "ab")
    monkeypatch.setattr(leases, "SECONDS", 1)
    first.hold(Lease(engine, "first"), lambda _: None)
    first.run("true", timeout=20)
    time.sleep(2.1)
    monkeypatch.setattr(leases, "SECONDS", 90)  # as if the first had just renewed it
    second.hold(Lease(engine, "second"), lambda _: None)
    second.run("true", timeout=20)
    with pytest.raises(HostError, match="another audit has taken over this engine"):
        first.stream("echo ran", lambda *_: None, timeout=20)
    second.release()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_users_who_cannot_remove_each_others_files_agree(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    def ask(lease: Lease, *user: str) -> Completed:
        script = watch.script("echo ran", watched=True, lease=lease)
        return Completed(*Started(script, login=[*user, "sh"]).end())

    monkeypatch.setattr(leases, "SECONDS", 4)
    theirs = Lease(engine, "theirs")
    assert ask(theirs).status == 0  # root's file, which nobody cannot remove
    ours, third = Lease(engine, "ours"), Lease(engine, "third")
    assert ours.holder(ask(ours, *nobody)) is not None
    time.sleep(5)
    monkeypatch.setattr(leases, "SECONDS", 90)
    assert ask(ours, *nobody).status == 0
    assert ask(ours, *nobody).status == 0
    assert [path.suffix for path in files(engine)] == [".1", ".2"]
    holder = third.holder(ask(third))
    assert holder is not None
    assert holder.owner.endswith(", ours")
    subprocess.run([*nobody, "sh", "-c", ours.release()], check=True, timeout=20)
    assert ask(third).status == 0


@pytest.mark.fault("lease-lies")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_what_another_user_puts_in_our_way_is_left_and_stops_nobody(
    engine: str,
) -> None:
    """In a folder where nobody can remove another's file: links to our own files, and leases that
    cannot be read."""
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    other = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"]
    theirs = Path(tempfile.mkdtemp(dir="/tmp"))
    theirs.chmod(0o755)
    victim = theirs / "file"
    victim.write_text("mine\n")
    os.chown(victim, 65534, 65534)
    ours = Lease(engine, "ours")
    trap = Path(f"/tmp/.cachetui-{ours.token}")
    subprocess.run([*other, "ln", "-s", str(victim), str(trap)], check=True, timeout=20)
    script = watch.script("echo ran", watched=True, lease=ours)
    try:
        done = Completed(*Started(script, login=[*nobody, "sh"]).end())
        assert ours.impossible(done)
        assert trap.is_symlink()
        assert victim.read_text() == "mine\n"
    finally:
        trap.unlink()
        shutil.rmtree(theirs)
    closed = Path(f"{base_of(engine)}.7")
    closed.write_text(f"t {int(time.time()) + 60} 1 closed\n")
    closed.chmod(0)
    os.chown(closed, 65533, 65533)
    assert Completed(*Started(script, login=[*nobody, "sh"]).end()) == Completed(0, b"ran\n", b"")
    assert [path.suffix for path in files(engine)] == [".7", ".8"]


def test_where_there_can_be_none_commands_run(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_TAKE", leases._TAKE.replace("_new=/tmp/", "_new=/proc/"))
    machine = connector().connect(HostSettings(name="h", address="local"))
    machine.hold(Lease(engine, "one"), lambda _: None)
    assert machine.run("echo ran", timeout=20).text == "ran\n"
    assert not machine.release()
