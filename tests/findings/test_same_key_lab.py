"""An input of the key changes on real engines, and nobody says that the key is the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from cachetui.audit.findings_of import why
from cachetui.findings import Findings
from cachetui.records.document import Document
from tests.lab import Lab
from tests.lab.registry import Registry
from tests.surprises.judge import found_on
from tests.surprises.stage import HOSTS, Stage

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

LEGACY, BUILDKIT = "legacy-as-found", "buildkit-as-found"
NEVER = "evicted-or-never-built"
FILE = "FROM base:1 AS one\nCOPY way/file /file\nRUN echo @SALT@ > /one\n"
SINCE_26 = ("mid", "new", "ctd")
OF_28 = ("new", "ctd")


@pytest.fixture
def stage(lab: Lab, tmp_path: Path) -> Stage:
    """A build whose COPY goes through a link."""
    source = tmp_path / "source"
    (source / "real").mkdir(parents=True)
    (source / "Dockerfile").write_text(FILE)
    (source / "real" / "file").write_text("one @SALT@\n")
    (source / "notes.log").write_text("@SALT@\n")
    made = Stage(lab, source, tmp_path)
    (made.build / "way").symlink_to("real")
    return made


def missed(document: Document, scenario: str) -> dict[str, str]:
    """Host → keyword of the first step that missed, FROM aside; only hosts where one did."""
    first: dict[str, str] = {}
    for run in document.runs:
        assert run.status == "ok", (run.host, run.reason)
        steps = [step for step in run.steps if step.status == "miss" and step.keyword != "FROM"]
        if run.scenario == scenario and steps:
            first[run.host] = steps[0].keyword
    return first


def alone(stage: Stage, host: str) -> Findings:
    """What is found in the last audit as if the host were alone in it."""
    last = stage.audits[-1]
    document = msgspec.structs.replace(
        last,
        hosts=tuple(report for report in last.hosts if report.name == host),
        runs=tuple(run for run in last.runs if run.host == host),
    )
    return why(document, stage.core.store)


def blamed(stage: Stage, scenario: str) -> dict[str, set[str]]:
    """Host → rules that say why, of its runs of that scenario."""
    found: dict[str, set[str]] = {}
    for name in stage.hosts:
        for one in alone(stage, name).findings:
            if scenario in one.scenarios:
                found.setdefault(name, set()).add(one.id)
    return found


def play(
    stage: Stage, change: Callable[[], object], *scenarios: str, hosts: tuple[str, ...] = HOSTS
) -> Document:
    """Two audits with a change between them. The first fills the caches, the second hits all."""
    stage.hosts = hosts
    for _ in range(2):
        document = stage.audit(*(scenarios or (LEGACY, BUILDKIT)), hosts=hosts)
    assert [missed(document, one) for one in (LEGACY, BUILDKIT)] == [{}, {}]
    change()
    return stage.audit(*(scenarios or (LEGACY, BUILDKIT)), hosts=hosts)


def expect(
    stage: Stage, document: Document, scenario: str, where: tuple[str, ...], keyword: str, rule: str
) -> None:
    """The step missed there and nowhere else, and that rule alone says why ("": none does)."""
    assert missed(document, scenario) == dict.fromkeys(where, keyword)
    assert blamed(stage, scenario) == ({host: {rule} for host in where} if rule else {})


def test_a_proxy_argument(stage: Stage) -> None:
    given = {"build_args": {"http_proxy": "http://a.invalid"}}
    document = play(stage, lambda: stage.settings.update(given))
    expect(stage, document, LEGACY, HOSTS, "RUN", "build-changed")
    expect(stage, document, BUILDKIT, (), "", "")
    stage.settings["build_args"] = {"http_proxy": "http://b.invalid", "no_proxy": "c"}
    assert missed(stage.audit(LEGACY, BUILDKIT), LEGACY) == {}, "the value is in no key"


def test_proxies_of_dockers_configuration(stage: Stage, lab: Lab) -> None:
    paths = [Path(lab[name].engine.env["DOCKER_CONFIG"]) / "config.json" for name in HOSTS]
    were = [path.read_text() if path.exists() else None for path in paths]

    def configure() -> None:
        for path, was in zip(paths, were, strict=True):
            own = {"proxies": {"default": {"httpProxy": "http://a.invalid"}}}
            path.write_text(json.dumps({**json.loads(was or "{}"), **own}))

    try:
        document = play(stage, configure)
    finally:
        for path, was in zip(paths, were, strict=True):
            path.unlink() if was is None else path.write_text(was)
    expect(stage, document, LEGACY, HOSTS, "RUN", "build-changed")
    expect(stage, document, BUILDKIT, (), "", "")
    (one,) = {f.evidence[0].text for f in alone(stage, "new").findings}
    assert "docker's configuration on new" in one
    assert "a.invalid" not in str(document)


def test_an_argument_that_a_trigger_declares(stage: Stage) -> None:
    base = f"onbuild-{stage.salt}:1"
    folder = stage.folder / "base"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM base:1\nONBUILD ARG CI\n")
    stage.typed("-t", base, backend="legacy", folder=folder)
    try:
        stage.edit("Dockerfile", "base:1", base)
        document = play(stage, lambda: stage.settings.update({"build_args": {"CI": "1"}}))
        for scenario in (LEGACY, BUILDKIT):
            assert set(missed(document, scenario)) == set(HOSTS), scenario
            assert all(NEVER not in rules for rules in blamed(stage, scenario).values())
    finally:
        stage.everywhere(lambda host: stage.lab[host].docker("rmi", base, check=False))


def test_a_file_behind_a_link(stage: Stage) -> None:
    document = play(stage, lambda: stage.write("real/file", "two @SALT@\n"))
    for scenario in (LEGACY, BUILDKIT):
        expect(stage, document, scenario, HOSTS, "COPY", "context-content")


def test_the_ignore_file_beside_a_dockerfile_elsewhere(stage: Stage) -> None:
    beside = stage.folder / "beside"
    beside.mkdir()
    (beside / "app.Dockerfile").write_text(
        FILE.replace("way/file /file", ". /all").replace("@SALT@", stage.salt)
    )
    own = beside / "app.Dockerfile.dockerignore"
    own.write_text("*.log\n")
    stage.settings["dockerfile"] = str(beside / "app.Dockerfile")
    document = play(stage, lambda: own.write_text("nothing\n"))
    expect(stage, document, BUILDKIT, HOSTS, "COPY", "context-unneeded-file")
    expect(stage, document, LEGACY, (), "", "")
    own.write_text("*.log\n")
    stage.write("notes.log", "another @SALT@\n")
    document = stage.audit(LEGACY, BUILDKIT)
    assert missed(document, LEGACY) == dict.fromkeys(HOSTS, "COPY")
    (finding,) = [
        f for f in alone(stage, "new").findings if f.id == "context-unneeded-file"
        and LEGACY in f.scenarios
    ]  # fmt: skip
    assert "never reads app.Dockerfile.dockerignore" in finding.advice


def test_the_epoch_of_the_clients_environment(stage: Stage) -> None:
    stage.edit("Dockerfile", "COPY", "WORKDIR /w\nCOPY")

    def set_it() -> None:
        for name in HOSTS:
            stage.host_settings[name] = {"env": {"SOURCE_DATE_EPOCH": "1700000000"}}

    document = play(stage, set_it)
    expect(stage, document, LEGACY, (), "", "")
    expect(stage, document, BUILDKIT, OF_28, "WORKDIR", "build-changed")


@pytest.mark.parametrize("option", ["--shm-size=99m", "--ulimit=nofile=999:999"])
def test_an_option_in_the_key_of_a_run(stage: Stage, option: str) -> None:
    document = play(stage, lambda: stage.settings.update({"docker_args": (option,)}), BUILDKIT)
    expect(stage, document, BUILDKIT, SINCE_26, "RUN", "build-changed")
    finding = found_on("build-changed", document, stage.core.store)["ctd"]
    assert option.replace("=", " ", 1) in finding.evidence[0].text


def test_a_stage_that_is_never_looked_up(stage: Stage) -> None:
    args = {"docker_args": ("--no-cache-filter=one",)}
    document = play(stage, lambda: stage.settings.update(args), BUILDKIT, hosts=SINCE_26)
    expect(stage, document, BUILDKIT, SINCE_26, "COPY", "build-changed")
    document = stage.audit(BUILDKIT, hosts=SINCE_26)
    expect(stage, document, BUILDKIT, SINCE_26, "COPY", "build-changed")


def test_a_tag_that_moved_and_pull(stage: Stage, lab: Lab) -> None:
    with Registry.of(lab["old"]) as registry:
        ref = registry.ref(f"moved:{stage.salt}")

        def push(what: bytes) -> None:
            lab["old"].import_base("pushed:1", {"who": what})
            for words in (("tag", "pushed:1", ref), ("push", ref), ("rmi", "pushed:1", ref)):
                lab["old"].docker(*words)

        push(b"one")
        stage.everywhere(lambda host: lab[host].docker("pull", ref))
        stage.edit("Dockerfile", "base:1", ref)
        stage.settings["docker_args"] = ("--pull",)
        try:
            document = play(stage, lambda: push(b"two"))
            for scenario in (LEGACY, BUILDKIT):
                expect(stage, document, scenario, HOSTS, "COPY", "base-drift")
        finally:
            stage.everywhere(lambda host: lab[host].docker("rmi", ref, check=False))
