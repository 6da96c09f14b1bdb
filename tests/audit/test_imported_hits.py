"""Where hits of a build that imports came from, by records of before and by a look."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from cachetui.audit.imported_hits import may_hold, with_brought, with_origins, with_own_layers
from cachetui.dockerfile.parse import Dockerfile, parse
from cachetui.hosts.cache_records import CacheRecord
from cachetui.records.run import Image, Run
from cachetui.records.share import CacheTransfer
from cachetui.records.shared_cache import CachedStep, CacheLayer, SharedCache
from cachetui.records.step import Step, StepId, StepStatus

FILE = parse(
    "FROM base:1 AS deps\n"
    "COPY a a\n"
    "RUN one\n"
    "RUN two\n"
    "FROM base:1\n"
    "COPY --from=deps /a /a\n"
    "RUN three\n"
)
A, ONE, TWO, FROM_DEPS, THREE = range(5)
"""The steps that leave a layer, in order."""
OTHER = "mount / from exec /bin/sh -c other"
TOLD = ["imported", "imported", "imported", "imported", "imported"]


def record(description: str, kind: str = "regular") -> CacheRecord:
    return CacheRecord(id=description, type=kind, description=description, bytes=1)


ANY = (record("imported sha256:1"),)
"""What an earlier import left: nothing tells whose step it was."""


def run(
    *statuses: StepStatus | tuple[StepStatus, float],
    error: str | None = None,
    file: Dockerfile = FILE,
) -> Run:
    items = [i for i in file.instructions if i.keyword in ("RUN", "COPY")]
    steps = tuple(
        Step(
            stage=None,
            stage_index=item.stage_index,
            index=item.index,
            line=item.line,
            instruction=item.text,
            status=one if isinstance(one, str) else one[0],
            seconds=None if isinstance(one, str) else one[1],
        )
        for item, one in zip(items, statuses, strict=True)
    )
    return Run(
        id="r",
        audit="a",
        host="h",
        scenario="buildkit-imported",
        repeat=1,
        status="ok",
        started_at=0.0,
        seconds=1.0,
        steps=steps,
        transfers=(CacheTransfer(direction="import", name="r", ended=True, error=error),),
    )


ALL = run("hit", "hit", "hit", "hit", "hit")


def told(records: Sequence[CacheRecord] | None, look: Run | None, of: Run = ALL) -> list[object]:
    return [step.origin for step in with_origins(of, FILE, records, look).steps]


def test_what_no_record_can_hold_was_imported() -> None:
    assert told((), None) == TOLD
    assert told((record(OTHER), record("pulled from base:1")), None) == TOLD
    one = told((record("mount / from exec /bin/sh -c one"),), None)
    assert one == ["imported", "either", "imported", "imported", "imported"]


@pytest.mark.parametrize("records", [None, ANY])
def test_without_records_and_look_either_can_be_it(records: tuple[CacheRecord, ...] | None) -> None:
    assert told(records, None) == ["either"] * 5


def test_what_the_look_hits_is_here() -> None:
    assert told(ANY, ALL) == ["here"] * 5


def test_what_stands_on_the_run_at_which_the_look_stopped_was_imported() -> None:
    look = run("hit", "miss", "not-reached", "not-reached", "not-reached")
    assert told(ANY, look) == ["here", "imported", "imported", "either", "either"]


def test_a_copy_that_the_look_ran_is_known_to_a_cache_that_has_what_stands_on_it() -> None:
    look = run(("miss", 0.1), "miss", "not-reached", "not-reached", "not-reached")
    assert told(ANY, look)[:3] == ["imported", "imported", "imported"]
    missed = run("hit", ("miss", 1.0), ("miss", 1.0), ("miss", 1.0), ("miss", 1.0))
    assert told(ANY, look, missed) == ["unknown", None, None, None, None]


def test_a_failed_import_brought_nothing() -> None:
    failed = run("hit", "hit", "hit", "hit", "hit", error="connection refused")
    assert told(ANY, None, failed) == ["here"] * 5


def test_another_branch_can_have_been_found() -> None:
    """A step with two others on it can be run for the one of them that was not found."""
    file = parse(
        "FROM base:1 AS a\nRUN one\nFROM a AS b\nRUN two\nFROM a\nRUN three\nCOPY --from=b /b /\n"
    )
    whole = run("hit", "hit", "hit", "hit", file=file)
    look = run("miss", "not-reached", "not-reached", "not-reached", file=file)
    origins = [step.origin for step in with_origins(whole, file, ANY, look).steps]
    assert origins == ["imported", "either", "either", "either"]


def test_which_records_can_hold_a_step() -> None:
    copy, one = FILE.instructions[1:3]
    for description in ("fileop target", "imported sha256:1", "[deps 2/4] COPY a a", ""):
        assert may_hold([record(description)], copy), description
    for description in ("[deps 2/4] COPY b b", "pulled from base:1", "from local base:1", OTHER):
        assert not may_hold([record(description)], copy), description
    for kind in ("source.local", "exec.cachemount", "frontend"):
        assert not may_hold([record("fileop target", kind)], one)
    assert may_hold([record(OTHER)], None)
    assert not may_hold([], None)


def test_a_layer_that_the_build_took_from_the_import_was_imported() -> None:
    """Two steps that nothing else tells of: the build brought the layer of one, and had the other's
    before."""
    held = tuple(
        CachedStep(
            stage=None, stage_index=0, index=index, line=index + 1, instruction="RUN", held="kept",
            layers=(f"sha256:{index}",),
        )
        for index in (1, 2)
    )  # fmt: skip
    cache = SharedCache(name="r", host="h", kind="registry", digest="sha256:m", steps=held)
    one = msgspec.structs.replace(with_origins(ALL, FILE, ANY, None), imports=(cache,))
    before = (record("imported sha256:2"),)
    after = (*before, record("imported sha256:1"), record("imported sha256:9"))
    origins = {step.id: step.origin for step in with_brought(one, before, after).steps}
    assert origins.pop(StepId(0, 1)) == "imported"
    assert set(origins.values()) == {"either"}
    assert with_brought(one, before, before) == one


def test_a_layer_that_the_image_has_in_place_of_the_caches_is_the_hosts_own() -> None:
    """Of the last stage only: what other stages made is not in the image."""
    held = tuple(
        CachedStep(
            stage=None, stage_index=stage, index=index, line=1, instruction="RUN", held="kept",
            layers=(f"sha256:{stage}{index}",),
        )
        for stage, index in ((0, 2), (1, 1), (1, 2))
    )  # fmt: skip
    layers = tuple(
        CacheLayer(digest=digest, diff_id=f"{digest}-diff")
        for step in held
        for digest in step.layers
    )
    cache = SharedCache(
        name="r", host="h", kind="registry", digest="sha256:m", steps=held, layers=layers
    )
    image = Image(id="sha256:i", layers=("sha256:base", "sha256:own", "sha256:12-diff"), bytes=1)
    one = with_origins(ALL, FILE, ANY, None)
    one = msgspec.structs.replace(one, imports=(cache,), image=image)
    told = {step.id: step.origin for step in with_own_layers(one, FILE, None).steps}
    assert told.pop(StepId(1, 1)) == "here"
    assert set(told.values()) == {"either"}
    untold = msgspec.structs.replace(cache, layers=())
    one = msgspec.structs.replace(one, imports=(untold,))
    assert with_own_layers(one, FILE, None) == one
