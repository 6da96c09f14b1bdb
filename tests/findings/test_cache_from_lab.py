"""The legacy builder with --cache-from looks in the images that it names, on real engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.audit.findings_of import why
from tests.lab import Lab
from tests.surprises.stage import Stage

pytestmark = pytest.mark.lab

LEGACY = "legacy-as-found"


@pytest.mark.takes_turns
def test_an_image_without_parents_is_not_told_where_cache_from_names_another(
    lab: Lab, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "Dockerfile").write_text("FROM base:1\nRUN echo one @SALT@\nRUN echo two @SALT@\n")
    stage = Stage(lab, source, tmp_path)
    tag = f"named-{stage.salt}:1"
    stage.typed("-t", tag, backend="legacy", hosts=("old",))
    archive = lab["old"].docker("save", tag).stdout
    lab["old"].docker("rmi", tag)
    stage.everywhere(lambda host: lab[host].docker("load", "--quiet", input=archive))
    stage.settings["docker_args"] = ("--cache-from", "base:1")
    try:
        document = stage.audit(LEGACY)
        (found,) = why(document, stage.core.store).findings
        assert (found.id, set(found.hosts)) == ("evicted-or-never-built", set(stage.hosts))
        assert "name that image in --cache-from" in (found.advice or "")
        stage.typed("-t", tag, backend="legacy")
        assert missed(stage, "base:1"), "an image that is not named is not looked in"
        assert missed(stage, tag) == set()
    finally:
        stage.everywhere(lambda host: lab[host].docker("rmi", "-f", tag, check=False))


def missed(stage: Stage, named: str) -> set[str]:
    """Hosts on which a RUN missed with --cache-from that image."""
    stage.settings["docker_args"] = ("--cache-from", named)
    return {
        run.host
        for run in stage.audit(LEGACY).runs
        for step in run.steps
        if step.keyword == "RUN" and step.status == "miss"
    }
