"""Fixtures and rules for all tests: the lab, what is left out, and how a failure reads."""

import datetime
import gc
import os
import tempfile
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import settings

from cachetui.demo.fleet import Fleet, demo_fleet
from cachetui.store.place import DatabaseAddress
from tests.as_before import as_before, others_images_go
from tests.docs.console import Workspace
from tests.examples import QUICK
from tests.lab import Lab, skip_reason
from tests.lab.sharing import Sharing
from tests.lab_failures import expectation, hosts_of, put_first
from tests.postgres import Postgres, shared_postgres
from tests.programs import missing, needed, optional
from tests.slow.names import mark, slow_tests
from tests.turns import DAYS, turn, waiting

LEFT_OUT = pytest.StashKey[list[str]]()
SAID = pytest.StashKey[list[str]]()
"""What else is to be said at the end of a run, a line each."""
IN_CI = os.environ.get("CI") == "true"

__all__ = ["as_before", "others_images_go"]  # for all tests

settings.load_profile(QUICK)  # unless --hypothesis-profile names another


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--surprises",
        default="all",
        metavar="WHICH",
        help="the surprises to play on engines, and the tests there that take turns: all (the "
        "default), today (a set that is another one each day), 2/14 (the second of fourteen sets); "
        "or ids of surprises with commas between",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Before pytest itself chooses by markers."""
    mark(item, slow_tests())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot run on this machine, and say so in one line each.

    In CI all tests stay, and fail: a lab that cannot start is no reason to be green.
    """
    said = config.stash.setdefault(LEFT_OUT, [])
    absent = missing({name for item in items for name in needed(item)})
    for name in sorted(absent):
        tests = [i for i in items if name in needed(i) and (optional(i) or not IN_CI)]
        _leave_out(config, items, tests)
        if tests:
            said.append(f"left out: {len(tests)} tests that need {name}, which is not installed")
    if config.getoption("--surprises") != "all":
        tests = [item for item in items if item.get_closest_marker("thorough") is not None]
        _leave_out(config, items, tests)
        if tests:
            said.append(f"left out: {len(tests)} thorough tests on engines; make test-all has them")
    number = turn(config.getoption("--surprises"), datetime.date.today())
    if number is not None:
        turns = [(i, mark) for i in items if (mark := i.get_closest_marker("takes_turns"))]
        waits = waiting(
            [(i.nodeid.split("::")[0], mark.kwargs.get("together", False)) for i, mark in turns],
            number,
        )
        tests = [item for (item, _), later in zip(turns, waits, strict=True) if later]
        _leave_out(config, items, tests)
        if tests:
            said.append(
                f"left out: {len(tests)} tests on engines that wait for their day (this one's are "
                f"--surprises={number + 1}/{DAYS}); make test-all has them"
            )
    if IN_CI:
        return
    labs = [item for item in items if item.get_closest_marker("lab") is not None]
    reason = skip_reason() if labs and not os.environ.get("CACHETUI_LAB") else None
    if reason is not None:
        _leave_out(config, items, labs)
        said.append(f"left out: {len(labs)} tests on real engines; {reason}")


def _leave_out(
    config: pytest.Config, items: list[pytest.Item], tests: Sequence[pytest.Item]
) -> None:
    left_out = set(tests)
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=tests)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Thousands of collected tests are no garbage: spare the collector looking at them again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test on real engines says first what was expected of which host."""
    report = yield
    if report.failed and call.excinfo is not None and item.get_closest_marker("lab") is not None:
        put_first(report, expectation(call.excinfo, hosts_of(item)))
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands its lines to the process that reports; a run that left all
    its tests out, and said so, is no failure."""
    stash = session.config.stash
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"], output["said"] = stash.get(LEFT_OUT, []), stash.get(SAID, [])
    elif stash.get(LEFT_OUT, []) and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK


class Workers:
    """Hooks that exist only where pytest-xdist is loaded."""

    @staticmethod
    def pytest_testnodedown(node: object) -> None:
        """Take over what a worker says: each collects all tests, so they say the same."""
        config: pytest.Config = node.config  # type: ignore[attr-defined]
        output = getattr(node, "workeroutput", {})
        for key, name in ((LEFT_OUT, "left_out"), (SAID, "said")):
            said = config.stash.setdefault(key, [])
            said += [line for line in output.get(name, []) if line not in said]


def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(Workers(), "left-out-by-workers")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    stash = terminalreporter.config.stash
    for line in stash.get(LEFT_OUT, []):
        terminalreporter.write_line(line, yellow=True)
    for line in stash.get(SAID, []):
        terminalreporter.write_line(line)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """The recorded fleet of the demo, over real SSH, with hardly a wait."""
    with demo_fleet(speed=1000) as fleet:
        yield fleet


@pytest.fixture
def space(fleet: Fleet, tmp_path: Path) -> Workspace:
    """A folder of its user, where commands are typed."""
    return Workspace.of(fleet, tmp_path)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server of ours, which the workers of pytest-xdist share; a test that needs it says so with
    `needs("postgres")`."""
    name = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
    with shared_postgres(Path(tempfile.gettempdir(), f"cachetui-pg-{name}")) as server:
        yield server


@pytest.fixture
def database(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> DatabaseAddress:
    """An empty database, and a cache folder of its user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return postgres.empty_database()


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The four hosts, up for the whole session; each worker of pytest-xdist has its own.

    CACHETUI_LAB names the folder of a lab that is up already, to be used and left as it is. A
    machine that cannot run the lab leaves its tests out, but never in CI.
    """
    folder = os.environ.get("CACHETUI_LAB")
    if folder:
        yield Lab.at(Path(folder))
        return
    reason = skip_reason()
    if reason is not None:
        pytest.fail(f"this test needs the lab, and is not marked so: {reason}")
    with Lab(Path(f"/tmp/cachetui-lab-{os.getpid()}")) as lab:
        yield lab


@pytest.fixture(scope="module")
def sharing(lab: Lab) -> Iterator[Sharing]:
    """A registry and a second host with the containerd store, for as long as a module of tests
    needs them."""
    with Sharing(lab) as sharing:
        yield sharing
