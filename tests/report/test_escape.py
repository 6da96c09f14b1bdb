"""Markdown of sentences with code in them."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from cachetui.report.escape import markdown_prose


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("run `docker pull a_b` on *it*", "run <code>docker pull a_b</code> on *it*"),
        ("`a` and `b|c`", "<code>a</code> and <code>b|c</code>"),
        ("`<b>` <i>", "<code>&lt;b&gt;</code> &lt;i&gt;"),
        ("one ` alone", "one ` alone"),
        ("`` nothing", "`` nothing"),
    ],
)
def test_code_between_backticks_is_code_and_the_rest_is_text(text: str, shown: str) -> None:
    assert MarkdownIt("commonmark").renderInline(markdown_prose(text)) == shown
