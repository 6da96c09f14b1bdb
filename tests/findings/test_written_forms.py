"""A line that is only written in another way is no change; one with another key is."""

from __future__ import annotations

from typing import Any

import pytest

from cachetui.dockerfile.parse import parse
from cachetui.findings import Findings, dockerfile_edits
from cachetui.findings.scope import Scope
from cachetui.findings.variables import scopes_of
from cachetui.records.backend import Backend
from tests.findings.making import BUILT, audit, before, entries, host, ids, run, why
from tests.findings.writings import FILES, WRITINGS

CHANGED = {"build-changed", "legacy-metadata-invalidates"}
ONLY_BELOW = {"wd-slash", "wd-clean", "wd-dslash", "wd-dot-end"}
"""BuildKit makes the folder by the path that it comes to; the RUN below has it as written."""
ENGINES = {"old": "20.10.24", "mid": "26.1.5", "new": "28.5.2"}


@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
@pytest.mark.parametrize("pair", WRITINGS)
def test_only_another_key_is_a_change(pair: str, backend: Backend) -> None:
    writing = WRITINGS[pair]
    same = writing.legacy if backend == "legacy" else writing.buildkit
    if same is None:
        return
    said = said_of(pair, backend, ENGINES["new"])
    claims = [one for one in said.findings if one.id in CHANGED]
    if same:
        assert not any(one.confidence == "proved" for one in claims)
    else:
        assert claims
    assert ("evicted-or-never-built" in ids(said)) <= same


@pytest.mark.parametrize(
    ("pair", "where"), [(pair, where) for pair, one in WRITINGS.items() for where in one.but]
)
def test_an_older_engine_that_has_the_words_in_its_key_is_not_contradicted(
    pair: str, where: str
) -> None:
    name, _, backend = where.partition("-")
    said = said_of(pair, "legacy" if backend == "legacy" else "buildkit", ENGINES[name])
    assert WRITINGS[pair].but[where] is False
    assert "evicted-or-never-built" not in ids(said)


FOLDERS = [pair for pair, one in WRITINGS.items() if pair[:3] == "wd-" and "old-legacy" in one.but]


@pytest.mark.parametrize("pair", FOLDERS)
def test_a_folder_in_other_words_is_another_key_of_20_10_alone(pair: str) -> None:
    said = said_of(pair, "legacy", ENGINES["old"])
    (change,) = (one for one in said.findings if one.id in CHANGED)
    assert (change.id, change.confidence) == ("build-changed", "proved")
    assert "every slash and dot" in change.evidence[0].text
    assert not CHANGED & set(ids(said_of(pair, "legacy", ENGINES["mid"])))


def test_between_20_10_and_26_1_it_is_not_known() -> None:
    said = said_of("wd-slash", "legacy", "24.0.9")
    assert not {*CHANGED, "evicted-or-never-built"} & set(ids(said))


def test_what_the_base_image_may_set_is_not_proved() -> None:
    pairs = ("env-another-default", "env-base-against", "copy-src-other", "arg-other")
    backends: tuple[Backend, ...] = ("legacy", "buildkit")
    for backend in backends:
        for pair in pairs:
            said = said_of(pair, backend, ENGINES["new"])
            assert [one.confidence for one in said.findings] == ["likely"], (pair, backend)


@pytest.mark.parametrize(
    ("pair", "backend"),
    [("copy-wild1", "legacy"), ("copy-wild", "legacy"), ("copy-moved", "buildkit")],
)
def test_nothing_is_said_of_other_names_for_the_same_files(pair: str, backend: Backend) -> None:
    assert not CHANGED.union({"context-content"}) & set(ids(said_of(pair, backend, "28.5.2")))


