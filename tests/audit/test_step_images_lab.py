"""The images that legacy builds leave are gone after an audit, in all ways in which there can be
any: the user's next build hits what it hit, and another's build at the same time keeps its own."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cachetui.core import Core
from tests.audit.test_audit_lab import HOSTS, images, own_build, said
from tests.audits import audit, core_of
from tests.lab import Lab
from tests.lab.host import Host
from tests.sample_builds import folder

pytestmark = pytest.mark.lab

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
    files: dict[str, str] = field(default_factory=dict)


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


def based(host: Host, tmp_path: Path, case: Case) -> Path:
    """The case's app, whose base with its triggers the user has built on this host."""
    salt = str(time.time_ns())
    base = f"onb:{salt}"
    lines = "".join(f"ONBUILD {text}\n" for text in case.triggers)
    text = f"FROM base:1\nLABEL salt={salt}\n{lines}"
    own_build(host, folder(tmp_path / f"base-{salt}", text), "legacy", "-t", base)
    app = case.app.replace("BASE", base).replace("SALT", salt)
    files = {"app.txt": f"{salt}\n"} | case.files
    return folder(tmp_path / f"app-{salt}", app, **files)


def fails(host: Host, build: Path) -> None:
    """The user's own build, which fails and leaves what it leaves."""
    with pytest.raises(AssertionError):
        own_build(host, build, "legacy")


def marks(printed: str) -> str:
    """H for what hit, m for what ran, in order."""
    return "".join(
        {"Using cache": "H", "Running in": "m"}[word]
        for word in re.findall(r"^ ---> (Using cache|Running in)", printed, re.MULTILINE)
    )


def containers(host: Host) -> set[str]:
    return set(said(host, "ps", "-aq", "--no-trunc").split())


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("kind", CASES)
def test_everything_is_as_before(
    lab: Lab, core: Core, tmp_path: Path, kind: str, name: str
) -> None:
    host, case = lab[name], CASES[kind]
    build = based(host, tmp_path, case)
    if case.works:
        own_build(host, build, "legacy", "-t", f"own:{time.time_ns()}")
        hits = marks(own_build(host, build, "legacy"))
    else:
        fails(host, build)
    held, stopped = images(host), containers(host)
    document = audit(core, build, [name], scenarios=LEGACY, fresh=True)
    assert {run.status for run in document.runs} == {"ok" if case.works else "failed"}
    assert set(images(host)) == set(held)
    assert containers(host) == stopped
    assert "cachetui" not in said(host, "image", "ls")
    if case.works:
        assert marks(own_build(host, build, "legacy")) == hits
        assert set(images(host)) == set(held)
