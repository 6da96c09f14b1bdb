"""Hosts that are asked for their facts: each answer as it comes, and none after the end."""

from __future__ import annotations

import threading

import pytest

from cachetui.config.settings import HostSettings
from cachetui.hosts import ask
from cachetui.hosts.ask import ask_hosts
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.records.host import HostReport

HOSTS = [HostSettings(name=name, address=name) for name in ("ci-1", "ci-2", "ci-3")]


class Refusing:
    """Refuses `ci-1`, fails in an unforeseen way on `ci-2`, and lets `ci-3` wait for the end."""

    def connect(self, host: HostSettings, cancel: Cancel | None = None) -> Machine:
        if host.name == "ci-1":
            raise HostError("ci-1", "unreachable", "nothing listens there", "start sshd")
        if host.name == "ci-2":
            raise ZeroDivisionError("unforeseen")
        assert cancel is not None
        while not cancel.is_set():
            threading.Event().wait(0.005)
        raise HostError("ci-3", "cancelled", "cancelled", "")


def test_each_answer_is_told_as_it_comes_and_none_after_the_end() -> None:
    came: dict[str, HostReport] = {}
    cancel = threading.Event()

    def told(report: HostReport) -> None:
        came[report.name] = report
        if len(came) == 2:
            cancel.set()

    ask_hosts(Refusing(), HOSTS, told, cancel)
    assert set(came) == {"ci-1", "ci-2"}
    assert (came["ci-1"].status, came["ci-1"].remedy) == ("unreachable", "start sshd")
    assert came["ci-2"].status == "failed"
    assert "unforeseen" in (came["ci-2"].reason or "")


def test_what_looks_through_the_disk_is_asked_only_when_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []

    class Open:
        def connect(self, host: HostSettings, cancel: Cancel | None = None) -> Machine:
            del host, cancel

            class Closing:
                def close(self) -> None: ...

            return Closing()  # type: ignore[return-value]

    def facts(*_: object, usage: bool, **__: object) -> None:
        asked.append(usage)
        raise HostError("ci-1", "no-docker", "no docker", "")

    monkeypatch.setattr(ask, "ask_facts", facts)
    for usage in (True, False):
        ask_hosts(Open(), HOSTS[:1], lambda _: None, threading.Event(), usage=usage)
    assert asked == [True, False]
