from __future__ import annotations

import re
import time
from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from cachetui.dockerfile.parse import parse
from cachetui.findings import Findings, StepRef
from cachetui.findings.explain_audit import explain_audit
from cachetui.records.document import Document
from cachetui.report import cells, style
from cachetui.report.formats import html, markdown
from cachetui.report.formats.table import render
from tests import make_records as b
from tests.report.reports import report
from tests.report.test_clean import forbidden
from tests.tui.finding_examples import LABEL, OPEN, UMASK

STORIES: dict[str, Callable[[], Document]] = {
    "well": b.document,
    "odd": b.odd_one_out,
    "failing": b.failing,
    "troubled": b.troubled,
    "legacy too": b.legacy_too,
    "fleet": b.fleet,
    "repeated": b.repeated,
    "hostile": b.hostile,
    "empty": lambda: b.document([]),
    "no hosts": lambda: b.document([], []),
}


def shown(document: Document, width: int = 100, *, color: bool = False) -> str:
    return render(report(document, width=width, color=color))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160, 250])
@pytest.mark.parametrize("story", STORIES)
def test_no_line_is_wider_than_the_terminal(story: str, width: int) -> None:
    text = shown(STORIES[story](), width)
    assert max(cells.width(line) for line in text.splitlines()) <= width
    assert forbidden(text, "\n") == []


def test_hit_or_miss_and_seconds_stand_in_a_row_a_step() -> None:
    text = shown(b.odd_one_out(), 80)
    row = next(line for line in text.splitlines() if line.startswith("≠ 16"))
    assert re.sub(r" +", " ", row) == (
        "≠ 16 RUN python -m compile… ✓ HIT 0.0s ≠ MISS 12.1s ✓ HIT 0.0s ✓ HIT 0.0s"
    )


def test_the_verdict_stands_last_and_names_the_odd_one() -> None:
    assert shown(b.odd_one_out(), 160).splitlines()[-3:] == [
        "≠ Hosts differ: no cause found.",
        "  buildkit-warm, line 15 COPY . /app: mid MISS; old,new,ctd HIT",
        "  buildkit-warm, line 16 RUN python -m compileall -q /app: mid MISS; old,new,ctd HIT",
    ]
    assert shown(b.document()).splitlines()[-1] == "4 hosts agree step by step in 3 scenarios."
    alone = b.document([b.run("old", "buildkit-cold")])
    assert shown(alone).splitlines()[-1] == "Nothing to compare: no scenario ran on two hosts."
    failed = [
        b.run(host, "buildkit-cold", steps=(), status="failed", reason="no")
        for host in ("old", "new")
    ]
    said = shown(b.document(failed)).splitlines()[-1]
    assert said == "✗ Every build failed: buildkit-cold."


def test_from_does_not_count_in_the_hits() -> None:
    text = shown(b.document(), 160)
    assert re.search(r"hits +(0/9 0% +){4}│ (6/9 67% *){4}", text)
    assert "2 FROM base:1 AS deps" in text


def test_a_scenario_that_nobody_could_do_is_a_line_and_no_column() -> None:
    text = shown(b.document(), 160)
    assert text.count("legacy-cold") == 1
    assert "legacy-cold, legacy-warm on all hosts: line 5: RUN --mount needs BuildKit" in text


def test_a_scenario_that_one_host_could_not_do_keeps_its_column() -> None:
    document = b.legacy_too()
    runs = tuple(
        b.unsupported("new", r.scenario, "no legacy builder")
        if r.host == "new" and r.backend == "legacy"
        else r
        for r in document.runs
    )
    text = shown(msgspec.structs.replace(document, runs=runs), 160)
    assert re.search(r"result +ok +ok +⊘ unsup\. +ok", text)
    assert "legacy-cold, legacy-warm on new: no legacy builder" in text


def test_where_a_host_only_cannot_do_a_scenario_the_headline_says_so() -> None:
    """Its run says why: nothing is unexplained, and no cause is looked for in vain."""
    hits = b.run("new", "buildkit-warm").steps
    runs = [b.run(host, "buildkit-cold") for host in ("new", "old")]
    runs.append(b.run("new", "buildkit-imported", steps=hits))
    runs.append(b.unsupported("old", "buildkit-imported", "no buildx"))
    document = b.document(runs)
    text = render(report(document, explain_audit(document, dockerfile=parse(b.DOCKERFILE))))
    assert "÷ Hosts differ: old cannot run buildkit-imported." in text
    assert "unexplained" not in text
    assert "buildkit-imported on old: no buildx" in text


def test_steps_that_a_block_has_none_of_are_left_out() -> None:
    blocks = shown(b.legacy_too(), 80).split("\n\n")
    (legacy,) = (block for block in blocks if "legacy-cold" in block)
    (buildkit,) = (block for block in blocks if "buildkit-cold" in block)
    assert "CMD" in legacy
    assert "CMD" not in buildkit


