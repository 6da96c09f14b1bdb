"""The images that legacy builds leave are gone after an audit, in all ways in which there can be
any: the user's next build hits what it hit, and another's build at the same time keeps its own."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from cachetui.core import Core
from tests.audit.test_audit_lab import HOSTS, images, own_build, said
from tests.audit.test_stopping_lab import asleep, until, until_quiet
from tests.audits import audit, core_of, prepare
from tests.lab import Lab
from tests.lab.host import Host
from tests.sample_builds import folder

T = TypeVar("T")

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("others_images_go")]

LEGACY = ("legacy-cold", "legacy-warm")
SIX = (
    "ENV TRIG=one",
    "COPY app.txt /app.txt",
    "RUN echo run",
    "ADD app.txt /a/",
    "WORKDIR /w",
    "LABEL l=1",
)


@dataclass(frozen=True)
class Case:
    """A build on a base with these triggers. `works`: it ends well."""

    app: str
    triggers: tuple[str, ...] = ()
    works: bool = True


CASES = {
    "one RUN": Case("FROM BASE\nRUN echo own\n", ("RUN echo trigger",)),
    "six triggers": Case("FROM BASE\nLABEL own=1\nRUN echo own\nCOPY app.txt /own\n", SIX),
    "triggers only": Case("FROM BASE\n", SIX),
    "ends in COPY": Case("FROM BASE\nCMD x\n", ("ENV A=1", "COPY app.txt /b", "COPY app.txt /c")),
    "two stages": Case(
        "FROM BASE AS one\nRUN echo one\nFROM BASE\nCOPY --from=one /app.txt /x\nRUN echo two\n",
        SIX,
    ),
    "stage on a stage": Case(
        "FROM base:1 AS one\nONBUILD RUN echo in-file\nONBUILD COPY app.txt /f\nRUN echo SALT\n"
        "FROM one\nRUN echo two\n"
    ),
    "triggers in three stages": Case(
        "FROM BASE AS one\nONBUILD RUN echo in-file\nONBUILD COPY app.txt /f\nRUN echo SALT\n"
        "FROM one AS two\nONBUILD ENV T=two\nONBUILD WORKDIR /t\nFROM two\n"
        "COPY --from=one /app.txt /x\nRUN echo three\n",
        SIX,
    ),
    "scratch": Case("FROM scratch\nCOPY app.txt /a\nENV S=SALT\nLABEL l=1\n"),
    "metadata": Case("FROM base:1\nENV S=SALT\nLABEL l=1\nCMD y\n"),
    "FROM only": Case("FROM BASE\n"),
    "RUN fails": Case("FROM BASE\nENV A=1\nRUN exit 3\n", SIX, works=False),
    "COPY fails": Case("FROM BASE\nENV A=1\nCOPY missing /x\n", SIX, works=False),
    "scratch, COPY fails": Case(
        "FROM scratch\nENV S=SALT\nCOPY app.txt /a\nCOPY missing /x\n", works=False
    ),
    "RUN trigger fails": Case("FROM BASE\nENV A=1\n", (*SIX[:4], "RUN exit 3", "ENV B=2"), False),
    "COPY trigger fails": Case("FROM BASE\nENV A=1\n", (*SIX[:4], "COPY missing /x"), False),
    "COPY triggers fail without a container": Case(
        "FROM BASE\n", ("COPY app.txt /a", "COPY app.txt /b", "COPY missing /c"), False
    ),
    "second stage's trigger fails": Case(
        "FROM base:1\nENV S=SALT\nFROM BASE\nENV A=1\n", ("COPY app.txt /a", "RUN exit 3"), False
    ),
}


@pytest.fixture(scope="module")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Core:
    return core_of(lab, tmp_path_factory.mktemp("store"))


def on_each(lab: Lab, work: Callable[[Host], T], names: Sequence[str] = HOSTS) -> dict[str, T]:
    """What `work` gives on each host, done side by side."""
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(work, (lab[name] for name in names)), strict=True))


def based(
    lab: Lab, tmp_path: Path, app: str, triggers: Sequence[str], names: Sequence[str] = HOSTS
) -> Path:
    """The app, whose base with its triggers the user has built on each host. `BASE` and `SALT` in
    it are put in."""
    salt = str(time.time_ns())
    base = f"onb:{salt}"
    lines = "".join(f"ONBUILD {text}\n" for text in triggers)
    file = folder(tmp_path / f"base-{salt}", f"FROM base:1\nLABEL salt={salt}\n{lines}")
    on_each(lab, lambda host: own_build(host, file, "legacy", "-t", base), names)
    text = app.replace("BASE", base).replace("SALT", salt)
    return folder(tmp_path / f"app-{salt}", text, **{"app.txt": f"{salt}\n"})


def marks(printed: str) -> str:
    """H for what hit, m for what ran, in order."""
    return "".join(
        {"Using cache": "H", "Running in": "m"}[word]
        for word in re.findall(r"^ ---> (Using cache|Running in)", printed, re.MULTILINE)
    )


@dataclass(frozen=True)
class Seen:
    """What is on a host: the IDs of all images and containers, and what the user's build hits."""

    images: frozenset[str]
    containers: frozenset[str]
    hits: str = ""


