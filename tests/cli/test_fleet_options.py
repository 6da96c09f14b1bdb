"""Options for a fleet that is audited unattended, on the recorded fleet over real SSH."""

from __future__ import annotations

import json
import re
import resource
import stat
from pathlib import Path
from typing import Any

import pytest

from cachetui.audit.limits import Limits
from cachetui.demo.fleet import demo_fleet
from cachetui.hosts import fan_out
from tests.docs.console import Workspace
from tests.lab.faults import closed_port

DOWN = '\n[[hosts]]\nname = "down-{n}"\naddress = "{address}"\nport = {port}\n'
BUILD = ["run", "shop", "--as-found", "--progress", "quiet"]


def add_hosts_that_are_down(space: Workspace, count: int) -> None:
    address, port = closed_port()
    path = space.folder / "hosts.toml"
    more = [DOWN.format(n=n, address=address, port=port) for n in range(1, count + 1)]
    path.write_text(path.read_text() + "".join(more))


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_jsonl_has_a_line_for_each_run_host_and_finding(space: Workspace) -> None:
    code, printed, said = space.run([*BUILD, "--format", "jsonl"], "s")
    assert code == 1, said
    lines = lines_of(printed)
    kinds = [line["line"] for line in lines]
    assert kinds == sorted(kinds, key=["run", "host", "finding", "audit"].index)
    runs = [line for line in lines if line["line"] == "run"]
    assert {run["host"] for run in runs} == {"ci-1", "ci-2", "ci-3", "ci-4"}
    assert {run["status"] for run in runs} == {"ok"}
    assert all(run["steps"] for run in runs)
    assert kinds.count("host") == 4
    assert "finding" in kinds
    end = lines[-1]
    assert (end["line"], end["runs"], end["agree"]) == ("audit", len(runs), False)
    code, again, _ = space.run(["show", "last", "--format", "jsonl"], "s")
    assert code == 1
    assert sorted(again.splitlines()) == sorted(printed.splitlines())


def test_jsonl_in_a_file_is_whole(space: Workspace) -> None:
    path = space.folder / "out.jsonl"
    _, printed, _ = space.run([*BUILD, "--format", "jsonl", "-o", str(path)], "s")
    assert printed == ""
    assert lines_of(path.read_text())[-1]["line"] == "audit"


@pytest.mark.fault("limits")
def test_too_many_failed_hosts_stop_the_audit(space: Workspace) -> None:
    add_hosts_that_are_down(space, 2)
    words = [*BUILD, "-w", "down-*,ci-1", "--fan-out", "1", "--format", "json"]
    code, printed, _ = space.run([*words, "--max-fail", "0", "-x", "ci-1"], "s")
    audit = json.loads(printed)
    assert code == 2
    assert [host["status"] for host in audit["hosts"]] == ["unreachable", "skipped"]
    reason = "stopped: 1 host has failed, more than --max-fail 0 allows"
    assert audit["hosts"][1]["reason"] == reason
    assert reason in audit["notes"]
    for allowed in ("2", "70%"):
        code, printed, _ = space.run([*words, "--max-fail", allowed], "s")
        states = {host["name"]: host["status"] for host in json.loads(printed)["hosts"]}
        assert states == {"ci-1": "ok", "down-1": "unreachable", "down-2": "unreachable"}
        assert code == 2


@pytest.mark.parametrize(
    ("limit", "hosts", "allowed"),
    [
        (Limits(max_failed=3), 100, 3),
        (Limits(max_failed=10, percent=True), 100, 10),
        (Limits(max_failed=10, percent=True), 9, 0),
        (Limits(max_failed=100, percent=True), 7, 7),
        (Limits(), 7, None),
    ],
)
def test_how_many_hosts_may_fail(limit: Limits, hosts: int, allowed: int | None) -> None:
    assert limit.allowed(hosts) == allowed


@pytest.mark.fault("limits")
def test_at_the_deadline_an_audit_stops_and_keeps_what_ended(tmp_path: Path) -> None:
    with demo_fleet(speed=1) as slow:
        space = Workspace.of(slow, tmp_path)
        code, printed, _ = space.run([*BUILD, "--deadline", "2", "--format", "json"], "s")
    audit = json.loads(printed)
    assert code == 2
    assert audit["seconds"] < 8
    stopped = [host for host in audit["hosts"] if host["status"] == "skipped"]
    assert stopped
    assert {host["reason"] for host in stopped} == {"stopped at the deadline of 2 s"}
    assert any(run["status"] == "cancelled" for run in audit["runs"])


