"""The first frame: there before Textual is, and gone when something fails."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from cachetui.tui.first_frame import first_frame, lines
from tests.tui.driving import Driver, drive


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_is_drawn_without_textual() -> None:
    code = (
        "import sys, io\n"
        "from cachetui.tui.first_frame import first_frame\n"
        "class Screen(io.StringIO):\n    isatty = lambda self: True\n"
        "out = Screen()\n"
        "with first_frame(out): pass\n"
        "assert 'Reading' in out.getvalue()\n"
        "assert not {'textual', 'rich', 'click', 'msgspec'} & set(sys.modules)\n"
    )
    env = {"TERM": "xterm", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=env)


def test_it_stands_where_the_app_will_have_it() -> None:
    async def story(d: Driver) -> None:
        await d.see("r runs api")
        shown = d.text().splitlines()
        drawn = lines(*d.app.size)
        assert shown[0].startswith(drawn[0])
        assert shown[1] == drawn[1].rstrip()

    drive(story, opened=False)


def test_what_fails_leaves_the_terminal_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Screen()
    with pytest.raises(ZeroDivisionError), first_frame(out):
        raise ZeroDivisionError
    assert out.getvalue().endswith("\x1b[?1049l\x1b[?25h")


def test_without_a_terminal_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = io.StringIO()
    with first_frame(out):
        pass
    dumb = Screen()
    monkeypatch.setenv("TERM", "dumb")
    with first_frame(dumb):
        pass
    assert out.getvalue() == dumb.getvalue() == ""


def test_no_line_is_longer_than_the_terminal() -> None:
    assert all(len(line) <= 20 for line in lines(20, 10))
    assert len(lines(80, 1)) == 1