def seen(host: Host, build: Path, works: bool) -> Seen:
    hits = marks(own_build(host, build, "legacy")) if works else ""
    containers = said(host, "ps", "-aq", "--no-trunc").split()
    return Seen(frozenset(images(host)), frozenset(containers), hits)


def users(host: Host, build: Path, works: bool) -> Seen:
    """What is there once the user has made the build."""
    if works:
        own_build(host, build, "legacy", "-t", f"own:{time.time_ns()}")
    else:
        with pytest.raises(AssertionError):
            own_build(host, build, "legacy")
    return seen(host, build, works)


@pytest.mark.fault("left-by-stopped")
@pytest.mark.takes_turns
@pytest.mark.parametrize("kind", CASES)
def test_everything_is_as_before(lab: Lab, core: Core, tmp_path: Path, kind: str) -> None:
    case = CASES[kind]
    build = based(lab, tmp_path, case.app, case.triggers)
    before = on_each(lab, lambda host: users(host, build, case.works))
    document = audit(core, build, scenarios=LEGACY, fresh=True)
    assert {run.status for run in document.runs} == {"ok" if case.works else "failed"}
    after = on_each(lab, lambda host: Seen(frozenset(images(host)), before[host.name].containers))
    for name in HOSTS:
        assert after[name].images == before[name].images, name
    assert on_each(lab, lambda host: seen(host, build, case.works)) == before
    assert not any(on_each(lab, lambda host: "cachetui" in said(host, "image", "ls")).values())


@pytest.mark.takes_turns
@pytest.mark.fault("left-by-stopped")
@pytest.mark.parametrize(
    "triggers",
    [("ENV A=1", "COPY app.txt /b", "RUN sleep 600"), ("COPY app.txt /b", "RUN sleep 600"), ()],
    ids=["behind a container", "behind a COPY", "own step"],
)
def test_a_stopped_build_leaves_nothing(
    lab: Lab, core: Core, tmp_path: Path, triggers: tuple[str, ...]
) -> None:
    app = "FROM BASE\nENV B=1\nCOPY app.txt /c\nRUN sleep 600\n"
    build = based(lab, tmp_path, app, triggers)
    before = on_each(lab, lambda host: seen(host, build, works=False))
    running = prepare(core, build, scenarios=("legacy-cold",), fresh=True)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until(lambda: all(asleep(lab[name]) for name in HOSTS), 90, "the RUN step begins")
    running.stop()
    thread.join(60)
    assert not thread.is_alive()
    until_quiet(*(lab[name] for name in HOSTS), seconds=20)
    assert on_each(lab, lambda host: seen(host, build, works=False)) == before


@pytest.mark.takes_turns
@pytest.mark.fault("left-by-stopped")
def test_a_build_that_is_stopped_among_copies_leaves_nothing(
    lab: Lab, core: Core, tmp_path: Path
) -> None:
    """The engine goes on with the triggers when its client is gone."""
    triggers = ("COPY big /a", "COPY big /b", "COPY big /c", "ENV A=1", "RUN sleep 600")
    build = based(lab, tmp_path, "FROM BASE\nRUN sleep 600\n", triggers)
    (build / "big").write_bytes(b"\0" * 40_000_000)
    before = on_each(lab, lambda host: seen(host, build, works=False))
    running = prepare(core, build, scenarios=("legacy-cold",), fresh=True)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until(
        lambda: all(set(images(lab[name])) - before[name].images for name in HOSTS),
        90,
        "the first trigger's image is there",
    )
    running.stop()
    thread.join(60)
    assert not thread.is_alive()
    until_quiet(*(lab[name] for name in HOSTS), seconds=20)
    time.sleep(3)
    assert on_each(lab, lambda host: seen(host, build, works=False)) == before


@pytest.mark.takes_turns
@pytest.mark.fault("anothers-images")
def test_anothers_build_of_the_same_base_survives(lab: Lab, core: Core, tmp_path: Path) -> None:
    """One that has begun when ours begins and ends after ours; and ours is made cold and warm."""
    wait = "RUN sleep 3"
    build = based(lab, tmp_path, "FROM BASE\nRUN echo ours\n", ("COPY app.txt /b", wait))
    other = folder(
        tmp_path / "other",
        f"{(build / 'Dockerfile').read_text()}RUN sleep 8\nENV last=1\n",
        **{"app.txt": (build / "app.txt").read_text()},
    )
    theirs = threading.Thread(
        target=on_each,
        args=(lab, lambda host: own_build(host, other, "legacy", "--no-cache", "-t", "others:1")),
    )
    before = on_each(lab, images)
    theirs.start()
    document = audit(core, build, scenarios=LEGACY, fresh=True)
    theirs.join(120)
    assert {run.status for run in document.runs} == {"ok"}
    again = on_each(lab, lambda host: own_build(host, other, "legacy"))
    assert {name: marks(printed) for name, printed in again.items()} == dict.fromkeys(
        HOSTS, "HHHHH"
    )
    made = on_each(lab, lambda host: len(set(images(host)) - set(before[host.name])))
    assert made == dict.fromkeys(HOSTS, 5)  # the other's two triggers and three steps
