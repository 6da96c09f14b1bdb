"""What a build waited for when it was stopped, by what engines of the lab printed until then."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cachetui.audit.timed_out import Waiting, stopped_by_user, timed_out, waiting_for
from cachetui.builders.events import Ended, Event, LayerPull, Started
from cachetui.builders.layer_pulls import LayerPulls
from cachetui.builders.step_map import StepMap
from cachetui.builders.transfers import Transfers
from cachetui.dockerfile.parse import parse
from cachetui.records.run import OutputFormat
from tests.builders.replay import events, pieces

STALLED = Path(__file__).parent.parent / "builders" / "stalled"
"""Builds whose way to the registry stalls in a layer's middle, `manifest` in its manifest."""
REF = "127.0.0.1:46669/rec:1"
LAYER = "sha256:1bd2e74e928a"
TEXT = """\
FROM 127.1.55.20:32883/base:1
RUN head -c 3000000 /dev/urandom >/large; echo 1795887302848632321
RUN echo two >/two
"""
DIGEST = "sha256:" + "a" * 64
IMPORT = f"importing cache manifest from {REF}"


def waiting(found: Sequence[Event], text: str = TEXT) -> Waiting | None:
    steps, transfers, pulls = StepMap(parse(text), None, "buildkit"), Transfers(), LayerPulls()
    for event in found:
        steps.apply(event)
        transfers.apply(event)
        pulls.apply(event)
    return waiting_for(steps, transfers.all, pulls)


@pytest.mark.fault("shared-broken")
@pytest.mark.parametrize(
    ("file", "layers"),
    [("mid.rawjson", 1), ("new.rawjson", 2), ("ctd2.rawjson", 1), ("ctd2.plain", 1)],
)
@pytest.mark.parametrize("size", [100, 100_000])
def test_a_layer_of_the_import(file: str, layers: int, size: int) -> None:
    output: OutputFormat = "plain" if file.endswith("plain") else "rawjson"
    found = waiting(events(output, pieces((STALLED / file).read_bytes(), size)))
    assert found is not None
    many = "a layer" if layers == 1 else "2 layers"
    assert found.what.startswith(f"to download {many} ({LAYER}")
    assert found.what.endswith(f") of line 3, which hit in the cache from {REF}")
    assert found.refs == (REF,)


@pytest.mark.fault("shared-broken")
def test_the_manifest_of_the_import() -> None:
    found = waiting(events("plain", [(STALLED / "manifest.plain").read_bytes()]))
    assert found == Waiting(f"to import the cache manifest from {REF}", (REF,))


def started(*names: str) -> list[Event]:
    return [Started(str(number), name, 0.0) for number, name in enumerate(names)]


def ended(key: str, *, error: str | None = None) -> Ended:
    return Ended(key, "failed" if error else "done", 1.0, 1.0, "engine", error=error)


def test_a_layer_of_a_base_image() -> None:
    begun = started("[1/3] FROM 127.1.55.20:32883/base:1")
    found = waiting([*begun, LayerPull("0", DIGEST, False, 0.5)])
    base = "127.1.55.20:32883/base:1"
    assert found == Waiting(
        f"to download a layer ({DIGEST[:19]}) of the image of line 1, {base}", (base,)
    )


RUN = "[2/3] RUN head -c 3000000 /dev/urandom >/large; echo 1795887302848632321"


@pytest.mark.parametrize(
    "found",
    [
        [],
        [*started(IMPORT), ended("0")],
        [*started(IMPORT), ended("0", error="refused")],
        [*started(IMPORT, RUN), ended("0")],
        [*started(IMPORT, RUN)],
        [*started(IMPORT, "[3/3] RUN echo two >/two", RUN), ended("0"),
         LayerPull("1", DIGEST, False, 0.5)],
        [*started(IMPORT, RUN), ended("0"), LayerPull("1", DIGEST, False, 0.5),
         LayerPull("1", DIGEST, True, 0.6), ended("1")],
        [*started(IMPORT, RUN), ended("0"), LayerPull("1", DIGEST, False, 0.5), ended("1")],
    ],
    ids=["nothing", "imported", "failed", "runs", "runs-beside", "another-runs", "came", "over"],
)  # fmt: skip
def test_what_is_no_fault_of_an_import(found: list[Event]) -> None:
    assert waiting(found) is None


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        (REF, "check whether 127.0.0.1:46669 answers on ci-1: curl -v 127.0.0.1:46669/v2/; "),
        ("team/app:cache", "check whether docker.io answers on ci-1: docker pull team/app:cache; "),
        ("local:17839274810293847562", ""),
    ],
)
def test_the_reason_says_what_to_look_at(name: str, asked: str) -> None:
    assert timed_out(Waiting("to wait", (name,)), "ci-1", 3600.0) == (
        "the build did not end within 3600 s, its build_timeout, and was stopped. The last that it "
        "did was to wait. BuildKit does not give up a connection that stalls, and says nothing of "
        f"it; {asked}where it only takes that long, raise build_timeout"
    )


def test_a_user_who_does_not_wait_for_that_is_told_too() -> None:
    assert stopped_by_user(None) == "stopped"
    assert (
        stopped_by_user(Waiting("to wait", ()))
        == "stopped; the last that the build did was to wait"
    )