def test_a_failure_is_shown_with_its_last_lines_once() -> None:
    lines = [f"line {n}" for n in range(50)] + ["\x1b[31mnpm ERR! \x1b]0;x\x07code"]
    text = render(report(b.failing(), width=100, tail=lines))
    assert text.count("npm ERR! code") == 1
    assert (
        "✗ buildkit-cold, buildkit-mounts-warm, buildkit-warm on new: failed: exit code: 2" in text
    )
    assert "line 40" not in text
    assert "  │ line 49" in text
    assert "FAIL" in text
    assert "FAILED" in text


def test_hosts_without_a_result_say_why_and_what_to_do() -> None:
    text = shown(b.troubled(), 160)
    assert "far: unreachable: far.example.com:22 refused the connection. To do: is sshd" in text
    assert text.splitlines()[-4] == "≠ Hosts differ: no cause found. Not compared: far."


def test_a_list_of_many_differences_is_cut_with_a_mark() -> None:
    text = "FROM base:1\n" + "".join(f"RUN step {n}\n" for n in range(40))
    late = {(0, n): "miss" for n in range(1, 41)}
    runs = [
        b.run("a", "buildkit-warm", text=text),
        b.run("b", "buildkit-warm", text=text),
        b.run("c", "buildkit-warm", text=text, change=late),
    ]
    lines = shown(b.document(runs, [b.host(name) for name in "abc"], text=text)).splitlines()
    assert lines[-14] == "≠ Hosts differ: no cause found."
    assert lines[-1] == "  and in 28 more places"


def test_folded_hosts_without_a_column_are_not_explained() -> None:
    names = [f"ci-{n}" for n in range(1, 10)]
    made = [b.run(name, "buildkit-cold") for name in names[:5]]
    reports = [b.host(name) for name in names[:5]] + [b.unreachable(name) for name in names[5:]]
    text = shown(b.document(made, reports))
    assert "= ci-[1-5]" in text
    assert "= ci-[6-9]" not in text


def test_stored_runs_are_marked_with_their_age() -> None:
    assert re.search(r"stored +3 h old", shown(b.troubled()))
    assert "stored" not in shown(b.failing())


def test_many_hosts_that_behave_alike_share_a_column() -> None:
    text = shown(b.fleet(), 80)
    assert "A (62) = ci-[01-06,08,10-64]" in text
    assert re.search(r"≠ +5 RUN .* ≠ MISS +9\.6s ✓ HIT +0\.0s", text)
    assert len(text.splitlines()) < 70


def test_repeats_share_a_cell_and_say_so_when_they_part_ways() -> None:
    assert "seconds are the median of 6 repeats" in " ".join(shown(b.repeated()).split())
    runs = [
        b.run("old", "buildkit-warm", repeat=n, change={(2, 5): "miss"} if n == 1 else None)
        for n in (1, 2, 3)
    ]
    text = shown(b.document(runs))
    assert "~ 2/3 HIT" in text
    assert re.search(r"hits +89% to 100%", text)


def test_notes_and_what_is_left_behind_are_told() -> None:
    noted = b.document([b.run("old", "legacy-cold", notes=("drops the heredoc",))])
    text = shown(msgspec.structs.replace(noted, notes=("stopped early",)))
    assert "stopped early" in text
    assert "legacy-cold on old: drops the heredoc" in text
    assert "old 1.3 MB, mid 1.3 MB" in text
    clean = b.document(hosts=[b.host(n, left_behind_bytes=0) for n in ("old", "mid")])
    assert "Left behind on the hosts\n  nothing" in shown(clean)
    most = b.document(hosts=[b.host("old", left_behind_at_most=True), b.host("mid")])
    assert "Left behind on the hosts\n  old up to 1.3 MB, mid 1.3 MB" in shown(most)
    kept = b.document(hosts=[b.host("old", left_behind_bytes=0, left_behind_images=2)])
    assert "Left behind on the hosts\n  old 0 B (2 images)" in shown(kept)
    unknown = b.document(hosts=[b.host("old", left_behind_bytes=None)])
    assert "could not be measured on old" in shown(unknown)
    assert "81.9 MB on 63 hosts: 1.3 MB each" in shown(b.fleet())
    few = b.fleet()
    first = msgspec.structs.replace(few.hosts[0], left_behind_bytes=2_600_000)
    uneven = shown(msgspec.structs.replace(few, hosts=(first, *few.hosts[1:])))
    assert f"83.2 MB on 63 hosts; most on {first.name}: 2.6 MB" in uneven
    lost = b.host("old", status="failed", left_behind_bytes=None, not_asked_since=1764170000.0)
    told = (
        "unknown on old: not asked since 2025-11-26 15:13:20 UTC; the next audit there or cachetui"
    )
    assert f"Left behind on the hosts\n  {told}" in shown(b.document(hosts=[lost]))
    sent = [b.host(n, left_behind_bytes=0, context_there=n != "new") for n in ("old", "mid", "new")]
    there = "the build context (1.8 MB) in ~/.cache/cachetui on old,mid, for later audits;"
    said = " ".join(shown(b.document(hosts=sent)).split())
    assert f"hosts nothing {there} cachetui clean removes it" in said
    one = b.document(hosts=[lost, b.host("mid", left_behind_bytes=0)])
    assert f"Left behind on the hosts\n  nothing on mid\n  {told}" in shown(one)