def said_of(pair: str, backend: Backend, engine: str) -> Findings:
    """What is said of a stage with the lines of now, in which all from the first other line on
    missed, after one with the lines before in which all hit."""
    then, now, *_ = WRITINGS[pair]
    texts = [
        f"FROM base:1 AS zero\nRUN true\nFROM base:1\nWORKDIR /w/@\n{one}\nRUN echo @ below\n"
        for one in (then, now)
    ]
    stages = [parse(text).stages[1].instructions[1:] for text in texts]
    own, other = (
        [item for item in items if backend == "legacy" or item.keyword in BUILT]
        for items in (stages[1], stages[0])
    )
    equal = 0
    while equal < min(len(own), len(other)) - 1 and own[equal].text == other[equal].text:
        equal += 1
    if backend == "buildkit" and pair in ONLY_BELOW:
        equal = len(own) - 1
    letters = "h" + "h" * equal + "m" * (len(own) - equal)
    scenario = f"{backend}-as-found"
    hosts = [host(facts_engine=engine)]
    names = {path: path.replace("/", "__").replace(".", "_dot_") for path in FILES}
    files = entries(**{names[p]: text for p, text in FILES.items() if p != ".dockerignore"})
    return why(
        audit(texts[1], [run(texts[1], letters, scenario=scenario)], hosts=hosts),
        before(texts[0], "h" * (1 + len(other)), scenario=scenario, hosts=hosts),
        manifests={"sha256:context": files},
    )


@pytest.mark.parametrize("scenario", ["legacy-as-found", "buildkit-as-found"])
@pytest.mark.parametrize(
    "line",
    [
        'COPY "a.txt" "/x"',
        "COPY 'a.txt' /x",
        "COPY a\\.txt /x",
        'ADD "a.txt" /x',
        "COPY ${F:-b.txt} /x",
        "COPY ${F%.bak}t /x",
    ],
)
def test_files_are_those_that_the_words_come_to(line: str, scenario: str) -> None:
    text = f"ARG BASE=base:1\nFROM $BASE\nENV F=a.txt\n{line}\n".replace(
        "F=a.txt\nCOPY ${F%", "F=a.tx.bak\nCOPY ${F%"
    )
    letters = "hm" if scenario.startswith("legacy") else "m"
    then, now = (entries(a_dot_txt=content) for content in ("1", "2"))
    said = why(
        audit(text, [run(text, letters, scenario=scenario)], context_digest="sha256:now"),
        before(text, "h" * len(letters), scenario=scenario, context_digest="sha256:then"),
        manifests={"sha256:then": then, "sha256:now": now},
    )
    assert [(one.id, one.confidence) for one in said.findings] == [("context-content", "proved")]


@pytest.mark.parametrize("line", ['ADD "https://host/f" /x', "ADD $U /x"])
def test_nothing_is_said_of_what_is_fetched_by_another_writing(line: str) -> None:
    text = f"FROM base:1\nENV U=https://host/f\n{line}\n"
    said = why(audit(text, [run(text, "m")]), before(text, "h"), manifests={"sha256:context": ()})
    assert "evicted-or-never-built" not in ids(said)


@pytest.mark.parametrize("scenario", ["legacy-as-found", "buildkit-as-found"])
def test_a_base_image_by_its_longer_name_is_no_change(scenario: str) -> None:
    names = ("base:1", "library/base:1")
    texts = [f"FROM {name}\nRUN x\n" for name in names]
    hosts = [host(bases=dict.fromkeys(names, ("sha256:base",)))]
    said = why(
        audit(texts[1], [run(texts[1], "m", scenario=scenario)], hosts=hosts),
        before(texts[0], "h", scenario=scenario, hosts=hosts),
    )
    assert "build-changed" not in ids(said)


def test_each_stage_is_read_once_however_many_lines_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[int] = []

    def counted(*args: Any) -> tuple[Scope, ...]:
        read.append(args[2])
        return scopes_of(*args)

    monkeypatch.setattr(dockerfile_edits, "scopes_of", counted)
    then, now = (
        dockerfile_edits.Version(
            parse("FROM base:1\n" + "".join(f"ENV {name}{n}=1\nRUN {name}{n}\n" for n in range(50)))
        )
        for name in "ab"
    )
    found = dockerfile_edits.edits(then, now, "buildkit")
    assert [one.kind for one in found] == ["same", *["changed"] * 100]
    assert len(read) <= 6
