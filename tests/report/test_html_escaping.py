"""Every value of the HTML page is escaped, whatever slot it goes into."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import msgspec
import pytest
from jinja2 import UndefinedError

from cachetui.findings import Evidence, Finding, Findings, Need, Unexplained
from cachetui.records.document import Document
from cachetui.report.formats import html
from cachetui.report.outputs.page import Page, PagePath, PageStep
from cachetui.report.outputs.view import Cell, Row
from tests import make_records as b
from tests.report.reports import report

ATTACK = "<b id=x>\"'&</b>"
ESCAPED = re.compile(r"&lt;b id=x&gt;&#34;&#39;&amp;&lt;/b&gt;")
WORDS = {
    "status", "confidence", "kind", "mode", "verdict", "timing", "backend", "backends", "keyword",
    "dockerfile_text",
}  # fmt: skip
"""Fields whose values are ours: one of a few words. The Dockerfile must stay one."""


def attacked(value: Any, field: str = "", attack: str = ATTACK) -> Any:
    """The value with the attack behind every text in it, but for words of ours."""
    if field in WORDS:
        return value
    if isinstance(value, str):
        return f"{value} {attack}"
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return type(value)(**{name: attacked(own, name, attack) for name, own in fields.items()})
    if isinstance(value, tuple):
        return tuple(attacked(each, field, attack) for each in value)
    if isinstance(value, dict):
        return {
            attacked(key, field, attack): attacked(each, field, attack)
            for key, each in value.items()
        }
    return value


def findings() -> Findings:
    evidence = (Evidence(kind="facts", text="fact"),)
    return Findings(
        findings=(
            Finding(
                id="base-drift",
                name="base-drift:1",
                title="title",
                confidence="proved",
                hosts=("old",),
                backends=("legacy",),
                scenarios=("legacy-warm",),
                steps=(),
                evidence=evidence,
                advice="advice",
            ),
        ),
        unexplained=(
            Unexplained(
                title="open",
                hosts=("old",),
                backends=("legacy",),
                facts=evidence,
                suspects=("base-drift",),
            ),
        ),
        needs=(Need(id="cold-mount-slow", text="need"),),
    )


def images() -> Page:
    """The section of images with the attack in each of its texts."""
    cell = Cell("content", ATTACK, None)
    return Page(
        heading=ATTACK,
        sign=ATTACK,
        headline=ATTACK,
        places=(ATTACK,),
        differ=True,
        groups=((ATTACK, ATTACK),),
        columns=(ATTACK,),
        rows=(Row(None, 1, ATTACK, (cell,)),),
        steps=(PageStep(ATTACK, (PagePath(ATTACK, ATTACK, ATTACK),), 3),),
        settings=(ATTACK,),
        ignored=ATTACK,
    )


class _Tags(HTMLParser):
    """Collects the ids of elements: the attack makes one."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str | None] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id"]


STORIES: dict[str, Document] = {
    "odd": b.odd_one_out(),
    "failing": b.failing(),
    "troubled": b.troubled(),
    "fleet": b.fleet(8),
}


@pytest.mark.fault("html-text")
@pytest.mark.parametrize("story", STORIES)
def test_text_of_an_audit_is_escaped_in_every_slot(story: str) -> None:
    document = attacked(STORIES[story])
    text = html.render(report(document, attacked(findings()), tail=[ATTACK]))
    assert "<b id" not in text
    assert _Tags(text).ids == []
    assert len(ESCAPED.findall(text)) > 50


@pytest.mark.fault("html-text")
def test_text_of_images_is_escaped_in_every_slot() -> None:
    text = html.environment().get_template("images.html.jinja").render(outputs=images())
    assert "<b id" not in text
    assert _Tags(text).ids == []
    slots = 3 + 1 + 2 + 1 + 3 + 1 + 3 + 1 + 1
    assert len(ESCAPED.findall(text)) == slots, "a text of the section is not shown, or twice"
    assert len(dataclasses.fields(Page)) == 11, "a new field belongs into this test"


def test_no_template_switches_escaping_off() -> None:
    templates = resources.files("cachetui.report").joinpath("templates")
    names = [entry.name for entry in templates.iterdir() if entry.name.endswith(".jinja")]
    assert len(names) >= 4
    for name in names:
        text = templates.joinpath(name).read_text("utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape|Markup", text), name


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        html.environment().get_template("page.html.jinja").render()
