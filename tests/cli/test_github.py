"""What a job of GitHub Actions shows by itself."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from msgspec.structs import replace

from cachetui.cli import github
from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.report.audit_report import Compared
from tests import make_records as b
from tests.docs.console import Workspace
from tests.findings.making import audit, before, run, why
from tests.ragged_fleet import ragged_fleet
from tests.report.reports import report

COMMAND = re.compile(r"^::(warning|error) title=([^:,\n]*)::([^\n]*)$")
TEXT = "FROM base:1\nRUN one\nRUN two\n"


HOSTS = ("ci-1", "ci-2", "ci-3")


def fleet(*letters: str) -> Document:
    """Three hosts, each with its letters."""
    each = zip(HOSTS, letters, strict=True)
    return audit(TEXT, [run(TEXT, own, host=host) for host, own in each])


def found(document: Document) -> Findings:
    return why(document, before(TEXT.replace("one", "uno"), "hh", names=HOSTS))


def said(document: Document, findings: Findings) -> list[tuple[str, str, list[str]]]:
    """(kind, title, lines of text) of each annotation."""
    matches = [COMMAND.match(line) for line in github.commands(report(document, findings))]
    assert all(matches)
    return [(m[1], unquote(m[2]), unquote(m[3]).split("\n")) for m in matches if m]


def test_each_cause_is_an_annotation_with_what_to_do() -> None:
    document = fleet("mm", "hh", "hh")
    findings = found(document)
    (cause,) = findings.findings
    assert said(document, findings) == [
        ("warning", "api: build-changed:2 (proved)", [cause.title, cause.advice])
    ]


def test_where_hosts_agree_there_is_no_annotation() -> None:
    document = fleet("mm", "mm", "mm")
    findings = found(document)
    assert findings.findings
    assert said(document, findings) == []


def test_a_host_alone_is_annotated_with_why_it_missed() -> None:
    document = audit(TEXT, [run(TEXT, "mm")])
    findings = found(document)
    (cause,) = findings.findings
    assert [title for _, title, _ in said(document, findings)] == ["api: build-changed:2 (proved)"]
    unsure = replace(cause, confidence="possible")
    assert said(document, Findings(findings=(unsure,))) == []


def test_hosts_in_trouble_are_errors_those_alike_together() -> None:
    down = [
        b.host(f"ci-{number}", status="unreachable", reason="no route", remedy="look at it")
        for number in range(2, 9)
    ]
    late = b.host("late", status="skipped", reason="not at this hour", remedy=None)
    document = replace(b.document([], [*down, late]))
    assert said(document, Findings()) == [
        ("error", "api: ci-[2-8] unreachable", ["no route", "look at it"]),
        ("warning", "api: late skipped", ["not at this hour"]),
    ]


def test_a_build_that_failed_is_an_error_with_its_step() -> None:
    kind, title, lines = said(b.failing(), Findings())[0]
    assert (kind, title.split(" on ")[1]) == ("error", "new")
    assert lines[0].startswith("failed: ")
    assert lines[1].startswith("line 9: RUN npm")


def test_what_is_worse_than_an_earlier_audit_is_an_error() -> None:
    lines = ("worse than 1-night:", "buildkit-as-found on ci-1: line 2 missed now")
    worse = report(fleet("hh", "hh", "hh"), compared=Compared(lines, worse=True))
    (line,) = github.commands(worse)
    command = COMMAND.match(line)
    assert command is not None
    assert command[1] == "error"
    assert unquote(command[2]) == "api: worse than 1-night"
    assert unquote(command[3]) == lines[1]
    fine = report(fleet("hh", "hh", "hh"), compared=Compared(("not worse",), worse=False))
    assert github.commands(fine) == []


def test_a_difference_without_a_cause_is_told_with_its_place() -> None:
    ((kind, title, lines),) = said(b.odd_one_out(), Findings())
    assert (kind, title) == ("warning", "api: no cause found")
    assert lines[0] == "Hosts differ: no cause found."
    assert lines[1].startswith("buildkit-warm, line 15 COPY . /app: mid MISS")


@pytest.mark.parametrize("text", ["100% off", "a\n::error::b", "a\r\n::stop-commands::x", "a,b: c"])
def test_text_of_a_build_is_no_command(text: str) -> None:
    document = fleet("mm", "hh", "hh")
    first = replace(found(document).findings[0], title=text, name=text, advice=text)
    down = b.host("x", status="failed", reason=text, remedy=text)
    troubled = replace(document, hosts=(*document.hosts, down))
    lines = github.commands(report(troubled, Findings(findings=(first,))))
    assert len(lines) == 2
    for line in lines:
        assert COMMAND.match(line)
        assert "\n" not in line
        assert "\r" not in line


def test_github_shows_ten_of_a_kind_and_the_last_says_how_many_more() -> None:
    document = fleet("mm", "hh", "hh")
    first = found(document).findings[0]
    many = Findings(findings=tuple(replace(first, name=f"n{i}") for i in range(30)))
    told = said(document, many)
    assert len(told) == github.MAX_ANNOTATIONS
    assert told[-1][1] == "api: and 21 more"


def test_the_summary_is_appended_and_never_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    told, variables = report(b.odd_one_out()), {"GITHUB_STEP_SUMMARY": str(summary)}
    earlier = "é" * 1000 + "\n"

    def publish(limit: int) -> str:
        monkeypatch.setattr(github, "MAX_SUMMARY", limit)
        summary.write_text(earlier, "utf-8")
        github.publish(told, variables)
        assert len(summary.read_bytes()) <= max(limit, len(earlier.encode()))
        text = summary.read_text("utf-8")
        assert text.startswith(earlier)
        return text.removeprefix(earlier)

    whole = publish(1_000_000)
    assert whole.startswith("## api\n")
    for limit in range(2_300, 8_000, 150):
        cut = publish(limit)
        assert cut.startswith("## api\n")
        assert cut.count("<details>") == cut.count("</details>")
        assert cut == whole or cut.endswith("shows all.\n")
    assert publish(2_010) == ""
    assert "is full: the audit is not in it" in capsys.readouterr().err


def test_a_summary_that_cannot_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    github.publish(report(b.document()), {"GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "s.md")})
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_elsewhere_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    document = fleet("mm", "hh", "hh")
    github.publish(report(document, found(document)), {})
    assert capsys.readouterr() == ("", "")


def test_run_does_it_by_itself(space: Workspace, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    variables = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    words = ["run", "shop", "--as-found", "--format", "json", "--progress", "quiet"]
    _, printed, talk = space.run(words, "s", variables)
    assert printed.startswith("{")
    assert "::" not in printed.partition("{")[0]
    assert sum(line.startswith("::warning title=shop%3A ") for line in talk.splitlines()) >= 4
    assert summary.read_text().startswith("## shop")


def test_what_is_unexplained_says_what_would_tell_more() -> None:
    document = ragged_fleet()
    told = [text for _, title, text in said(document, why(document)) if "unexplained" in title]
    assert len(told) == 3
    assert all(any(line.startswith("To learn more: ") for line in lines) for lines in told)
    assert all(lines[-1] == "cachetui run api --as-found" for lines in told)
