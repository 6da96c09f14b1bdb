"""Modes that BuildKit of older engines leaves out without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.audit.findings_of import why as explained
from cachetui.builders.unsupported import builds_other
from cachetui.dockerfile.parse import parse
from tests.audit.test_audit_lab import HOSTS
from tests.audits import audit as audited
from tests.audits import core_of, log_of, run_of, step_at
from tests.findings.making import audit, run, why
from tests.lab import Lab


def ignored(step: str, engine: str, head: str = "") -> str | None:
    """What of the step BuildKit of that engine is said to have ignored."""
    text = f"{head}FROM base:1\nARG MODE=755\n{step}\n"
    made = run(text, "m", scenario="buildkit-cold", engine=engine)
    found = [one for one in why(audit(text, [made])).findings if one.id == "ignored-syntax"]
    note = builds_other(parse(text), None, "buildkit", engine)
    assert bool(found) == (note is not None)
    for one in found:
        assert one.confidence == "proved"
        assert one.backends == ("buildkit",)
    return found[0].title if found else None


@pytest.mark.parametrize(
    ("step", "engine", "what"),
    [
        ("COPY --chmod=u+x a /a", "20.10.24", "--chmod=u+x"),
        ("COPY --chmod=u+x a /a", "26.1.5", "--chmod=u+x"),
        ("ADD --chmod=a+x a /a", "26.1.5", "--chmod=a+x"),
        ("COPY --chmod=$MODE a /a", "26.1.5", "--chmod=$MODE"),
        ("COPY --chmod=0o755 a /a", "26.1.5", "--chmod=0o755"),
        ("COPY --chmod=999 a /a", "26.1.5", "--chmod=999"),
        ("COPY --chmod=4755 a /a", "20.10.24", "the special bits of --chmod=4755"),
        ("COPY --chmod=4755 a /a", "26.1.5", None),
        ("COPY --chmod=755 a /a", "20.10.24", None),
        ("COPY --chmod=u+x a /a", "28.5.2", None),
        ("COPY --chmod=u+x a /a", "27.3.1", None),
        ("COPY --chown=u+x a /a", "20.10.24", None),
        ("COPY a /a", "20.10.24", None),
    ],
)
def test_what_buildkit_ignores(step: str, engine: str, what: str | None) -> None:
    title = ignored(step, engine)
    assert (title is not None) == (what is not None)
    if what is not None:
        assert title == f"BuildKit ignored {what} (line 3) and built as if it were not there"


def test_another_frontend_is_another_matter() -> None:
    assert ignored("COPY --chmod=u+x a /a", "26.1.5", "# syntax=docker/dockerfile:1\n") is None


def test_a_stage_that_is_not_built_ignores_nothing() -> None:
    text = "FROM base:1 AS x\nCOPY --chmod=u+x a /a\nFROM base:1\nRUN make\n"
    made = run(text, "nm", scenario="buildkit-cold", engine="26.1.5")
    assert "ignored-syntax" not in [one.id for one in why(audit(text, [made])).findings]


STEPS = {
    "COPY --chmod=u+x f /one": {"old": "644", "mid": "644", "new": "744", "ctd": "744"},
    "ADD --chmod=$MODE f /two": {"old": "644", "mid": "644", "new": "755", "ctd": "755"},
    "COPY --chmod=4755 f /three": {"old": "755", "mid": "4755", "new": "4755", "ctd": "4755"},
    "COPY --chmod=711 f /four": dict.fromkeys(HOSTS, "711"),
}
"""What each engine of the lab makes of a file of mode 644."""


@pytest.mark.lab
def test_what_the_engines_make_of_modes(lab: Lab, tmp_path: Path) -> None:
    build = tmp_path / "build"
    build.mkdir()
    lines = "\n".join(STEPS)
    names = " ".join(step.split()[-1] for step in STEPS)
    (build / "Dockerfile").write_text(
        f"FROM base:1\nARG MODE=755\n{lines}\nRUN stat -c 'mode %a' {names}\n"
    )
    (build / "f").write_text("f\n")
    (build / "f").chmod(0o644)
    core = core_of(lab, tmp_path / "store")
    document = audited(core, build, scenarios=("buildkit-cold",))
    for host in HOSTS:
        one = run_of(document, host, "buildkit-cold")
        said = log_of(core.store, one, step_at(one, "RUN"))
        modes = [line.split()[-1] for line in said.splitlines() if line.startswith("mode ")]
        assert modes == [made[host] for made in STEPS.values()], host
        assert bool(one.notes) == (host in ("old", "mid")), one.notes
    found = [one for one in explained(document, core.store).findings if one.id == "ignored-syntax"]
    titles = {host: one.title for one in found for host in one.hosts}
    assert titles.keys() == {"old", "mid"}
    assert "--chmod=u+x and --chmod=$MODE (line 3)" in titles["mid"]
    assert "the special bits of --chmod=4755" in titles["old"]
