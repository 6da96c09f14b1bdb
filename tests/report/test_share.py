"""What an experiment with shared caches showed, in the formats that people read."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from cachetui.cli.main import cli
from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.report.audit_report import AuditReport
from cachetui.report.formats import html, markdown
from cachetui.report.share import lay_out_share
from cachetui.report.view import lay_out
from tests.findings.making import why
from tests.share.recorded import recorded_share


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return recorded_share(tmp_path_factory.mktemp("recorded") / "s")[1]


def report(document: Document) -> AuditReport:
    return AuditReport(document=document, findings=Findings())


class _Rows(HTMLParser):
    """The rows of a page's tables, each a list of (class, text)."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[tuple[str, str]]] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self._in_cell = True
            self.rows[-1].append((dict(attrs).get("class") or "", ""))

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            style, text = self.rows[-1][-1]
            self.rows[-1][-1] = (style, text + data)


def rows_of(document: Document) -> list[list[tuple[str, str]]]:
    parser = _Rows()
    parser.feed(html.render(report(document)))
    return parser.rows


def test_the_page_has_every_step_and_kind(document: Document) -> None:
    assert document.share is not None
    rows = [[text for _, text in row] for row in rows_of(document)]
    for table in lay_out_share(document, document.share).tables:
        assert ["line", "step", *table.columns] in rows
        for row in (*table.rows, *table.totals):
            line = "" if row.line is None else str(row.line)
            expected = [line, row.text, *row.cells]
            assert [text for text in expected if text] in [
                [text for text in each if text] for each in rows
            ]


def test_what_is_not_kept_stands_out(document: Document) -> None:
    cells = {cell for row in rows_of(document) for cell in row}
    assert ("miss", "○ not kept") in cells
    assert ("hit", "✓ kept") in cells


def test_hostile_text_is_text(document: Document) -> None:
    share = document.share
    assert share is not None
    hostile = msgspec.structs.replace(share, exporter="<b>x</b>|`y`\x1b[31m")
    changed = msgspec.structs.replace(document, share=hostile)
    page = html.render(report(changed))
    assert "<b>x" not in page
    assert "\x1b" not in page
    comment = markdown.render(report(changed))
    assert "<b>x" not in comment
    assert "\x1b" not in comment


def test_history_says_what_came_out(tmp_path: Path) -> None:
    recorded_share(tmp_path / "s")[0].close()
    words = ["history", "--store", str(tmp_path / "s")]
    done = CliRunner().invoke(cli, words)
    assert "use local-max: it keeps all RUN steps on mid,new" in done.output, done.output


def test_the_comment_has_the_tables(document: Document) -> None:
    text = markdown.render(report(document))
    assert "| line | step | built cold | local-max | registry-min |" in text
    assert "○ not kept" in text
    assert "### exported by ctd" in text


def test_what_each_kind_keeps_is_told_as_that(document: Document) -> None:
    """Its lines are no places where hosts differ, whether rules found something or not."""
    assert document.share is not None
    lines = lay_out(document, Findings(), lambda *_: []).verdict[1:]
    assert lines
    for found in (Findings(), why(document)):
        page = html.render(AuditReport(document=document, findings=found))
        assert "Where hosts differ" not in page
        assert all(page.count(escape(line, quote=True)) == 1 for line in lines)
