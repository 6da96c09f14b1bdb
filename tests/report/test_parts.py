"""Parts of Markdown that are shown whole or not at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cachetui.report.parts import Part, fit, folded

PARTS = [
    Part("the verdict", ("## shop", "", "**all is well**")),
    folded("the steps of cold", "cold", ["| a |", "| --- |", "| 1 |"] * 10),
    Part("a cause", ("- cause",)),
    folded("the steps of warm", "warm", ["| a |", "| --- |", "| 2 |"] * 20),
]


def test_all_of_it_where_it_fits() -> None:
    text = fit(PARTS, 10_000, "cachetui show x")
    assert text == "".join(part.text for part in PARTS).rstrip("\n") + "\n"
    assert fit(PARTS, len(text) + 1, "cachetui show x") == text


def test_what_does_not_fit_is_named_and_what_fits_after_it_stays() -> None:
    text = fit(PARTS, 250, "cachetui show x")
    assert "- cause" in text
    assert "<details>" not in text
    assert text.endswith(
        "\nToo long for here and left out: the steps of cold and the steps of warm. "
        "<code>cachetui show x</code> shows all.\n"
    )


def test_many_are_counted() -> None:
    many = [PARTS[0], *(Part(f"part {n}", ("x" * 200,)) for n in range(9))]
    assert "left out: part 0, part 1, part 2 and 6 more parts." in fit(many, 190, "x")


@given(
    st.lists(st.text("é|&<x ", max_size=80), min_size=1, max_size=12),
    st.integers(0, 900),
    st.booleans(),
)
def test_it_is_never_larger_than_it_may_be(texts: list[str], limit: int, in_bytes: bool) -> None:
    def size(text: str) -> int:
        return len(text.encode()) if in_bytes else len(text)

    parts = [Part(text, (text,)) for text in texts]
    assert size(fit(parts, limit, "cachetui show x", size)) <= max(limit, 0)


def test_nothing_where_not_even_the_verdict_fits() -> None:
    assert fit(PARTS, 20, "cachetui show x") == ""
    assert fit(PARTS, -1, "cachetui show x") == ""
