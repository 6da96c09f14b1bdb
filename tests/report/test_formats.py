"""JSON, Markdown, HTML and the table of hosts: whole, escaped, and true to their formats."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

import jsonschema
import msgspec
import pytest
from markdown_it import MarkdownIt

from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.records.host import HostReport
from cachetui.report import cells, hosts
from cachetui.report.formats import html, markdown
from cachetui.report.formats import json as json_format
from tests import make_records as b
from tests.report.reports import report
from tests.report.test_clean import forbidden
from tests.report.test_table import STORIES

story = pytest.mark.parametrize("make", STORIES.values(), ids=STORIES.keys())
Make = Callable[[], Document]


# JSON


@story
def test_json_is_what_its_schema_says(make: Make) -> None:
    schema = json_format.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    raw = json_format.encode(make(), Findings())
    jsonschema.validate(json.loads(raw), schema)
    assert forbidden(raw.decode(), "\n") == []


def test_json_has_every_key_of_the_contract() -> None:
    audit = json.loads(json_format.encode(b.troubled(), Findings()))
    assert {"schema", "audit", "build", "hosts", "runs"} <= audit.keys()
    assert audit["schema"] == 1
    assert {"name", "context_digest", "dockerfile", "target"} <= audit["build"].keys()
    assert audit["build"]["target"] is None
    host_keys = {"name", "status", "reason", "engine", "buildx", "store", "backends"}
    run_keys = {
        "host", "scenario", "repeat", "status", "reason", "stored", "seconds", "hit_ratio",
        "steps", "image",
    }  # fmt: skip
    step_keys = {
        "stage", "stage_index", "index", "line", "instruction", "status", "seconds", "timing",
    }  # fmt: skip
    for host in audit["hosts"]:
        assert host_keys | {"left_behind_bytes"} <= host.keys()
    for run in audit["runs"]:
        assert run_keys <= run.keys()
        assert all(step_keys <= step.keys() for step in run["steps"])
        assert run["image"] is None or {"id", "layers", "bytes"} <= run["image"].keys()


def test_the_schema_wants_what_the_contract_has() -> None:
    schema = json_format.schema()
    audit = json.loads(json_format.encode(b.document(), Findings()))
    del audit["runs"][0]["hit_ratio"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(audit, schema)


def test_json_reads_back_as_the_same_audit() -> None:
    assert (
        msgspec.json.decode(json_format.encode(b.troubled(), Findings()), type=Document)
        == b.troubled()
    )


# Markdown


@story
def test_markdown_shows_text_as_itself(make: Make) -> None:
    text = markdown.render(report(make(), tail=[b.HOSTILE, "````", "| x |"]))
    assert forbidden(text, "\n") == []
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    assert "<script" not in page
    assert "<em>b</em>" not in page
    assert not re.search(r"<a |<img ", page)
    for table in re.findall(r"<table>.*?</table>", page, re.DOTALL):
        rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
        assert len({len(re.findall(r"<t[dh]", row)) for row in rows}) == 1


def test_markdown_says_the_same_as_the_table() -> None:
    text = markdown.render(report(b.odd_one_out()))
    assert "**≠ Hosts differ: no cause found.**" in text
    assert "**≠ MISS 12.1s**" in text
    assert "| 15 | <code>COPY . /app</code> | ✓ HIT 0.0s | **≠ MISS 0.2s** | ✓ HIT 0.0s" in text
    failed = markdown.render(report(b.failing(), tail=["```", "the end"]))
    assert "````text\n```\nthe end\n````" in failed


# HTML


class _Page(HTMLParser):
    """Collects tags with their attributes, and checks that they are closed in order."""

    VOID = ("meta",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@story
def test_html_stands_alone_and_runs_nothing(make: Make) -> None:
    text = html.render(report(make(), tail=[b.HOSTILE, "</pre><script>alert(2)</script>"]))
    assert forbidden(text, "\n") == []
    page = _Page(text)
    assert page.open == []
    allowed = (
        "html head meta title style body header section h1 h2 h3 p ul li div table thead tbody "
        "tfoot tr th td pre code details summary span i"
    )
    assert {tag for tag, _ in page.tags} <= set(allowed.split())
    for _, attributes in page.tags:
        assert not {"src", "href", "onerror", "onload"} & attributes.keys()
        assert re.fullmatch(r"(left:[\d.]+%;width:[\d.]+%)?", attributes.get("style") or "")
    policy = next(a["content"] for t, a in page.tags if "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "url(" not in text
    assert "@import" not in text


def test_html_has_table_failures_timeline_hosts_and_verdict() -> None:
    text = " ".join(_Page(html.render(report(b.troubled(), now=b.NOW + 4000))).text)
    for said in (
        "≠ Hosts differ: no cause found.",
        "≠ FAIL",
        "npm ERR! code ELIFECYCLE",
        "the critical path was at work for",
        "line 8 started before line 4: it builds on nothing of stage deps",
        "containerd/overlayfs",
        "3 h old",
    ):
        assert said in text, said


def test_html_of_a_dockerfile_that_cannot_be_read_has_a_timeline_without_reasons() -> None:
    text = html.render(report(b.document(text="NONSENSE")))
    assert "critical path" in text
    assert "builds on nothing" not in text


# Hosts


def fleet() -> list[HostReport]:
    legacy_gone = b.facts(backends=("buildkit",), missing={"legacy": "this engine has none"})
    return [
        *b.four_hosts(),
        b.unreachable("far"),
        b.host("busy", facts=b.facts(load=12.5)),
        b.host("next", facts=legacy_gone),
        *b.hostile().hosts,
    ]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_table_of_hosts_keeps_within_its_width(width: int) -> None:
    text = hosts.table(fleet(), width=width, color=False)
    assert max(cells.width(line) for line in text.splitlines()) <= width
    assert forbidden(text, "\n") == []


def test_the_table_of_hosts_says_what_is_amiss() -> None:
    text = " ".join(hosts.table(fleet(), width=250, color=False).split())
    assert "old 20.10.24 – overlay2 legacy, buildkit linux/amd64 8 3.1 16.6 GB" in text
    assert "✗ far: unreachable: far.example.com:22 refused the connection. To do: is" in text
    assert "! next: no legacy: this engine has none" in text
    assert "! busy: loaded (12.5 on 8 cores)" in text


def test_hosts_in_markdown_are_one_table() -> None:
    page = MarkdownIt("commonmark").enable("table").render(hosts.markdown(fleet()))
    assert page.count("<table>") == 1
    assert "<script" not in page
    assert page.count("<tr>") == len(fleet()) + 1


def test_no_hosts_is_no_error() -> None:
    assert hosts.table([], width=80, color=True)
    assert hosts.markdown([])
