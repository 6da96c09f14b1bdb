"""The wrapper's shell text, under each shell that is here: as the script's and as the login's."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
import time
import uuid

import pytest

from cachetui.hosts import watcher as watch
from tests.hosts.sshd import running, until

KNOWN = {
    "dash": ["dash"],
    "bash": ["bash"],
    "busybox": ["busybox", "sh"],
    "ksh": ["ksh93"],
    "zsh": ["zsh"],
    "tcsh": ["tcsh"],
    "fish": ["fish"],
}
LOGINS = [
    pytest.param(name, marks=pytest.mark.needs(words[0], optional=True))
    for name, words in KNOWN.items()
]
SHELLS = [param for param in LOGINS if param.values[0] not in ("tcsh", "fish")]
NASTY = "a 'b' \"c\" $HOME `id` \\ \n!%*~"


class Started:
    """A wrapped command under way, called by `login`, run by `shell`."""

    def __init__(
        self, script: bytes, *, shell: str = "sh", login: list[str] | None = None, size: int = 0
    ) -> None:
        line = watch.bootstrap(size or len(script)).replace("exec sh ", f"exec {shell} ")
        self.process = subprocess.Popen(
            [*(login or ["sh"]), "-c", line],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stdin, self.stdout, self.stderr = (
            self.process.stdin,
            self.process.stdout,
            self.process.stderr,
        )
        self.stdin.write(script)

    def end(self) -> tuple[int, bytes, bytes]:
        """Its status and outputs, once it has ended by itself."""
        out, err = self.stdout.read(), self.stderr.read()
        status = self.process.wait(20)
        for pipe in (self.stdin, self.stdout, self.stderr):
            pipe.close()
        return status, out, err


def shortened(monkeypatch: pytest.MonkeyPatch) -> str:
    """Two seconds of silence are long from here on; returns a mark for processes."""
    monkeypatch.setattr(watch, "SILENT_SECONDS", 2)
    monkeypatch.setattr(watch, "TICK_SECONDS", 1)
    return f"mark-{uuid.uuid4().hex}"


@pytest.mark.fault("shells")
@pytest.mark.parametrize("name", LOGINS)
def test_any_login_shell_will_do(name: str) -> None:
    script = watch.script('echo "$A"; echo e >&2; exit 5', {"A": NASTY}, watched=True)
    found = Started(script, login=KNOWN[name]).end()
    assert found == (5, f"{NASTY}\n".encode(), b"e\n")


@pytest.mark.parametrize("name", SHELLS)
class TestShell:
    def shell(self, name: str) -> str:
        return shlex.join(KNOWN[name])

    @pytest.mark.fault("shells")
    def test_status_and_outputs(self, name: str) -> None:
        script = watch.script('echo "$A"; echo e >&2; exit 5', {"A": NASTY}, watched=True)
        begun = time.monotonic()
        found = Started(script, shell=self.shell(name)).end()
        assert found == (5, f"{NASTY}\n".encode(), b"e\n")
        assert time.monotonic() - begun < 2

    def test_merged(self, name: str) -> None:
        script = watch.script("echo a; echo b >&2; echo c", watched=True, merged=True)
        assert Started(script, shell=self.shell(name)).end() == (0, b"a\nb\nc\n", b"")

    def test_stdin_is_the_command_s_own_when_not_watched(self, name: str) -> None:
        started = Started(watch.script("cat; exit 3", watched=False), shell=self.shell(name))
        started.stdin.write(b"hello")
        started.stdin.close()
        assert started.end() == (3, b"hello", b"")

    @pytest.mark.fault("connection-dies")
    @pytest.mark.parametrize("command", ["sleep 60", "trap '' TERM; while :; do sleep 1; done"])
    def test_end_of_input_ends_it(self, name: str, command: str) -> None:
        mark = f"mark-{uuid.uuid4().hex}"
        script = watch.script(
            f"echo ready; sh -c {shlex.quote(f'{command}; : {mark}')}", watched=True
        )
        started = Started(script, shell=self.shell(name))
        assert started.stdout.read(6) == b"ready\n"
        assert until(lambda: running(mark))
        started.stdin.close()
        status, _, _ = started.end()
        assert status != 0
        assert until(lambda: not running(mark), 3)

    @pytest.mark.fault("network-gone")
    def test_silence_ends_it(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        mark = shortened(monkeypatch)
        script = watch.script(f"sh -c 'sleep 60; : {mark}'", watched=True)
        begun = time.monotonic()
        started = Started(script, shell=self.shell(name))
        assert until(lambda: running(mark))
        for _ in range(3):  # at once: the counter may not have begun
            started.stdin.write(watch.BEAT)
        assert started.process.wait(20) in (-9, watch.STOPPED)
        assert 2 < time.monotonic() - begun < 6
        assert until(lambda: not running(mark), 3)
        started.end()

    @pytest.mark.fault("network-gone")
    def test_beats_keep_it(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        shortened(monkeypatch)
        started = Started(watch.script("sleep 5; exit 3", watched=True), shell=self.shell(name))
        while started.process.poll() is None:
            with contextlib.suppress(BrokenPipeError):
                started.stdin.write(watch.BEAT)
            time.sleep(0.3)
        assert started.end()[0] == 3

    def test_nothing_counts_on_after_its_end(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(watch, "TICK_SECONDS", 86311)
        for command in ("exit 3", "sleep 0.05; exit 3"):
            script = watch.script(command, watched=True)
            for _ in range(10):
                assert Started(script, shell=self.shell(name)).end()[0] == 3
        assert not running("sleep\x0086311")

    @pytest.mark.fault("script-cut")
    def test_cut_short_nothing_of_it_runs(self, name: str) -> None:
        script = watch.script("echo ran", watched=True)
        for size in (1, 20, len(script) // 2, len(script) - 3):
            started = Started(script[:size], shell=self.shell(name), size=len(script))
            started.stdin.close()
            status, out, _ = started.end()
            assert status != 0
            assert out == b""


@pytest.mark.fault("stubborn")
@pytest.mark.parametrize("setsid", [True, False])
def test_what_left_the_group_is_ended_too(setsid: bool) -> None:
    mark = f"mark-{uuid.uuid4().hex}"
    code = f"import os, time; os.setpgid(0, 0); print(1, flush=True); time.sleep(60) # {mark}"
    script = watch.script(f"{sys.executable} -c {shlex.quote(code)} & sleep 60", watched=True)
    if not setsid:
        assert b"command -v setsid" in script
        script = script.replace(b"command -v setsid", b"command -v no-such-word")
    started = Started(script)
    assert started.stdout.read(1) == b"1"
    started.stdin.close()
    assert until(lambda: not running(mark), 15)
    started.end()


@pytest.mark.fault("shells")
def test_the_line_is_the_same_for_all() -> None:
    line = watch.bootstrap(123)
    assert line == "exec sh -c '_script=$(dd bs=1 count=123 2>/dev/null) && eval \"$_script\"'"
    assert "!" not in line
    assert "\\" not in line


def test_privilege_is_asked_to_kill_as_well() -> None:
    script = watch.script("x", watched=True, privilege=("sudo", "-n")).decode()
    assert "sudo -n kill -s TERM -- -$$\nkill -s TERM 0\n" in script
    assert "sudo -n kill -s KILL -- -$$\nkill -s KILL 0\n" in script
    assert "sudo" not in watch.script("x", watched=True).decode()
