"""A ProxyCommand that fails: its own words are told, and only what can go better is tried again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cachetui.config.settings import HostSettings
from cachetui.hosts import connect
from cachetui.hosts.machine import HostError
from tests.hosts.conftest import connector
from tests.hosts.sshd import Sshd, free_port, running, until


@pytest.fixture(autouse=True)
def tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "TRIES", 2)
    monkeypatch.setattr(connect, "MAX_PAUSE", 0.1)


def fails(tmp_path: Path, script: str, timeout: float = 5.0) -> tuple[HostError, int]:
    """The error of a host behind a shell script, and how often that was started."""
    place = tmp_path / "proxy"
    place.write_text(f"echo >>{tmp_path / 'started'}\n{script}\n")
    return fails_by(tmp_path, f"sh {place}", timeout), len(
        (tmp_path / "started").read_text().splitlines()
    )


def fails_by(tmp_path: Path, command: str, timeout: float = 5.0) -> HostError:
    config = tmp_path / "config"
    config.write_text(f"ProxyCommand {command}\n")
    with pytest.raises(HostError) as caught:
        connector(config=config).connect(
            HostSettings(name="h", address="x", connect_timeout=timeout)
        )
    assert caught.value.kind == "unreachable"
    assert "MaxStartups" not in caught.value.remedy
    return caught.value


@pytest.mark.fault("proxy-command")
def test_its_own_words(tmp_path: Path) -> None:
    error, started = fails(tmp_path, "echo 'no such\033[2J gate' >&2; echo 'ask Bob' >&2; exit 3")
    assert error.reason == (
        'its ProxyCommand ended with exit status 3, and said "no such?[2J gate / ask Bob"'
    )
    assert "ProxyCommand of ~/.ssh/config" in error.remedy
    assert started == 1


def test_the_last_of_many_words(tmp_path: Path) -> None:
    error, _ = fails(tmp_path, "seq 100000 >&2; printf 'the end' >&2; exit 1")
    assert error.reason.endswith('said "99999 / 100000 / the end"')
    assert len(fails(tmp_path, "head -c 100000 /dev/zero >&2; exit 1")[0].reason) < 400


@pytest.mark.fault("proxy-command")
def test_it_is_not_there(tmp_path: Path) -> None:
    error = fails_by(tmp_path, "no-such-command %h %p")
    assert "ended with exit status 127" in error.reason
    assert "no-such-command: not found" in error.reason


@pytest.mark.parametrize(
    "words",
    [
        "kex_exchange_identification: Connection closed by remote host",
        "kex_exchange_identification: read: Connection reset by peer",
    ],
)
def test_dropped_connections_are_tried_again(tmp_path: Path, words: str) -> None:
    """Such are those that a jump host drops of a burst."""
    error, started = fails(tmp_path, f"echo '{words}' >&2; exit 255")
    assert words in error.reason
    assert started == 2


@pytest.mark.fault("proxy-command")
def test_silent_failures_are_tried_again(tmp_path: Path) -> None:
    error, started = fails(tmp_path, "exit 1")
    assert error.reason == "its ProxyCommand ended with exit status 1 without a word"
    assert started == 2


@pytest.mark.fault("proxy-command")
def test_a_signal(tmp_path: Path) -> None:
    error, _ = fails(tmp_path, "kill -KILL $$")
    assert "its ProxyCommand was ended by signal 9 without a word" in error.reason


@pytest.mark.fault("proxy-command")
def test_one_that_complains_and_waits(tmp_path: Path) -> None:
    begun = time.monotonic()
    error, started = fails(tmp_path, f"echo waiting for a tunnel >&2; sleep 60 # {tmp_path}", 1.0)
    assert 'its ProxyCommand has not ended, and said "waiting for a tunnel"' in error.reason
    assert started == 1
    assert time.monotonic() - begun < 5
    assert until(lambda: not running(str(tmp_path / "proxy")), 15)


@pytest.mark.fault("proxy-command")
def test_what_it_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    begun = time.monotonic()
    error, _ = fails(tmp_path, "(sleep 20 >/dev/null </dev/null &); echo down >&2; exit 1")
    assert 'said "down"' in error.reason
    assert time.monotonic() - begun < 4


def test_another_s_ssh(tmp_path: Path, sshd: Sshd) -> None:
    """`ssh -W` to a jump host that refuses us, and to one that is not there."""
    options = f"-F none -o BatchMode=yes -o UserKnownHostsFile={sshd.known_hosts}"
    error = fails_by(tmp_path, f"ssh {options} -i /none -p {sshd.port} -W %h:%p 127.0.0.1")
    assert "Permission denied (publickey)" in error.reason
    error = fails_by(tmp_path, f"ssh {options} -p {free_port('127.0.0.1')} -W %h:%p 127.0.0.1")
    assert "Connection refused" in error.reason


def test_words_of_one_that_works_do_no_harm(tmp_path: Path, sshd: Sshd) -> None:
    """More than a pipe holds, while the connection is in use."""
    ssh = f"ssh -F none -o BatchMode=yes -o UserKnownHostsFile={sshd.known_hosts}"
    place = tmp_path / "proxy"
    place.write_text(
        f"(seq 200000 >&2)\n"
        f"exec {ssh} -i {sshd.login_key} -p {sshd.port} -W 127.0.0.1:{sshd.port} 127.0.0.1\n"
    )
    config = tmp_path / "config"
    config.write_text(f"ProxyCommand sh {place}\n")
    machine = connector(config=config).connect(sshd.settings())
    assert machine.run("echo there", timeout=20).text == "there\n"
    machine.close()
