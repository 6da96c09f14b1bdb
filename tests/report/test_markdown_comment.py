"""Markdown as a comment on GitHub: what stands open, what is folded, and what it does to nobody."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from markupsafe import escape

from cachetui.compare.groups import fold, fold_short
from cachetui.config.host_patterns import select
from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.report.causes import Cause
from cachetui.report.formats import html, markdown
from cachetui.report.parts import MAX_COMMENT
from cachetui.report.reasons import MAX_FINDINGS, NEEDS, OTHERS, UNEXPLAINED, WHOLE
from tests import make_records as b
from tests.findings.making import audit, run, why
from tests.ragged_fleet import ragged_fleet
from tests.report.reports import report
from tests.report.test_html_escaping import STORIES, attacked, findings
from tests.tui.fake import settings

HOSTILE = (
    "`a`` ``` | </details></summary></code></td> @octocat ping@example.org #12 GH-7 !3 @a/b#4 "
    "http://x.example www.x.example HTTPS://x.example [a](b) ![c](d) <img src=x> <!-- $a$ $$b$$ "
    "**b** &amp; ~~s~~"
)


class Shown(HTMLParser):
    """The page that a comment becomes: its tags, balanced, and texts with the tags around them."""

    VOID = ("br", "hr")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.around: list[str] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        reader = MarkdownIt("gfm-like", {"html": True})
        assert reader.linkify is not None
        reader.linkify.set({"fuzzy_link": False})  # GitHub makes no link of a name with a dot
        self.feed(reader.render(text))
        self.close()
        assert self.around == []

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.around.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.around.pop() == tag

    def handle_startendtag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.VOID

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self.around), data))

    def open(self) -> str:
        """What is seen without a click."""
        hidden = [(around, text) for around, text in self.texts if "details" not in around]
        return " ".join(text for _, text in hidden)

    def folded(self) -> str:
        return " ".join(text for around, text in self.texts if "details" in around)


def hostile(document: Document) -> tuple[Document, Findings]:
    return attacked(document, attack=HOSTILE), attacked(findings(), attack=HOSTILE)


@pytest.mark.parametrize("story", STORIES)
def test_text_of_a_build_only_shows(story: str) -> None:
    text = markdown.render(report(*hostile(STORIES[story]), tail=[HOSTILE, "````", "</details>"]))
    page = Shown(text)
    assert not {"a", "img", "s", "i", "b"} & {*page.tags}
    for line in re.sub(
        r"^ *(`{3,})(?:text|sh)\n.*?^ *\1$", "", text, flags=re.S | re.M
    ).splitlines():
        assert "<summary>" in line or not re.search(r"www\.x(?![^<]*</code>)", line), "a link"
    assert page.tags.count("details") == page.tags.count("summary") > 0
    for around, shown in page.texts:
        if not {"code", "pre"} & {*around}:
            assert not re.search(r"@\w|[#!$&%~]\d|GH-\d", shown), "somebody is told of it"
            assert shown == "$" or shown.count("$") == 0, "GitHub makes a formula of it"
    assert any("</details></summary>" in shown for _, shown in page.texts)
    assert len(text) <= MAX_COMMENT


def test_causes_with_advice_are_open_and_tables_folded() -> None:
    page = Shown(markdown.render(report(b.troubled(), findings())))
    told = page.open()
    for text in ("Hosts differ", "far: unreachable", "title", "fact", "→ advice", "To learn more"):
        assert text in told, text
    in_tables = [each for each in page.texts if "table" in each[0] and each[1].strip()]
    assert in_tables[0][1] == "hosts", "the overview"
    assert "line" not in {text for around, text in in_tables if "details" not in around}
    below = page.folded()
    for text in (
        "buildkit-warm",
        "RUN python -m compileall -q /app",
        "npm ERR!",
        "the odd one out",
    ):
        assert text in below, text
    assert told.index("Hosts differ") < told.index("far: unreachable") < told.index("advice")


def test_without_a_cause_the_places_are_open() -> None:
    assert "line 15 COPY . /app: mid MISS" in Shown(markdown.render(report(b.odd_one_out()))).open()
    explained = Shown(markdown.render(report(b.odd_one_out(), findings())))
    assert "line 15 COPY . /app: mid MISS" not in explained.open()
    assert "line 15 COPY . /app: mid MISS" in explained.folded()


def test_the_summary_of_a_table_says_whether_hosts_agree() -> None:
    below = Shown(markdown.render(report(b.odd_one_out()))).folded()
    assert "buildkit-warm: hosts differ" in below
    assert "buildkit-cold: 4 hosts agree: 0/9 hits" in below


def test_a_comment_that_is_too_long_says_what_is_left_out() -> None:
    long = tuple("x" * 3000 for _ in range(9))
    failing = b.failing()
    document = attacked(b.fleet(64), attack="y" * 3000)
    text = markdown.render(report(document, tail=long))
    assert len(text) <= MAX_COMMENT
    assert text.startswith("## api")
    assert "Too long for here and left out: " in text
    assert Shown(text)
    assert "left out" not in markdown.render(report(failing))


def test_a_ragged_fleet_has_few_columns_in_each_scenario() -> None:
    text = "FROM base:1\nRUN one\nRUN two\nRUN three\n"
    letters = ("hhh", "hhm", "hmm", "mmm")
    scenarios = ("buildkit-cold", "buildkit-warm", "buildkit-as-found", "legacy-as-found")
    runs = [
        run(text, letters[number // 4**place % 4], host=f"ci-{number:02}", scenario=scenario)
        for number in range(80)
        for place, scenario in enumerate(scenarios)
    ]
    shown = markdown.render(report(audit(text, runs)))
    heads = [line for line in shown.splitlines() if line.startswith("| line ")]
    assert [head.count("|") - 3 for head in heads] == [4, 4, 4, 2]
    assert len(shown) < 8_000
    assert "A (20) = ci-\\[00,04,08," in shown


def test_every_host_of_a_cause_can_be_pasted_however_many_there_are() -> None:
    document = ragged_fleet()
    found = why(document)
    reasons: list[Cause] = [*found.findings[:MAX_FINDINGS], *found.unexplained[:MAX_FINDINGS]]
    cut = [reason for reason in reasons if fold_short(reason.hosts) != fold(reason.hosts)]
    assert len(cut) > 1
    shown = Shown(markdown.render(report(document, found)))
    blocks = [(around, text) for around, text in shown.texts if around[-2:] == ("pre", "code")]
    commands = [one for finding in found.findings for one in finding.commands]
    assert len(commands) == 4, "two ways for each of two platforms"
    folded = [text.strip() for around, text in blocks if "details" in around]
    pasted = [text for text in folded if text not in commands]
    long = [text for text in commands if text in folded]
    assert long == [max(commands, key=len)], "a loop over 150 hosts is no first look"
    typed = [text.strip() for around, text in blocks if "details" not in around]
    needed = [*dict.fromkeys(need.command for need in found.needs)]
    assert typed == [*(one for one in commands if one not in long), *needed]
    hosts = settings(document).hosts
    selected = [{host.name for host in select(hosts, (text,))} for text in pasted]
    assert selected == [{*reason.hosts} for reason in cut]
    assert WHOLE not in markdown.render(report(document, found, max_findings=None)), "named already"
    page = html.render(report(document, found))
    assert all(text in page for text in pasted)
    assert all(str(escape(text)) in page for text in (*commands, *needed))


def test_what_to_do_about_what_is_unexplained_stands_next_to_it() -> None:
    document = ragged_fleet()
    shown = Shown(markdown.render(report(document, why(document))))
    text = "".join(shown for around, shown in shown.texts if "details" not in around)
    at = [text.index(words) for words in (UNEXPLAINED, NEEDS, "cachetui run api", OTHERS)]
    assert at == sorted(at)
    page = html.render(report(document, why(document)))
    heads = re.findall("<h2>(.*?)</h2>", page)
    assert heads[heads.index(UNEXPLAINED) :][:3] == [UNEXPLAINED, NEEDS, OTHERS]
    assert 'the whole command</summary>\n<pre class="command">for h in ci-4 ci-5 ' in page


def test_hosts_of_one_trouble_are_one_line() -> None:
    down = [b.unreachable(f"ci-{number}") for number in range(1, 41)]
    shown = markdown.render(report(b.document([], down)))
    (line,) = [line for line in shown.splitlines() if "refused" in line]
    assert line.startswith(
        r"- ci-\[1-40\]: unreachable: ci-\[1-40\].example.com:22 refused the connection. To do: "
    )


def test_all_places_count_though_some_are_listed() -> None:
    document = ragged_fleet()
    made = report(document, why(document))
    text = markdown.render(made)
    listed = text.partition("<details><summary>Where hosts differ (")[2]
    number, below = int(listed.partition(")")[0]), listed.partition("</details>")[0]
    *places, last = re.findall(r"^- (.*)$", below, re.M)
    assert number == len(places) + int(last.split()[2]) > len(places)
    assert last == f"and in {number - len(places)} more places"
    assert f"Where hosts differ ({number})</summary>" in html.render(made)
