"""What BuildKit gives an ARG by itself is its value: given by hand, it changes no key."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cachetui.records.backend import Backend
from tests.findings.making import HASHER, audit, before, ids, run, why

AMD64 = {
    "TARGETPLATFORM": "linux/amd64",
    "TARGETOS": "linux",
    "TARGETARCH": "amd64",
    "TARGETVARIANT": "",
    "BUILDPLATFORM": "linux/amd64",
    "BUILDOS": "linux",
    "BUILDARCH": "amd64",
    "BUILDVARIANT": "",
}
"""What they are on an engine of linux/amd64, which those of the lab are."""

OTHER = ["build-arg-invalidates"]
SAME = ["evicted-or-never-built"]


def found(
    now: str,
    then: str | None = None,
    given: Mapping[str, str] | None = None,
    backend: Backend = "buildkit",
) -> list[str]:
    """What is found where the RUN missed, with these arguments given now and none then."""
    text, old, scenario = f"{now}RUN make\n", f"{then or now}RUN make\n", f"{backend}-as-found"

    def letters(file: str, last: str) -> str:
        stage = file[file.index("FROM") :]
        return "h" * (stage.count("ARG ") if backend == "legacy" else 0) + last

    args = {name: HASHER.digest(value) for name, value in (given or {}).items()}
    one = run(text, letters(text, "m"), scenario=scenario)
    document = audit(text, [one], build_args=args)
    return ids(why(document, before(old, letters(old, "h"), scenario=scenario)))


@pytest.mark.parametrize("name", AMD64)
def test_its_own_value_is_no_change(name: str) -> None:
    text = f"FROM base:1\nARG {name}\n"
    assert found(text, given={name: AMD64[name]}) == SAME
    assert found(text, given={name: "another"}) == OTHER
    assert found(f"FROM base:1\nARG {name}={AMD64[name]}\n", text) == SAME
    assert found(text, None, {name: AMD64[name]}, "legacy") == OTHER, "there it has none"


def test_it_is_in_the_key_where_it_is_declared() -> None:
    assert found("FROM base:1\nARG TARGETARCH\n", "FROM base:1\n") == ["build-changed"]
    assert found("FROM base:1\nARG TARGETARCH\n", given={"TARGETARCH": "arm64"}) == OTHER


def test_a_default_holds_against_it() -> None:
    text = "FROM base:1\nARG TARGETARCH=own\n"
    assert found(text, given={"TARGETARCH": "amd64"}) == OTHER
    assert found(text, given={"TARGETARCH": "own"}) == SAME
    assert found("ARG TARGETARCH=own\nFROM base:1\nARG TARGETARCH\n", text) == SAME


def test_it_is_put_in_where_it_is_used() -> None:
    used, written = (
        f"FROM base:1\nARG TARGETARCH\nENV Q={value}\n" for value in ("$TARGETARCH", "amd64")
    )
    assert found(used, written) == SAME


def test_where_engines_differ_nothing_is_claimed() -> None:
    text = "FROM base:1\nARG TARGETARCH\n"
    assert found(f"ARG TARGETARCH\n{text}", text) == []
    assert found(f"ARG TARGETARCH\n{text}") == SAME
    text = "FROM base:1 AS last\nARG TARGETSTAGE\n"
    assert found(text, text.replace("ARG TARGETSTAGE\n", "")) == []
    assert found(text) == SAME


@pytest.mark.parametrize("value", ["default", "own"])
def test_a_stage_that_is_given_is_blamed_for_nothing(value: str) -> None:
    """28.5 gives it by itself what may be the same (without --target "default"), 26.1 does not."""
    text, given = "FROM base:1\nARG TARGETSTAGE\n", {"TARGETSTAGE": value}
    assert found(text, given=given) == []
    assert found(f"{text}ENV Q=$TARGETSTAGE\n", given=given) == []
    assert found(text, None, given, "legacy") == OTHER, "there it has none"
