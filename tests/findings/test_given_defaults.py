"""An argument that is given with the value of its default is no change; engines say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.records.backend import Backend
from cachetui.records.digest import ValueHasher
from tests.findings.making import HASHER, audit, before, ids, run, why
from tests.lab import Lab
from tests.surprises.stage import Stage

SAME = {
    "plain": ("ARG A=v\n", "v"),
    "double quotes": ('ARG A="v w"\n', "v w"),
    "single quotes": ("ARG A='v$w'\n", "v$w"),
    "escaped": ("ARG A=v\\ w\n", "v w"),
    "empty": ("ARG A=\n", ""),
    "of another default": ("ARG B=1\nARG A=v$B\n", "v1"),
    "of an ENV": ("ENV E=1\nARG A=v${E}\n", "v1"),
    "put into an ENV": ("ARG A=v\nENV Q=$A\n", "v"),
    "put into a folder": ("ARG A=v\nWORKDIR /$A\n", "v"),
    "before the first FROM": ("", "v"),
}
"""What stands above a RUN, and what A is given; measured on all engines of the lab."""

OTHER = {
    "another value": ("ARG A=v\n", "w"),
    "quotes are no part of a default": ('ARG A="v"\n', '"v"'),
    "no default": ("ARG A\n", ""),
    "another default's value": ("ARG B=1\nARG A=v$B\n", "v2"),
}


def dockerfile(above: str, salt: str = "") -> str:
    return f"FROM base:1\n{above}RUN make {salt}\n" if above else _with_global(salt)


def _with_global(salt: str) -> str:
    return f"ARG A=v\nFROM base:1\nARG A\nRUN make {salt}\n"


def letters(above: str, backend: Backend, of_run: str) -> str:
    lines = above.count("\n") if above else 1
    hits = lines if backend == "legacy" else above.count("WORKDIR")
    return "h" * hits + of_run


def found(
    above: str, value: str, backend: Backend, hasher: ValueHasher = HASHER, **given: str
) -> list[str]:
    """What is found where A is given now and was not then, and the RUN missed."""
    text, scenario = dockerfile(above), f"{backend}-as-found"
    also = {name: hasher.digest(text) for name, text in given.items()}
    now = audit(
        text,
        [run(text, letters(above, backend, "m"), scenario=scenario)],
        build_args={"A": hasher.digest(value), **also},
    )
    then = before(text, letters(above, backend, "h"), scenario=scenario, build_args=also)
    return ids(why(now, then))


@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
@pytest.mark.parametrize("case", SAME)
def test_the_same_value_is_no_cause(case: str, backend: Backend) -> None:
    assert found(*SAME[case], backend) == ["evicted-or-never-built"]


@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
@pytest.mark.parametrize("case", OTHER)
def test_another_value_is(case: str, backend: Backend) -> None:
    assert found(*OTHER[case], backend) == ["build-arg-invalidates"]


@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
def test_what_cannot_be_told_is_not_claimed(backend: Backend) -> None:
    other = ValueHasher(b"the secret of another store")
    assert found("ARG A=v\n", "v", backend, other) == []
    assert found("ARG B\nARG A=v$B\n", "v1", backend, B="1") == []
    assert found("ARG A=v$PATH\n", "v/bin", backend) == [], "PATH may be the base image's"


def test_a_default_that_no_engine_reads_ends_nothing() -> None:
    assert found("ARG A=${B:?x}${C\n", "v", "buildkit") is not None


@pytest.mark.lab
@pytest.mark.takes_turns
def test_the_engines_take_the_value_alone(lab: Lab, tmp_path: Path) -> None:
    """Each case is a stage: what has the value hits, what has another misses."""
    source = tmp_path / "source"
    source.mkdir()
    cases = [*SAME.values(), *OTHER.values()]
    stages = [_stage(number, above) for number, (above, _) in enumerate(cases)]
    heads = "".join(f"ARG A{n}=v\n" for n, (above, _) in enumerate(cases) if not above)
    last = "".join(f"COPY --from=s{n} /{n} /{n}\n" for n in range(len(cases)))
    text = f"{heads}{''.join(stages)}FROM base:1\n{last}"
    (source / "Dockerfile").write_text(text)
    stage = Stage(lab, source, tmp_path)
    scenarios = ("legacy-as-found", "buildkit-as-found")
    stage.audit(*scenarios)
    stage.settings = {"build_args": {f"A{n}": value for n, (_, value) in enumerate(cases)}}
    for one in stage.audit(*scenarios).runs:
        runs = [step.status for step in one.steps if step.keyword == "RUN"]
        assert runs == ["hit"] * len(SAME) + ["miss"] * len(OTHER), (one.host, one.scenario)


def _stage(number: int, above: str) -> str:
    """A case with an argument of its own, A and the stage's number."""
    own = (above or "ARG A\n").replace("ARG A", f"ARG A{number}").replace("$A", f"$A{number}")
    return f"FROM base:1 AS s{number}\n{own}RUN echo @SALT@ {number} > /{number}\n"