@pytest.mark.fault("limits")
def test_a_build_that_takes_longer_than_the_timeout_is_ended(tmp_path: Path) -> None:
    with demo_fleet(speed=1) as slow:
        space = Workspace.of(slow, tmp_path)
        words = [*BUILD, "-w", "ci-2", "--scenarios", "buildkit-cold", "--timeout", "1"]
        code, printed, _ = space.run([*words, "--format", "json"], "s")
    audit = json.loads(printed)
    assert code == 2
    failed = [run for run in audit["runs"] if run["status"] == "failed"]
    assert failed
    assert all("1 seconds" in run["reason"] for run in failed)


def test_the_hosts_of_the_last_audit_that_failed_are_a_tag(space: Workspace) -> None:
    code, _, said = space.run([*BUILD, "-w", "@failed"], "s")
    assert (code, said.count("\n")) == (2, 1)
    assert "there is none in the store" in said
    add_hosts_that_are_down(space, 1)
    space.run([*BUILD, "-w", "ci-1,down-1"], "s")
    for tag in ("failed", "unreachable"):
        _, printed, _ = space.run([*BUILD, "-w", f"@{tag}", "--format", "json"], "s")
        assert [host["name"] for host in json.loads(printed)["hosts"]] == ["down-1"]
    _, printed, _ = space.run([*BUILD, "-x", "@unreachable", "--format", "json"], "s")
    assert "down-1" not in [host["name"] for host in json.loads(printed)["hosts"]]
    code, _, said = space.run([*BUILD, "-w", "@failed"], "s")
    assert code == 2
    assert "@failed: no host of hosts.toml failed in the last audit" in said


def test_a_tag_of_the_users_own_comes_first(space: Workspace) -> None:
    path = space.folder / "hosts.toml"
    path.write_text(
        path.read_text().replace('name = "ci-3"', 'name = "ci-3"\ntags = ["failed"]', 1)
    )
    text = path.read_text()
    if text.count("tags") > 1:  # the recorded fleet's own
        text = re.sub(
            r'(name = "ci-3"\ntags = \["failed"\])((?:\n(?!\[).*)*?)\ntags = .*', r"\1\2", text
        )
        path.write_text(text)
    _, printed, said = space.run([*BUILD, "-w", "@failed", "--format", "json"], "s")
    assert [host["name"] for host in json.loads(printed)["hosts"]] == ["ci-3"], said


@pytest.mark.fault("secret-in-messages")
def test_a_log_file_has_what_happened_and_no_secret(space: Workspace) -> None:
    path = space.folder / "log.txt"
    code, _, said = space.run([*BUILD, "-w", "ci-2", "--log-file", str(path)], "s")
    assert code in (0, 1), said
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "ci-2: connecting" in text
    assert "docker build" in text
    assert "ci-2: buildkit-as-found 1: ok" in text
    assert all(re.match(r"\d{4}-\d\d-\d\d |  ", line) for line in text.splitlines())
    before = len(text)
    space.run(["hosts", "-w", "ci-2", "--log-file", str(path)], "s")
    assert len(path.read_text()) > before
    both = ["-o", str(space.folder / "both"), "--log-file", str(space.folder / "." / "both")]
    code, _, said = space.run([*BUILD, *both], "s")
    assert (code, "both name" in said, (space.folder / "both").exists()) == (2, True, False)
    code, _, said = space.run([*BUILD, "--log-file", str(space.folder / "no" / "log")], "s")
    assert code == 2
    assert "no/log" in said.replace("\\", "/")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--max-fail", "many"], "N% from 0 to 100"),
        (["--max-fail", "101%"], "N% from 0 to 100"),
        (["--max-fail", "-1"], "N% from 0 to 100"),
        (["--max-fail", "2.5"], "N% from 0 to 100"),
        (["--timeout", "soon"], "--timeout 'soon': expected seconds"),
        (["--timeout", "0"], "no build is that fast"),
        (["--deadline", "-2h"], "--deadline '-2h': expected seconds"),
        (["--fan-out", "0"], "not in the range"),
    ],
)
def test_a_wrong_limit_is_one_message(space: Workspace, words: list[str], says: str) -> None:
    code, printed, said = space.run([*BUILD, *words], "s")
    assert (code, printed) == (2, "")
    assert says in said


@pytest.mark.fault("fleet-size")
def test_all_hosts_at_once_as_far_as_there_are_file_handles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = [1024, 4096]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: limits.__setitem__(0, new[0]))
    assert fan_out.room() == (4096 - 64) // 8
    assert limits == [4096, 4096]
    limits[:] = [72, 72]
    assert fan_out.room() == 1
