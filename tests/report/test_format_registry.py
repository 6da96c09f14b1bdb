"""A format is one file: its name is the choice of `--format`, and the app offers it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cachetui.report import formats
from tests import make_records as b
from tests.report.reports import report

SHOUT = """
from cachetui.report.formats import Format

FORMAT = Format(
    render=lambda report: report.document.audit.upper() + "\\n",
    title="Shout",
    description="in capitals",
    suffix="shout",
    readers="programs",
)
"""


def test_every_format_renders_an_audit() -> None:
    assert formats.names()[0] == formats.DEFAULT
    assert {"table", "json", "markdown", "html"} <= set(formats.names())
    for name in formats.names():
        text = formats.load(name).render(report(b.troubled()))
        assert b.troubled().runs[0].host in text
        assert text.endswith("\n")


def test_the_app_offers_pages_first_and_no_table() -> None:
    offered = [name for name, _ in formats.for_files()]
    assert offered[:2] == ["html", "markdown"]
    assert "json" in offered
    assert "table" not in offered
    suffixes = [output_format.suffix for _, output_format in formats.for_files()]
    assert len(set(suffixes)) == len(suffixes)


def test_one_more_file_is_one_more_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shout.py").write_text(SHOUT)
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    try:
        assert "shout" in formats.names()
        assert formats.load("shout").render(report(b.document())) == "A1B2C3D4\n"
        assert "shout" in dict(formats.for_files())
    finally:
        sys.modules.pop("cachetui.report.formats.shout", None)


def test_the_command_line_offers_every_format() -> None:
    from cachetui.cli.main import cli

    for command in ("run", "show"):
        shown = CliRunner().invoke(cli, [command, "--help"]).stdout
        assert f"[{'|'.join(formats.names())}]" in shown
