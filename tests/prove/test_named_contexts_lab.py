"""An experiment on a build with a folder in --build-context, on real engines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cachetui.records.document import Document
from tests.lab import Lab
from tests.prove.test_experiments import Fleet, outcome

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

WITH = ("mid", "new", "ctd")
"""Hosts whose client knows the option."""
NAMED = "FROM base:1\nARG NUMBER\nCOPY --from=data conf /conf\nRUN cat /conf && echo @SALT@\n"


@pytest.fixture
def fleet(lab: Lab, tmp_path: Path) -> Fleet:
    return Fleet(lab, tmp_path)


def audited(fleet: Fleet, folder: Path, number: str = "") -> Document:
    return fleet.audit(
        folder / "app",
        "buildkit-as-found",
        hosts=WITH,
        build_args={"NUMBER": number} if number else {},
        docker_args=("--build-context", f"data={folder / 'data'}"),
    )


def prove_everywhere(
    fleet: Fleet, document: Document, rule: str, *given: tuple[str, str]
) -> list[str]:
    """What was said on each host, where it is proved."""
    name = fleet.finding(document, rule).name
    with ThreadPoolExecutor(len(WITH)) as pool:
        jobs = [pool.submit(fleet.prove, document, name, host, *given) for host in WITH]
        outcomes = [outcome(job.result(timeout=120)) for job in jobs]
    assert [found for found, _ in outcomes] == ["proved"] * len(WITH), outcomes
    return [said for _, said in outcomes]


def test_an_argument_is_proved_beside_a_named_context(fleet: Fleet) -> None:
    folder = fleet.write("named", {"app/Dockerfile": NAMED, "data/conf": "conf\n"})
    now, then = f"now{fleet.salt}", f"then{fleet.salt}"
    audited(fleet, folder, then)
    document = audited(fleet, folder, now)
    prove_everywhere(fleet, document, "build-arg-invalidates", ("NUMBER", now), ("NUMBER", then))


def test_files_of_a_named_context_are_proved(fleet: Fleet) -> None:
    folder = fleet.write("named", {"app/Dockerfile": NAMED, "data/conf": "conf @SALT@\n"})
    audited(fleet, folder)
    fleet.write("named", {"data/conf": "another @SALT@\n"})
    for said in prove_everywhere(fleet, audited(fleet, folder), "context-content"):
        assert "in the host's own cache: line 3 (COPY), which missed in the as-found run" in said
