from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.report import cells, units
from cachetui.report.clean import clean_line


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0.0s"),
        (1.26, "1.3s"),
        (59.94, "59.9s"),
        (59.96, "1m00s"),
        (125, "2m05s"),
        (3599.6, "1h00m"),
        (3725, "1h02m"),
    ],
)
def test_seconds(value: float | None, text: str) -> None:
    assert units.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1200, "1.2 kB"),
        (999_950, "1.0 MB"),
        (48_300_000, "48.3 MB"),
        (640_000_000, "640 MB"),
        (81_200_000_000, "81.2 GB"),
        (5_000_000_000_000_000, "5000 TB"),
    ],
)
def test_sizes(value: int | None, text: str) -> None:
    assert units.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-5, "just now"),
        (59, "just now"),
        (300, "5 min ago"),
        (3 * 3600, "3 h ago"),
        (50 * 3600, "2 d ago"),
    ],
)
def test_ages(value: float, text: str) -> None:
    assert units.age(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(None, "–"), (0, "0%"), (0.001, "1%"), (0.667, "67%"), (0.999, "99%"), (1, "100%")],
)
def test_only_all_is_100_percent_and_only_none_is_0(ratio: float | None, text: str) -> None:
    assert units.percent(ratio) == text


def test_counts() -> None:
    assert (units.count(1, "host"), units.count(0, "host")) == ("1 host", "0 hosts")


def test_widths_are_those_of_a_terminal() -> None:
    assert cells.width("漢字") == 4
    assert cells.width("e\u0301") == 1
    assert cells.clip("漢字漢字", 5) == "漢字…"
    assert cells.pad("漢", 4) == "漢  "
    assert cells.pad("7", 3, right=True) == "  7"


def test_an_instruction_gives_up_its_flags_before_its_end() -> None:
    run = "RUN --mount=type=cache,target=/root/.npm --network=none npm ci --omit=dev"
    assert cells.shorten(run, 80) == run
    assert cells.shorten(run, 26) == "RUN … npm ci --omit=dev"
    assert cells.shorten(run, 12) == "RUN … npm c…"
    assert cells.shorten("COPY --link --from=deps /deps/lib /deps/lib", 32) == (
        "COPY --from=deps /deps/lib /dep…"
    )


@given(st.text().map(clean_line), st.integers(0, 30))
def test_padding_fills_exactly(text: str, size: int) -> None:
    assert cells.width(cells.pad(text, size)) == size


@given(st.text("ab 漢\u0301", max_size=80), st.integers(4, 20))
def test_wrapping_keeps_within_its_width_and_loses_nothing(text: str, size: int) -> None:
    lines = cells.wrap(text, size, "", "  ")
    assert all(cells.width(line) <= size for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_wide_list_of_names_is_cut_behind_a_comma() -> None:
    lines = cells.wrap("on ci-[1,7,11,19,107,111,115,127,131] now", 16)
    assert lines == ["on", "ci-[1,7,11,19,", "107,111,115,127,", "131] now"]
