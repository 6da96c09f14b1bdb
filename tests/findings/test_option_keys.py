"""Every option that an audit passes on has its place in the one table, and rules go by it."""

from __future__ import annotations

import pytest

from cachetui.builders.option_names import PASSED_ON, REFUSED, SWITCHES
from cachetui.findings.key_inputs import KEY_INPUTS
from cachetui.findings.option_keys import OPTION_KEYS, part_of_key
from cachetui.records.backend import Backend
from tests.findings.making import audit, before, host, ids, run, why

TEXT = "FROM base:1\nRUN make\n"
VALUES = {
    **dict.fromkeys(("cpu-period", "cpu-quota", "cpu-shares"), "1000"),
    **dict.fromkeys(("memory", "memory-swap", "shm-size"), "64m"),
    "add-host": "a.invalid:127.0.0.1",
    "ulimit": "nofile=9",
}


def test_the_table_has_every_option_that_is_passed_on() -> None:
    assert OPTION_KEYS.keys() >= PASSED_ON
    assert OPTION_KEYS.keys() - PASSED_ON <= REFUSED.keys()


def test_an_option_with_an_input_of_its_own_is_read_there() -> None:
    own = {name for name, key in OPTION_KEYS.items() if key.legacy == "an input of its own"}
    read = {"build-arg": "arg", "build-context": "named context", "cache-from": "cache-from"}
    read |= {"network": "network", "platform": "platform", "pull": "base"}
    assert own == read.keys()
    assert set(read.values()) <= {one.name for one in KEY_INPUTS}


def found(option: str, backend: Backend, engine: str) -> list[str]:
    """What is found where the RUN missed, with the option now and without it then."""
    scenario, buildx = f"{backend}-as-found", None if engine.startswith("20") else "0.29.1"
    hosts = [host(facts_engine=engine, facts_buildx=buildx)]
    now = audit(TEXT, [run(TEXT, "m", scenario=scenario)], hosts=hosts, docker_args=(option,))
    return ids(why(now, before(TEXT, "h", scenario=scenario, hosts=hosts)))


BACKENDS: tuple[Backend, ...] = ("legacy", "buildkit")
READ_FOR_THEMSELVES = {"no-cache", "no-cache-filter"}
BY_THE_TABLE = [
    (name, backend)
    for name in sorted(PASSED_ON - READ_FOR_THEMSELVES)
    for backend in BACKENDS
    if part_of_key(name, backend) != "an input of its own"
]


@pytest.mark.parametrize("engine", ["20.10.24", "26.1.5", "28.5.2"])
@pytest.mark.parametrize(("name", "backend"), BY_THE_TABLE)
def test_the_rules_go_by_it(name: str, backend: Backend, engine: str) -> None:
    part = part_of_key(name, backend)
    option = f"--{name}" if name in SWITCHES else f"--{name}={VALUES.get(name, 'default')}"
    said = found(option, backend, engine)
    in_key = part == "RUN" or (part == "RUN from 26.1 on" and not engine.startswith("20"))
    if part == "not known":
        assert not {"build-changed", "evicted-or-never-built"} & set(said)
    else:
        assert said == ["build-changed" if in_key else "evicted-or-never-built"]


@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
def test_no_cache_that_is_off_or_was_given_before_leaves_the_key(backend: Backend) -> None:
    assert found("--no-cache=false", backend, "28.5.2") == ["evicted-or-never-built"]
    scenario = f"{backend}-as-found"
    now = audit(TEXT, [run(TEXT, "m", scenario=scenario)])
    then = before(TEXT, "m", scenario=scenario, docker_args=("--no-cache",))
    assert ids(why(now, then)) == ["evicted-or-never-built"]
    on = audit(TEXT, [run(TEXT, "m", scenario=scenario)], docker_args=("--no-cache",))
    assert ids(why(on, before(TEXT, "h", scenario=scenario))) == ["build-changed"]
