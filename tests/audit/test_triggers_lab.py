"""ONBUILD triggers of base images on real engines: their texts, their places, why they missed; and
what somebody else builds during an audit."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from cachetui.core import Core
from cachetui.records.step import StepId
from tests.audit.test_audit_lab import HOSTS, own_build
from tests.audit.test_step_images_lab import SIX, based, on_each
from tests.audits import audit, core_of, run_of
from tests.lab import Lab
from tests.sample_builds import folder

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

FOUND = ("legacy-as-found", "buildkit-as-found")
VERTICES = ("COPY", "RUN", "ADD", "WORKDIR")


@pytest.fixture(scope="module")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Core:
    return core_of(lab, tmp_path_factory.mktemp("store"))


def test_a_trigger_is_the_same_step_with_its_text_everywhere(
    lab: Lab, core: Core, tmp_path: Path
) -> None:
    build = based(lab, tmp_path, "FROM BASE AS one\nRUN echo own\nFROM BASE\nRUN echo two\n", SIX)
    document = audit(core, build, fresh=True)
    texts = {number: f"ONBUILD {text}" for number, text in enumerate(SIX)}
    expected = {
        StepId(stage, 0, number): text for stage in (0, 1) for number, text in texts.items()
    }
    for name in HOSTS:
        for scenario in ("legacy-cold", "legacy-warm"):
            run = run_of(document, name, scenario)
            steps = [step for step in run.steps if step.trigger is not None]
            assert {step.id: step.instruction for step in steps} == expected, name
        cold = run_of(document, name, "legacy-cold")
        assert {s.status for s in cold.steps if s.trigger is not None} == {"miss"}, name
        for scenario, status in (("buildkit-cold", "miss"), ("buildkit-warm", "hit")):
            run = run_of(document, name, scenario)
            steps = [s for s in run.steps if s.trigger is not None and s.stage_index == 1]
            made = {step.id: step.instruction for step in steps}
            assert made == {
                step: text
                for step, text in expected.items()
                if step.stage_index == 1 and text.split()[1] in VERTICES
            }, (name, scenario)
            assert {s.status for s in steps if s.keyword != "WORKDIR"} == {status}, name


def test_a_changed_file_that_a_trigger_copies_is_found(
    lab: Lab, core: Core, tmp_path: Path
) -> None:
    build = based(lab, tmp_path, "FROM BASE\nRUN echo own\n", SIX)
    names = ("legacy-as-found", "buildkit-as-found")
    audit(core, build, scenarios=names)
    audit(core, build, scenarios=names)
    (build / "app.txt").write_text(f"changed {time.time_ns()}\n")
    document = audit(core, build, scenarios=names)
    for name in HOSTS:
        found = [s for s in run_of(document, name, names[0]).steps if s.trigger is not None]
        assert [s.status for s in found] == ["hit", *["miss"] * 5], name
    findings = core.findings(document)
    assert not findings.unexplained
    told = {one.id: set(one.hosts) for one in findings.findings}
    assert told["context-content"] == set(HOSTS)
    (one,) = [one for one in findings.findings if one.id == "context-content"]
    assert set(one.backends) == {"legacy", "buildkit"}
    assert any("ONBUILD COPY app.txt /app.txt" in item.text for item in one.evidence)


IN_FILE = """\
FROM base:1 AS lib
RUN echo SALT
ONBUILD ENV A=one
ONBUILD RUN echo in-file
FROM lib AS two
RUN echo two
FROM two
COPY --from=lib /bin/busybox /b
"""


@pytest.mark.parametrize(
    ("line", "old", "new"), [(4, "in-file", "other"), (3, "A=one", "A=two")], ids=["RUN", "ENV"]
)
def test_an_onbuild_line_of_the_file_that_changed(
    core: Core, tmp_path: Path, line: int, old: str, new: str
) -> None:
    """BuildKit has no step of it: what misses stands at the FROM of another stage."""
    text = IN_FILE.replace("SALT", str(time.time_ns()))
    build = folder(tmp_path / f"app-{time.time_ns()}", text)
    audit(core, build, scenarios=FOUND)
    (build / "Dockerfile").write_text(text.replace(old, new))
    document = audit(core, build, scenarios=FOUND)
    findings = core.findings(document)
    assert not findings.unexplained
    told = [one for one in findings.findings if one.confidence == "proved" and one.scenarios]
    assert {b for one in told for b in one.backends} == {"legacy", "buildkit"}
    for one in told:
        assert one.id in ("build-changed", "legacy-metadata-invalidates"), one
        assert f"line {line}" in one.title, one
        assert set(one.hosts) == set(HOSTS), one


@pytest.mark.usefixtures("others_images_go")
def test_a_base_of_a_base_with_other_triggers(lab: Lab, core: Core, tmp_path: Path) -> None:
    """Its own triggers run, those of the image below ran when it was built. No line of the
    Dockerfile changed."""
    salt = str(time.time_ns())

    def base(name: str, text: str) -> None:
        place = folder(tmp_path / f"{name}-{time.time_ns()}", text, **{"app.txt": "base\n"})
        on_each(lab, lambda host: own_build(host, place, "legacy", "-t", f"{name}:{salt}"))

    outer = f"FROM low:{salt}\nRUN echo {salt}\nONBUILD ENV A=%s\nONBUILD RUN echo run\n"
    base("low", f"FROM base:1\nLABEL salt={salt}\nONBUILD COPY app.txt /one\n")
    base("high", outer % "one")
    build = folder(tmp_path / "app", f"FROM high:{salt}\nRUN echo own\n")
    audit(core, build, scenarios=FOUND)
    base("high", outer % "two")
    document = audit(core, build, scenarios=FOUND)
    for name in HOSTS:
        run = run_of(document, name, FOUND[0])
        assert [s.instruction for s in run.steps if s.trigger is not None] == [
            "ONBUILD ENV A=two", "ONBUILD RUN echo run",
        ]  # fmt: skip
    findings = core.findings(document)
    assert not findings.unexplained
    told = [one for one in findings.findings if one.confidence == "proved" and one.scenarios]
    assert {one.id for one in told} == {"base-drift"}
    assert {(h, b) for one in told for h in one.hosts for b in one.backends} == {
        (host, builder) for host in HOSTS for builder in ("legacy", "buildkit")
    }


@pytest.mark.fault("anothers-images")
@pytest.mark.usefixtures("others_images_go")
@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
def test_what_another_builds_meanwhile_is_not_ours(
    lab: Lab, core: Core, tmp_path: Path, backend: str
) -> None:
    salt = time.time_ns()
    build = folder(tmp_path / "ours", f"FROM base:1\nRUN sleep 6 && echo {salt} > /a\n")
    text = f"FROM base:1\nRUN sleep 2 && head -c 20000000 /dev/urandom > /big-{salt}\n"
    other = folder(tmp_path / "other", text)
    theirs = threading.Thread(
        target=on_each, args=(lab, lambda host: own_build(host, other, "buildkit"))
    )
    starts = threading.Timer(3, theirs.start)
    starts.start()
    scenarios = (f"{backend}-cold",)
    document = audit(core, build, scenarios=scenarios, fresh=True)
    starts.join()
    theirs.join(120)
    for host in document.hosts:
        assert host.left_behind_bytes is not None, host.name
        assert host.left_behind_bytes < 10_000_000, host.name
        assert host.left_behind_at_most == (backend == "buildkit"), host.name
        assert host.left_behind_images == 0, host.name