def test_seconds_of_a_loaded_host_are_doubted() -> None:
    text = shown(b.document([b.run("new", "buildkit-cold", load=9.5)]))
    assert "Less reliable timings\n  new was loaded (9.5 before a run)" in text


def test_legend_says_where_the_seconds_come_from() -> None:
    assert "legacy prints no times" in " ".join(shown(b.legacy_too()).split())
    assert "legacy prints no times" not in shown(b.document())


def test_colour_is_on_top_of_sign_and_word_and_changes_no_text() -> None:
    for story in STORIES.values():
        plain = shown(story(), 100)
        coloured = shown(story(), 100, color=True)
        bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
        assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()
    assert "\x1b[1;7m≠ MISS 12.1s\x1b[0m" in shown(b.odd_one_out(), 80, color=True)


def test_no_color_is_by_presence() -> None:
    assert style.wanted(True, {})
    assert not style.wanted(True, {"NO_COLOR": ""})
    assert not style.wanted(True, {"TERM": "dumb"})
    assert not style.wanted(False, {})


def test_large_audits_are_quick() -> None:
    names = [f"ci-{n}" for n in range(100)]
    text = "FROM base:1\n" + "".join(f"RUN step {n}\n" for n in range(150))
    runs = [
        b.run(name, scenario, text=text, change={(0, n + 1): "miss"})
        for n, name in enumerate(names)
        for scenario in ("buildkit-cold", "buildkit-warm")
    ]
    document = b.document(runs, [b.host(name) for name in names], text=text)
    started = time.process_time()
    shown(document, 160)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("causes", "unexplained", "headline"),
    [
        (2, 0, "Hosts differ: 2 causes. mid pays most: +41.5s once."),
        (1, 1, "Hosts differ: 1 cause, 1 difference unexplained. mid pays most: +41.5s once."),
        (0, 3, "Hosts differ: 3 differences unexplained. mid pays most: +3.0s once or more."),
        (0, 0, "Hosts differ: no cause found."),
    ],
)
@pytest.mark.parametrize("limit", [0, 1, None])
def test_the_headline_counts_causes(
    causes: int, unexplained: int, headline: str, limit: int | None
) -> None:
    cause = replace(UMASK, hosts=("mid",), consequences=())
    left = replace(OPEN, steps=(StepRef(2, 5),))
    elsewhere = replace(OPEN, hosts=("old",))
    found = Findings(
        findings=(cause,) * causes + (LABEL,),
        unexplained=(left,) * unexplained + (elsewhere,),
    )
    for render_as in (render, markdown.render, html.render):
        text = render_as(report(b.odd_one_out(), found, max_findings=limit))
        assert headline in text
        assert not limit or "Also found" in text or "1 other finding" in text
    assert "cause" not in render(report(b.document(), found, max_findings=0))


def test_where_none_is_odd_the_headline_says_whom_the_most_costly_cause_hits() -> None:
    text = "FROM base:1\nRUN one\n"
    runs = [b.run(name, "buildkit-warm", text=text, change={(0, 1): "miss"}) for name in "abc"]
    document = b.document([*runs, b.run("d", "buildkit-warm", text=text)], text=text)
    near = replace(UMASK, hosts=("a",), scenarios=("buildkit-warm",), steps=(StepRef(0, 1),))
    found = (replace(near, seconds=9.0, hosts=("b", "c")), replace(near, seconds=1.0))
    headline = "÷ Hosts differ: 2 causes. b,c pay most: up to 9.0s each, once."
    for render_as in (render, markdown.render, html.render):
        assert headline in render_as(report(document, Findings(findings=found)))
        left = replace(OPEN, hosts=("a",), steps=near.steps, seconds=20.0)
        open_too = Findings(findings=found[:1], unexplained=(left,))
        said = (
            "÷ Hosts differ: 1 cause, 1 difference unexplained. a pays most: +20.0s once or more."
        )
        assert said in render_as(report(document, open_too))
        one = render_as(report(document, Findings(findings=found[:1])))
        assert "÷ Hosts differ: 1 cause." in one


def test_what_every_host_does_alike_is_no_cause_of_a_difference() -> None:
    """As that a stage is not needed, though hosts differ in its steps."""
    about = replace(UMASK, hosts=("mid",), id="stage-not-needed", name="stage-not-needed:1")
    text = render(report(b.odd_one_out(), Findings(findings=(about,)), max_findings=None))
    assert "Hosts differ: no cause found." in text
    verdict, others = text.split("Hosts differ")[1].split("Also found")
    assert "line 15 COPY" in verdict, "where they differ"
    assert about.title in others
