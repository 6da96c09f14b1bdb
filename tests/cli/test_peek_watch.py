"""`peek --watch`: what it prints, keeps and refuses. No host is reached."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cachetui.audit.peek_results import Peek
from cachetui.cli.peek_watch import Look, watch, watch_interval
from cachetui.config.settings import Settings
from cachetui.config.toml_table import ConfigError
from cachetui.core import Core, UserError
from cachetui.exit_codes import DIFFERENT, GATE, INTERRUPTED, SAME
from cachetui.store.database import Store
from tests.audit.test_peek_changes import COLD, WARM, peek
from tests.make_records import document


@pytest.fixture
def core(tmp_path: Path) -> Core:
    core = Core(Settings(path=None, hosts=(), builds={}), Store(tmp_path))
    for audit in ("first", "second", "third"):
        core.store.keep_audit(replace(document(), audit=audit))
    return core


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The sleeps asked for, none of which is slept."""
    sleeps: list[float] = []
    monkeypatch.setattr(time, "sleep", sleeps.append)
    return sleeps


def looks(*each: Look | Exception | None) -> Callable[[], Look | None]:
    """Further looks in turn; then Ctrl-C."""
    left: Iterator[Look | Exception | None] = iter(each)

    def look() -> Look | None:
        seen = next(left, Look(peek(WARM), INTERRUPTED))
        if isinstance(seen, Exception):
            raise seen
        return seen

    return look


def seen(peeked: Peek, audit: str, code: int = SAME) -> Look:
    return Look(replace(peeked, audit=audit), code)


def test_only_news_is_printed_and_kept(
    core: Core, slept: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    same, cold = seen(peek(WARM), "second"), seen(peek(COLD), "third", DIFFERENT)
    code = watch(seen(peek(WARM), "first"), looks(same, cold), core, 900.0, "table")
    assert code == INTERRUPTED
    out = capsys.readouterr()
    assert out.out.count("went cold at line 9") == 1
    assert len(out.out.splitlines()) == 4  # the first table, and the news
    assert "looking again every 15 min" in out.err
    assert {entry.audit for entry in core.store.audits()} == {"first", "third"}
    assert all(890 < pause <= 900 for pause in slept[:1])


@pytest.mark.usefixtures("slept")
def test_a_look_that_cannot_be_made_ends_nothing(
    core: Core, capsys: pytest.CaptureFixture[str]
) -> None:
    later = looks(UserError("no Dockerfile at /x"), seen(peek(COLD), "second", DIFFERENT))
    assert watch(seen(peek(WARM), "first"), later, core, 60.0, "jsonl") == INTERRUPTED
    out = capsys.readouterr()
    assert "could not look: no Dockerfile at /x" in out.err
    assert [line.split('"change":"')[1].split('"')[0] for line in out.out.splitlines()] == [
        "first",
        "cold",
    ]


@pytest.mark.usefixtures("slept")
def test_a_finding_of_the_gate_ends_it(core: Core) -> None:
    later = looks(seen(peek(WARM), "second"), seen(peek(COLD), "third", GATE))
    assert watch(seen(peek(WARM), "first"), later, core, 60.0, "table") == GATE
    assert watch(seen(peek(COLD), "first", GATE), looks(), core, 60.0, "table") == GATE


@pytest.mark.fault("interrupted")
def test_ctrl_c_while_waiting_ends_it(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupted)
    assert watch(seen(peek(WARM), "first"), looks(), core, 60.0, "table") == INTERRUPTED


@pytest.mark.parametrize(
    ("text", "output_format", "output", "says"),
    [
        ("soon", "table", None, "30m, 12h, 7d"),
        ("9", "table", None, "the shortest is 10s"),
        ("0", "table", None, "the shortest is 10s"),
        ("15m", "json", None, "table or jsonl"),
        ("15m", "markdown", None, "table or jsonl"),
        ("15m", "table", Path("x"), "redirect the output"),
    ],
)
def test_what_cannot_be_watched(
    text: str, output_format: str, output: Path | None, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        watch_interval(text, output_format, output)


def test_intervals() -> None:
    assert watch_interval(None, "json", Path("x")) is None
    assert watch_interval("15m", "jsonl", None) == 900


def test_agreement_is_asked_for_once_a_host(tmp_path: Path) -> None:
    marks = Store(tmp_path).marks
    assert marks.not_agreed(["a", "b"]) == ("a", "b")
    marks.agree(["a"])
    assert Store(tmp_path).marks.not_agreed(["a", "b"]) == ("b",)
