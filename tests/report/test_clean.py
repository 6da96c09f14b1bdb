from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.report.clean import LINE_CAP, clean, clean_line
from tests.make_records import HOSTILE

BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}

pieces = st.sampled_from(
    ["\x1b", "\x1b[", "\x1b]", "\x1bP", "\x9b", "\x9d", "\x9c", "\x07", "\x1b\\", "31m", "0;", " ",
     "\n", "\r", "\t", "\x00", "\x7f", "\x85", "\u202e", "\u2066", "\u2028", "\ud800", "é", "x"]
)  # fmt: skip
hostile_text = st.text() | st.lists(pieces).map("".join)


def forbidden(text: str, allowed: str) -> list[str]:
    """Code points that must reach no display."""
    return [
        char
        for char in text
        if char not in allowed
        and (unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or ord(char) in BIDI)
    ]


@pytest.mark.fault("terminal-text")
@given(hostile_text)
def test_nothing_forbidden_comes_out_of_a_block(text: str) -> None:
    cleaned = clean(text)
    assert forbidden(cleaned, "\n\t") == []
    assert clean(cleaned) == cleaned
    cleaned.encode()


@pytest.mark.fault("terminal-text")
@given(hostile_text)
def test_nothing_forbidden_comes_out_of_a_line(text: str) -> None:
    cleaned = clean_line(text)
    assert forbidden(cleaned, "") == []
    assert clean_line(cleaned) == cleaned


@given(st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=200))
def test_plain_text_is_left_alone(text: str) -> None:
    assert clean(text) == text
    assert clean_line(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]52;c;cm0gLXJm\x07ok", "ok"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\ok", "ok"),
        ("\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\ok", "ok"),
        ("\x9b31mred\x9d0;t\x9cok", "redok"),
        ("\x1b(0\x1b=\x1bMok", "ok"),
        ("\x1b]0;never ends\nnext", "\nnext"),
        ("cut\x1b", "cut"),
        ("cut\x1b[", "cut"),
        ("a\x08\x00\x7f\x85b", "ab"),
        ("safe\u202eexe.gnp", "safeexe.gnp"),
        ("lone \udcff", "lone \ufffd"),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("[stage-1 2/5] RUN x", "[stage-1 2/5] RUN x"),
        ("👩\u200d💻 naïve 漢字", "👩\u200d💻 naïve 漢字"),
    ],
)
def test_what_is_kept(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_a_line_is_one_line() -> None:
    assert clean_line("a\n\tb\r\nc\u2028d") == "a b c d"
    assert forbidden(clean_line(HOSTILE), "") == []
    assert "[stage-1 2/5] <script>alert(1)</script>" in clean_line(HOSTILE)


def test_long_lines_are_cut_with_a_mark() -> None:
    assert clean("x" * LINE_CAP) == "x" * LINE_CAP
    assert clean("x" * 100_000 + "\nnext") == (
        "x" * LINE_CAP + f"… (+{100_000 - LINE_CAP} characters)\nnext"
    )
    assert clean_line("x" * 20, cap=5) == "xxxxx… (+15 characters)"


@pytest.mark.fault("terminal-text")
@pytest.mark.parametrize(
    "piece",
    ["\x1b", "\x1b[", "\x1b]", "\x1b]x", "\x1bP\x1b", "\x1b[0;", "\x1b[ ", "\x9b", "\r", "x"],
)
def test_time_is_linear(piece: str) -> None:
    text = piece * (2_000_000 // len(piece))
    started = time.process_time()
    clean(text)
    clean_line(text)
    assert time.process_time() - started < 5
