"""What a job of GitHub Actions shows by itself."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from msgspec.structs import replace

from cachetui.cli import github
from cachetui.findings import Findings
from tests import make_records as b
from tests.docs.console import Workspace
from tests.findings.making import audit, before, run, why
from tests.report.reports import report

COMMAND = re.compile(r"^::warning title=([^:,\n]*)::([^\n]*)$")
TEXT = "FROM base:1\nRUN one\nRUN two\n"


def found() -> Findings:
    document = audit(TEXT, [run(TEXT, "mm"), run(TEXT, "hh", host="ci-2")])
    return why(document, before(TEXT.replace("one", "uno"), "hh"))


def test_each_cause_is_an_annotation_with_what_to_do() -> None:
    findings = found()
    (line,) = github.warnings_of(report(b.document(), findings))
    command = COMMAND.match(line)
    assert command is not None
    assert unquote(command[1]) == "api: build-changed:2"
    title, advice = unquote(command[2]).split("\n")
    assert (title, advice) == (findings.findings[0].title, findings.findings[0].advice)


@pytest.mark.parametrize("text", ["100% off", "a\n::error::b", "a\r\n::stop-commands::x", "a,b: c"])
def test_text_of_a_build_is_no_command(text: str) -> None:
    first = replace(found().findings[0], title=text, name=text, advice=text)
    (line,) = github.warnings_of(report(b.document(), Findings(findings=(first,))))
    assert COMMAND.match(line)
    assert "\n" not in line
    assert "\r" not in line


def test_github_shows_ten_at_most() -> None:
    first = found().findings[0]
    many = Findings(findings=tuple(replace(first, name=f"n{i}") for i in range(30)))
    assert len(github.warnings_of(report(b.document(), many))) == github.MAX_ANNOTATIONS


def test_the_summary_is_appended_and_never_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    github.publish(report(b.odd_one_out()), {"GITHUB_STEP_SUMMARY": str(summary)})
    whole = summary.read_text()
    assert whole.startswith("before\n## ")
    monkeypatch.setattr(github, "MAX_SUMMARY", 600)
    summary.write_text("")
    github.publish(report(b.odd_one_out()), {"GITHUB_STEP_SUMMARY": str(summary)})
    cut = summary.read_text()
    assert len(cut) < 700
    assert cut.endswith("`cachetui show last` has it.\n")
    assert whole.startswith("before\n" + cut[:100])


def test_a_summary_that_cannot_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    github.publish(report(b.document()), {"GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "s.md")})
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_elsewhere_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    github.publish(report(b.document(), found()), {})
    assert capsys.readouterr() == ("", "")


def test_run_does_it_by_itself(space: Workspace, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    variables = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    words = ["run", "shop", "--as-found", "--format", "json", "--progress", "quiet"]
    _, printed, said = space.run(words, "s", variables)
    assert printed.startswith("{")
    assert "::" not in printed.partition("{")[0]
    assert sum(line.startswith("::warning title=shop%3A ") for line in said.splitlines()) >= 4
    assert summary.read_text().startswith("## shop")
