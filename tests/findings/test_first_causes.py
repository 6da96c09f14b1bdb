"""The first miss of a chain is the one to explain; the rest are its consequences."""

from __future__ import annotations

from cachetui.dockerfile.parse import parse
from cachetui.findings.miss_chains import Chain, chains
from cachetui.findings.step_graph import parents
from cachetui.records.run import Run
from tests.findings.making import run

STAGES = """\
FROM base:1 AS deps
COPY package.json .
RUN npm ci
FROM base:1 AS docs
RUN mkdocs
FROM deps AS build
COPY . .
RUN npm run build
FROM base:1
RUN useradd app
COPY --from=build /dist /dist
COPY --from=docs /site /site
RUN chown app /dist
"""


def told(text: str, one: Run) -> list[tuple[int, list[int]]]:
    """(line of the cause, lines of its consequences)."""
    return [
        (chain.cause.line, [step.line for step in chain.consequences])
        for chain in chains(one, parents(one, parse(text)))
    ]


def test_all_below_in_the_stage_and_what_stands_on_it_follows() -> None:
    missed = run(STAGES, "mm h mm hhhh".replace(" ", ""))
    assert told(STAGES, missed) == [(2, [3, 7, 8])], "the copy hit: the bytes were the same"
    further = run(STAGES, "mm h mm hmmm")
    assert told(STAGES, further) == [(2, [3, 7, 8, 11, 12, 13])]


def test_stages_that_need_nothing_of_each_other_have_causes_of_their_own() -> None:
    missed = run(STAGES, "hm m mm mmmm")
    assert told(STAGES, missed) == [(3, [7, 8, 11, 12, 13]), (5, []), (10, [])]


def test_a_copy_that_two_causes_reach_counts_with_the_first() -> None:
    missed = run(STAGES, "hh m hm hmmm")
    assert told(STAGES, missed) == [(5, [12, 13]), (8, [11])]


def test_a_cold_run_misses_on_purpose() -> None:
    assert told(STAGES, run(STAGES, "m" * 9, scenario="buildkit-cold")) == []


def test_a_run_again_with_warm_mounts_is_meant_but_not_a_copy_of_other_bytes() -> None:
    text = "FROM base:1 AS one\nRUN make\nFROM base:1\nCOPY --from=one /o /\nRUN ls\n"
    equal = run(text, "mhm", scenario="buildkit-mounts-warm")
    assert told(text, equal) == []
    other = run(text, "mmm", scenario="buildkit-mounts-warm")
    (chain,) = chains(other, parents(other, parse(text)))
    assert chain.cause.line == 4
    assert [step.index for step in chain.through] == [1]


def test_legacy_has_every_instruction_in_the_chain() -> None:
    text = "FROM base:1\nLABEL a=b\nENV C=d\nRUN make\nCMD x\n"
    assert told(text, run(text, "mmmm", scenario="legacy-as-found")) == [(2, [3, 4, 5])]


def test_seconds_are_of_the_cause_with_its_consequences_and_overlaps_count_once() -> None:
    text = (
        "FROM base:1 AS a\nRUN one\nFROM a AS b\nRUN two\nFROM a AS c\nRUN three\n"
        "FROM base:1\nCOPY --from=b /b /\nCOPY --from=c /c /\n"
    )
    chain = _chain(text, run(text, "mmmhh", seconds={2: 2.0, 4: 5.0, 6: 4.0}, side_by_side=True))
    assert [step.line for step in chain.consequences] == [4, 6]
    assert chain.seconds == 5.0, "2 of 5 seconds overlap here, for each stage begins at 0"
    assert _chain(text, run(text, "mmmhh", seconds={2: 2.0, 4: 5.0, 6: 4.0})).seconds == 11.0


def _chain(text: str, one: Run) -> Chain:
    (chain,) = chains(one, parents(one, parse(text)))
    return chain


def test_a_failed_step_is_no_miss_and_what_is_not_reached_neither() -> None:
    text = "FROM base:1\nRUN one\nRUN two\nRUN three\n"
    assert told(text, run(text, "hfr")) == []
    assert told(text, run(text, "mfr")) == [(2, [])]


def test_a_step_on_which_another_hit_was_built_for_nothing() -> None:
    text = "FROM base:1\nWORKDIR /a\nRUN one\n"
    assert told(text, run(text, "mh")) == []
