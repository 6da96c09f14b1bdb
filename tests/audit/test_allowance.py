"""A host outside of its hours, or built on as often as it may be, is not asked at all."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cachetui.audit import allowance
from cachetui.audit.allowance import count_build, not_now
from cachetui.config.hours import Hours
from cachetui.config.settings import HostSettings, Settings, folder_build
from cachetui.core import Core, Options
from cachetui.hosts.machine import HostError
from cachetui.store.database import Store
from tests.sample_builds import PLAIN, folder


def hours(*, inside: bool) -> Hours:
    """Some that now is in, or not."""
    now = time.localtime()
    minute = now.tm_hour * 60 + now.tm_min
    begin = minute - 60 if inside else minute + 60
    return Hours(begin % 1440, (begin + 120) % 1440)


def test_the_hours(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert not_now(HostSettings(name="h", address="local"), store) is None
    there = HostSettings(name="h", address="local", only_between=hours(inside=True))
    assert not_now(there, store) is None
    outside = hours(inside=False)
    away = HostSettings(name="h", address="local", only_between=outside)
    assert not_now(away, store) == f"outside {outside}"


def test_the_builds_of_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    host = HostSettings(name="h", address="local", max_builds_per_day=2)
    other = HostSettings(name="h:2", address="local", max_builds_per_day=2)
    for _ in range(2):
        assert not_now(host, store) is None
        count_build(host, store)
    assert not_now(host, store) == "max_builds_per_day (2) is reached"
    assert not_now(host, Store(tmp_path)) is not None
    assert not_now(other, store) is None
    monkeypatch.setattr(allowance, "_day", lambda _: "2999-01-01")
    assert not_now(host, store) is None
    count_build(host, store)
    monkeypatch.undo()
    assert not_now(host, store) is None  # the days before are forgotten


class Nobody:
    """A connector that must not be used."""

    def connect(self, *_: object) -> None:
        raise AssertionError("it was asked")


@pytest.mark.fault("not-now")
def test_it_is_not_asked(tmp_path: Path) -> None:
    outside = hours(inside=False)
    host = HostSettings(name="h", address="h.example.com", only_between=outside)
    core = Core(
        Settings(path=tmp_path / "hosts.toml", hosts=(host,), builds={}), Store(tmp_path / "s")
    )
    core.connector = Nobody()  # type: ignore[assignment]
    audit = core.prepare(folder_build(folder(tmp_path / "b", PLAIN)), [host], Options())
    document = audit.run()
    assert document.runs == ()
    assert [(h.status, h.reason) for h in document.hosts] == [
        ("skipped", f"not asked: outside {outside}")
    ]
    assert {cell.state for cell in audit.snapshot().cells} == {"cancelled"}
    with pytest.raises(HostError, match=f"not asked: outside {outside}"):
        audit.rehearse(host)
