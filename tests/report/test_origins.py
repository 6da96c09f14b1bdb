"""Every format says which hits came with an imported cache."""

from __future__ import annotations

import json

import msgspec
import pytest

from cachetui.records.base_now import BaseNow
from cachetui.records.document import Document
from cachetui.records.host import BaseImage, HostEvidence
from cachetui.records.run import Run
from cachetui.records.shared_cache import CachedStep, SharedCache
from cachetui.records.step import Origin
from cachetui.report import formats
from cachetui.report.origins import origins
from cachetui.tui.view.step_lines import step_facts
from tests import make_records as b
from tests.report.reports import report

SCENARIO = "buildkit-imported"


def run(host: str, *told: Origin | None) -> Run:
    """A run whose last steps have these origins."""
    steps = b.steps("buildkit", "hit", text=b.PLAIN)
    given = (None,) * (len(steps) - len(told)) + told
    return b.run(
        host,
        SCENARIO,
        steps=tuple(
            msgspec.structs.replace(step, origin=origin)
            for step, origin in zip(steps, given, strict=True)
        ),
    )


def document() -> Document:
    runs = [
        run("mid", "here", "imported", "imported", "either"),
        run("new", "here", "imported", "imported", "either"),
        run("ctd", "unknown"),
        run("old"),
    ]
    return b.document(runs, [b.host(one.host) for one in runs])


def test_hosts_alike_have_one_line() -> None:
    lines = [str(step.line) for step in run("mid").steps[-4:]]
    first, second, third = origins(document())
    assert first == (
        f"{SCENARIO} on mid,new: imported: lines {lines[1]} and {lines[2]}; "
        f"here already: line {lines[0]}; here or imported: line {lines[3]}"
    )
    assert "since a look just before" in second
    assert third == f"{SCENARIO} on old: nothing hit"


def test_when_the_results_were_made() -> None:
    last = run("mid", "imported", "imported").steps[-2:]
    held = tuple(
        CachedStep(
            stage=None,
            stage_index=step.stage_index,
            index=step.index,
            line=step.line,
            instruction=step.instruction,
            held="kept",
            created=b.NOW - days * 86400,
        )
        for step, days in zip(last, (30, 2), strict=True)
    )
    cache = SharedCache(name="r", host="mid", kind="registry", digest="sha256:1", steps=held)

    def told(*origins_of: Origin | None) -> str:
        one = msgspec.structs.replace(run("mid", *origins_of), imports=(cache,))
        return origins(b.document([one], [b.host("mid")]))[0]

    assert told("imported", "imported").endswith("(made 2025-09-09 to 2025-10-07)")
    assert told(None, "imported").endswith("(made 2025-10-07)")
    assert "made" not in told("here", "here")


@pytest.mark.parametrize(
    ("here", "now", "says"),
    [
        ("sha256:1", BaseNow(ref="b:1", digest="sha256:1"), ", sha256:1, which it means in its"),
        ("sha256:1", BaseNow(ref="b:1", digest="sha256:2"), ", sha256:1; it means sha256:2 in its"),
        (
            "",
            BaseNow(ref="b:1", digest="sha256:2"),
            ", whose digest is not known; it means sha256:2",
        ),
        ("", BaseNow(ref="b:1", reason="no answer"), "could not be asked: no answer"),
    ],
)
def test_what_a_base_image_means_now(here: str, now: BaseNow, says: str) -> None:
    bases = {"b:1": here} if here else {}
    one = msgspec.structs.replace(run("mid", "imported"), bases=bases, bases_now=(now,))
    told = origins(b.document([one], [b.host("mid")]))
    assert told[1].startswith(f"{SCENARIO} on mid: made on b:1 as it is there")
    assert says in told[1]


def test_the_digest_that_a_base_image_was_pulled_as() -> None:
    image = BaseImage(ref="b:1", id="sha256:id", digests=("b@sha256:3",))
    evidence = HostEvidence(at=b.NOW, bases=(image,))
    now = BaseNow(ref="b:1", digest="sha256:3")
    one = msgspec.structs.replace(run("mid", "imported"), bases_now=(now,))
    told = origins(b.document([one], [b.host("mid", evidence=evidence)]))
    assert "sha256:3, which it means in its registry now, too" in told[1]


@pytest.mark.parametrize("name", ["table", "markdown", "html"])
def test_formats_for_people(name: str) -> None:
    text = formats.load(name).render(report(document()))
    assert "Where hits came from" in text
    assert "here or imported: line" in text


def test_json() -> None:
    runs = json.loads(formats.load("json").render(report(document())))["runs"]
    assert [step["origin"] for step in runs[0]["steps"][-2:]] == ["imported", "either"]


def test_the_app_says_it_where_it_shows_the_step() -> None:
    shown = step_facts(run("mid", "imported").steps[-1], "mid")
    assert "imported" in "".join(span if isinstance(span, str) else span[0] for span in shown)
