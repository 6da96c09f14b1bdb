"""A file name that is not UTF-8 is named where it ends a build, and only there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.audits import audit, core_of, run_of, typed
from tests.lab import Lab
from tests.sample_builds import folder as sample

pytestmark = pytest.mark.lab

HOSTS = ("old", "mid", "new", "ctd")
COPIES_ALL = "FROM base:1\nCOPY . /all/\n"
COPIES_ONE = "FROM base:1\nCOPY ok.txt /ok.txt\n"
BY_TRIGGER = "FROM bad-names:1\nRUN true\n"


@pytest.mark.takes_turns
@pytest.mark.fault("file-names")
@pytest.mark.usefixtures("others_images_go")
@pytest.mark.parametrize(
    ("text", "ignore", "refused_on"),
    [
        (COPIES_ALL, "", {"new", "ctd"}),
        (COPIES_ALL, "*.txt\n", set()),
        (COPIES_ONE, "", set()),
        (BY_TRIGGER, "", {"new", "ctd"}),
    ],
)
def test_the_file_is_named(
    lab: Lab, tmp_path: Path, text: str, ignore: str, refused_on: set[str]
) -> None:
    folder = tmp_path / "build"
    folder.mkdir()
    if text == BY_TRIGGER:
        base = sample(tmp_path / "base", "FROM base:1\nONBUILD COPY . /all/\n")
        for host in HOSTS:
            typed(lab[host], base, "legacy", "-t", "bad-names:1")
    (folder / "Dockerfile").write_text(text)
    (folder / ".dockerignore").write_text(ignore)
    (folder / "ok.txt").write_text("fine\n")
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text("x")
    document = audit(
        core_of(lab, tmp_path / "store"), folder, HOSTS, scenarios=("legacy-cold", "buildkit-cold")
    )
    for host in HOSTS:
        assert run_of(document, host, "legacy-cold").status == "ok"
        run = run_of(document, host, "buildkit-cold")
        assert run.status == ("failed" if host in refused_on else "ok"), run.reason
        if host in refused_on:
            assert run.reason is not None
            assert "caf\\xe9.txt; rename it, or leave it out in .dockerignore" in run.reason
