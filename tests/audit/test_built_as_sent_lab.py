"""What COPY puts into an image is what the manifest says, and no other build's files.

BuildKit takes all context folders of one base name for one local source and compares only size
and time, so builds that differ in nothing but bytes are the ones that show it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cachetui.audit.findings_of import case_of, why
from cachetui.context.build_context import read_context
from cachetui.core import Core
from cachetui.hosts.upload import context_folder, context_name
from cachetui.records.document import Document
from tests.audit.test_audit_lab import HOSTS, own_build
from tests.audits import audit, core_of, log_of, run_of, step_at
from tests.lab import Lab
from tests.sample_builds import checkout

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("others_images_go")]

DOCKERFILE = """\
FROM base:1
COPY app.conf /app.conf
ADD sub /added/
COPY . /all/
RUN sha256sum /app.conf /added/more /all/sub/more /all/Dockerfile && echo "service {name}"
"""
BOUND = """\
FROM base:1 AS other
COPY app.conf /app.conf
FROM base:1
COPY --from=other /app.conf /app.conf
RUN --mount=type=bind,target=/all --mount=type=bind,source=sub,target=/added \\
    sha256sum /app.conf /added/more /all/sub/more /all/Dockerfile
"""
SHA = re.compile(r"([0-9a-f]{64}) +(/\S+)")
SAME_TIME = 1_760_000_000
SCENARIOS = ("legacy-cold", "legacy-warm", "buildkit-cold", "buildkit-warm")


def service(folder: Path, name: str, dockerfile: str = DOCKERFILE) -> Path:
    """A checkout that differs from one of another name of that length in nothing but bytes."""
    files = {
        "Dockerfile": dockerfile.format(name=name),
        "app.conf": f"name={name}\n",
        "sub/more": f"more={name}\n",
    }
    return checkout(folder, files, SAME_TIME)


def sums(text: str) -> dict[str, str]:
    """The digests that the RUN printed, by path."""
    return {path: digest for digest, path in SHA.findall(text)}


def expected(folder: Path) -> dict[str, str | None]:
    """The digests that the manifest has of these files."""
    entries = {entry.path: entry.sha256 for entry in read_context(folder).entries}
    return {
        "/app.conf": entries["context/app.conf"],
        "/added/more": entries["context/sub/more"],
        "/all/sub/more": entries["context/sub/more"],
        "/all/Dockerfile": entries["context/Dockerfile"],
    }


@pytest.fixture(scope="module")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Core:
    return core_of(lab, tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("services")
    return {name: service(root / name, name) for name in ("alpha", "omega")}


@pytest.fixture(scope="module")
def audits(core: Core, services: dict[str, Path]) -> dict[str, Document]:
    """One audit after the other, each of another build on the same hosts."""
    return {name: audit(core, services[name], scenarios=SCENARIOS) for name in ("alpha", "omega")}


@pytest.mark.takes_turns
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", ["alpha", "omega"])
def test_every_image_has_the_files_of_its_own_build(
    core: Core, services: dict[str, Path], audits: dict[str, Document], host: str, name: str
) -> None:
    cold = [scenario for scenario in SCENARIOS if scenario.endswith("-cold")]
    for scenario in cold:
        run = run_of(audits[name], host, scenario)
        said = log_of(core.store, run, step_at(run, "RUN"))
        assert sums(said) == expected(services[name]), f"{host} {scenario}"
        assert f"service {name}" in said, f"{host} {scenario}"
    layers = {
        scenario: image.layers
        for scenario in SCENARIOS
        if (image := run_of(audits[name], host, scenario).image) is not None
    }
    assert layers.keys() == set(SCENARIOS)
    for backend in ("legacy", "buildkit"):
        assert layers[f"{backend}-cold"] == layers[f"{backend}-warm"], f"{host} {backend}"


@pytest.mark.takes_turns
def test_bind_mounts_and_stages_have_the_files_of_their_own_build(
    core: Core, tmp_path: Path
) -> None:
    for name in ("alpha", "omega"):
        own = service(tmp_path / name, name, BOUND)
        document = audit(core, own, scenarios=("buildkit-cold",))
        for host in HOSTS:
            run = run_of(document, host, "buildkit-cold")
            said = log_of(core.store, run, step_at(run, "RUN"))
            assert sums(said) == expected(own), f"{host} {name}"


@pytest.mark.takes_turns
@pytest.mark.fault("users-caches")
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
def test_the_users_next_build_gets_no_file_of_ours(
    lab: Lab, audits: dict[str, Document], tmp_path: Path, host: str, backend: str
) -> None:
    assert audits
    own = service(tmp_path / "x" / "context", "gamma")
    said = own_build(lab[host], own, backend)
    assert sums(said) == expected(own), said


@pytest.mark.takes_turns
@pytest.mark.parametrize("host", ["mid", "new", "ctd"])
def test_a_run_that_got_another_builds_file_says_so(
    lab: Lab, core: Core, tmp_path: Path, host: str
) -> None:
    """Somebody on the host builds from a folder that has the base name of ours."""
    own = service(tmp_path / "delta", "delta")
    digest = read_context(own).digest
    name = context_name(context_folder("", digest))
    own_build(lab[host], service(tmp_path / "theirs" / name, "theta"), "buildkit")
    document = audit(core, own, (host,), scenarios=("buildkit-cold",), outputs=True, fresh=True)
    found = [f for f in why(document, core.store).findings if f.id == "stale-transfer"]
    assert [f.confidence for f in found] == ["proved"]
    assert "/app.conf" in found[0].title
    assert found[0].hosts == (host,)


def test_a_run_that_was_built_as_sent_says_nothing(core: Core, tmp_path: Path) -> None:
    own = service(tmp_path / "zetas", "zetas")
    document = audit(core, own, scenarios=("legacy-cold", "buildkit-cold"), outputs=True)
    assert {run.status for run in document.runs} == {"ok"}
    assert "stale-transfer" not in {f.id for f in why(document, core.store).findings}
    case = case_of(document, core.store)
    assert case is not None
    assert case.foreign == {}
