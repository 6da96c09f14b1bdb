"""Whole audits on real engines: what each scenario hits, and what it leaves as it was."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from cachetui.compare.align import agree
from cachetui.core import Core
from cachetui.records.document import Document
from tests.audits import audit, core_of, log_of, run_of, statuses, step_at
from tests.lab import Lab
from tests.lab.host import Host
from tests.sample_builds import FAILING, MOUNT, PLAIN, folder

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("others_images_go")]

HOSTS = ("old", "mid", "new", "ctd")
RANDOM = re.compile(r"(?:[0-9a-f]{2} ){15}[0-9a-f]{2}")


@pytest.fixture(scope="module")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Core:
    return core_of(lab, tmp_path_factory.mktemp("store"))


def own_build(host: Host, build: Path, backend: str, *options: str) -> str:
    """What the user of the host sees who types `docker build` there."""
    settings = {"DOCKER_BUILDKIT": "1" if backend == "buildkit" else "0"}
    if backend == "buildkit":
        settings["BUILDKIT_PROGRESS"] = "plain"
    assignments = [f"{name}={value}" for name, value in settings.items()]
    words = ["env", *assignments, "docker", "build", "--network=none", *options, str(build)]
    done = subprocess.run(
        host.ssh_argv(shlex.join(words)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def images(host: Host) -> list[str]:
    """Every image ID on the host."""
    return sorted(said(host, "image", "ls", "-aq", "--no-trunc").split())


def said(host: Host, *words: str) -> str:
    """What the host's own docker client says."""
    return host.docker(*words).stdout.decode().strip()


def random_bytes(host: Host, image: str) -> str:
    """The random bytes that a build's RUN wrote into an image."""
    container = said(host, "create", image, "true")
    try:
        tar = host.docker("cp", f"{container}:/random", "-").stdout
    finally:
        host.docker("rm", container)
    found = RANDOM.search(tar.decode("latin-1"))
    assert found is not None
    return found[0]


@pytest.fixture(scope="module")
def mount_audit(core: Core, tmp_path_factory: pytest.TempPathFactory) -> Document:
    return audit(core, folder(tmp_path_factory.mktemp("mount"), MOUNT))


@pytest.fixture(scope="module")
def plain_audit(core: Core, tmp_path_factory: pytest.TempPathFactory) -> Document:
    return audit(core, folder(tmp_path_factory.mktemp("plain"), PLAIN))


@pytest.mark.parametrize("host", HOSTS)
class TestScenarios:
    def test_buildkit_cold(self, mount_audit: Document, core: Core, host: str) -> None:
        run = run_of(mount_audit, host, "buildkit-cold")
        found = statuses(run)
        # BuildKit takes WORKDIR from the cache even with --no-cache, if it is there.
        assert found.pop(1) in [("WORKDIR", "miss"), ("WORKDIR", "hit")]
        assert found == [
            ("FROM", "hit"),
            ("COPY", "miss"),
            ("RUN", "miss"),
            ("FROM", "hit"),
            ("COPY", "miss"),
            ("RUN", "miss"),
        ]
        assert "mount had 0 files" in log_of(core.store, run, step_at(run, "RUN"))

    def test_buildkit_mounts_warm(self, mount_audit: Document, core: Core, host: str) -> None:
        run = run_of(mount_audit, host, "buildkit-mounts-warm")
        assert statuses(run)[1:4] == [("WORKDIR", "hit"), ("COPY", "hit"), ("RUN", "miss")]
        assert "mount had 1 files" in log_of(core.store, run, step_at(run, "RUN"))

    def test_buildkit_warm(self, mount_audit: Document, host: str) -> None:
        run = run_of(mount_audit, host, "buildkit-warm")
        assert {status for _, status in statuses(run)} == {"hit"}
        assert run.hit_ratio == 1.0

    def test_legacy_cannot_build_mounts(self, mount_audit: Document, host: str) -> None:
        for scenario in ("legacy-cold", "legacy-warm"):
            run = run_of(mount_audit, host, scenario)
            assert run.status == "unsupported"
            assert run.reason is not None
            assert run.reason.startswith("line 4: ")
            assert {step.status for step in run.steps} == {"unsupported"}

    def test_legacy_cold_and_warm(self, plain_audit: Document, core: Core, host: str) -> None:
        cold = run_of(plain_audit, host, "legacy-cold")
        warm = run_of(plain_audit, host, "legacy-warm")
        assert [keyword for keyword, _ in statuses(cold)] == [
            *("ARG", "FROM", "ENV", "COPY", "RUN"),
            *("FROM", "LABEL", "COPY", "RUN", "CMD"),
        ]
        assert "hit" not in {s.status for s in cold.steps if s.keyword not in ("FROM", "ARG")}
        assert {s.status for s in warm.steps} == {"hit"}
        assert RANDOM.search(log_of(core.store, cold, step_at(cold, "RUN")))

    def test_the_image_is_told(self, plain_audit: Document, host: str) -> None:
        cold = run_of(plain_audit, host, "buildkit-cold")
        warm = run_of(plain_audit, host, "buildkit-warm")
        assert cold.image is not None
        assert warm.image is not None
        assert len(cold.image.layers) >= 3
        assert cold.image.layers == warm.image.layers

    def test_a_step_is_the_same_step_everywhere(self, plain_audit: Document, host: str) -> None:
        legacy = {s.id: s.instruction for s in run_of(plain_audit, host, "legacy-cold").steps}
        buildkit = {s.id: s.instruction for s in run_of(plain_audit, host, "buildkit-cold").steps}
        assert set(buildkit) < set(legacy)
        assert all(legacy[step] == text for step, text in buildkit.items())


def test_alike_hosts_agree(plain_audit: Document) -> None:
    assert [host.status for host in plain_audit.hosts] == ["ok"] * 4
    assert agree(plain_audit).agree


@pytest.mark.fault("users-caches")
@pytest.mark.parametrize("name", HOSTS)
def test_the_users_caches_are_as_if_no_audit_had_been(
    lab: Lab, core: Core, name: str, tmp_path: Path
) -> None:
    host = lab[name]
    salt = f"# {time.time_ns()}\n"
    mount, plain = folder(tmp_path / "m", MOUNT + salt), folder(tmp_path / "p", PLAIN + salt)
    unique = {"--build-arg": f"SALT={time.time_ns()}"}
    options = [word for pair in unique.items() for word in pair]
    own_build(host, mount, "buildkit", "-t", "own:buildkit", *options)
    for _ in range(2):  # fill the mount: each run of the step adds a file
        bust = ["--add-host", f"x{time.time_ns()}.invalid:127.0.0.1"]
        own_build(host, mount, "buildkit", *options, *bust)
    own_build(host, plain, "legacy", "-t", "own:legacy", *options)
    own_build(host, plain, "legacy", *options)
    before = {tag: random_bytes(host, f"own:{tag}") for tag in ("buildkit", "legacy")}
    held = images(host)
    containers = said(host, "ps", "-aq")

    args = {"SALT": unique["--build-arg"].removeprefix("SALT=")}
    for build in (mount, plain):
        document = audit(core, build, [name], build_args=args)
        assert [h.status for h in document.hosts] == ["ok"], document.hosts
        assert {run.status for run in document.runs} <= {"ok", "unsupported"}

    assert images(host) == held
    assert said(host, "ps", "-aq") == containers
    own_build(host, mount, "buildkit", "-t", "own:buildkit2", *options)
    legacy = own_build(host, plain, "legacy", "-t", "own:legacy2", *options)
    assert random_bytes(host, "own:buildkit2") == before["buildkit"]
    assert random_bytes(host, "own:legacy2") == before["legacy"]
    assert "---> Running in" not in legacy
    bust = ["--add-host", f"y{time.time_ns()}.invalid:127.0.0.1"]
    again = own_build(host, mount, "buildkit", *options, *bust)
    had = re.search(r"mount had (\d+) files", again)
    assert had is not None
    assert int(had[1]) >= 3


@pytest.mark.takes_turns
@pytest.mark.fault("anothers-images")
def test_a_nameless_base_is_not_pruned_with_what_was_built_on_it(
    lab: Lab, core: Core, tmp_path: Path
) -> None:
    host = lab["new"]
    tag = f"nameless:{time.time_ns()}"
    host.import_base(tag, {"who": b"nameless"})
    base = said(host, "image", "inspect", "-f", "{{.Id}}", tag)
    host.docker("tag", "base:1", tag)  # the imported image has no name from here on
    host.docker("rmi", tag)
    build = folder(tmp_path, f"FROM {base}\nRUN echo on a nameless base\n")
    document = audit(core, build, ["new"], scenarios=("legacy-cold", "legacy-warm"))
    assert {run.status for run in document.runs} == {"ok"}
    assert base in images(host)


@pytest.mark.takes_turns
@pytest.mark.fault("anothers-images")
@pytest.mark.parametrize("name", HOSTS)
def test_an_image_that_was_there_before_stays(
    lab: Lab, core: Core, name: str, tmp_path: Path
) -> None:
    host = lab[name]
    build = folder(tmp_path, f"FROM base:1\nENV A={time.time_ns()}\n")
    own_build(host, build, "buildkit")  # metadata alone: BuildKit gives it the same ID each time
    held = images(host)
    document = audit(core, build, [name])
    assert {run.status for run in document.runs} == {"ok"}
    assert images(host) == held
    assert "cachetui" not in said(host, "image", "ls")


@pytest.mark.takes_turns
@pytest.mark.fault("left-by-stopped")
@pytest.mark.parametrize("name", HOSTS)
def test_a_failing_build_is_told_and_leaves_no_image(
    lab: Lab, core: Core, name: str, tmp_path: Path
) -> None:
    host = lab[name]
    held = images(host)
    document = audit(core, folder(tmp_path, FAILING), [name])
    for scenario in ("legacy-cold", "buildkit-cold"):
        run = run_of(document, name, scenario)
        assert run.status == "failed"
        assert run.reason is not None
        assert run.reason.startswith("line 3: ")
        assert [status for _, status in statuses(run)][1:] == ["miss", "failed", "not-reached"]
        assert "what went wrong" in log_of(core.store, run, run.steps[2])
    assert images(host) == held
    assert said(host, "ps", "-aq") == ""


def test_as_found_finds_what_the_user_left(lab: Lab, core: Core, tmp_path: Path) -> None:
    build = folder(tmp_path, PLAIN, **{"src.txt": str(time.time_ns())})
    names = ("legacy-as-found", "buildkit-as-found")
    first = audit(core, build, scenarios=names)
    for name in HOSTS:
        for scenario in names:
            assert run_of(first, name, scenario).hit_ratio != 1.0
    second = audit(core, build, scenarios=names)
    for name in HOSTS:
        for scenario in names:
            run = run_of(second, name, scenario)
            assert not run.stored
            assert run.hit_ratio == 1.0
            assert run.image is not None
    assert "cachetui" not in said(lab["new"], "image", "ls")


@pytest.mark.takes_turns
def test_a_second_audit_uses_the_store(core: Core, tmp_path: Path) -> None:
    build = folder(tmp_path, PLAIN, salt=str(time.time_ns()))
    first = audit(core, build, ["old", "ctd"])
    second = audit(core, build, ["old", "ctd"])
    assert all(run.stored for run in second.runs)
    assert [run.id for run in second.runs] == [run.id for run in first.runs]
    third = audit(core, build, ["old"], fresh=True)
    assert not any(run.stored for run in third.runs)
    (build / "src.txt").write_text("changed\n")
    assert not any(run.stored for run in audit(core, build, ["old"]).runs)


@pytest.mark.fault("users-caches")
def test_what_is_left_behind_is_measured_and_our_mounts_are_empty(mount_audit: Document) -> None:
    for host in mount_audit.hosts:
        assert host.left_behind_bytes is not None
        assert host.left_behind_bytes > 0
        namespace = f'"cachetui-{mount_audit.audit}/'
        ours = [mount for mount in host.mounts if namespace in mount.description]
        assert all(mount.bytes < 10_000 for mount in ours)
        assert bool(ours) == (host.name != "old")  # 20.10 names no mount's id


@pytest.mark.takes_turns
def test_repeats_are_kept_apart(core: Core, tmp_path: Path) -> None:
    build = folder(tmp_path, MOUNT, salt=str(time.time_ns()))
    document = audit(core, build, ["new"], repeat=3, scenarios=("buildkit-mounts-warm",))
    runs = [run for run in document.runs if run.scenario == "buildkit-mounts-warm"]
    assert [run.repeat for run in runs] == [1, 2, 3]
    for run in runs:  # every repeat's cold run empties the mount again
        assert "mount had 1 files" in log_of(core.store, run, step_at(run, "RUN"))
        assert step_at(run, "RUN").status == "miss"


@pytest.mark.fault("secret-printed")
def test_values_of_build_args_are_kept_nowhere(core: Core, tmp_path: Path) -> None:
    secret = "hunter2-hunter2"
    # The pieces in which engines pass a log on may cut a value in two.
    step = "printf 'login %s' ${TOKEN%%-*}; sleep 0.3; echo \"-${TOKEN#*-} $TOKEN\"; sleep 0.3"
    text = f"FROM base:1\nARG TOKEN\nRUN {step}\nRUN exit 4 # $TOKEN\n"
    names = ["old", "new"]
    document = audit(core, folder(tmp_path, text), names, build_args={"TOKEN": secret})
    assert len(document.runs) == 8
    for run in document.runs:
        assert secret not in repr(run)
        assert any("--build-arg TOKEN " in command for command in run.commands)
        log = core.store.log(run.id)
        assert log is not None
        with log:
            lines = [line.text for line in log.whole()]
        told = "login [build-arg TOKEN] [build-arg TOKEN]"
        assert any(told in line for line in lines) or "warm" in run.scenario
        assert not any(secret in line for line in lines)
        assert [step.status for step in run.steps][-1] == "failed"
    for path in core.store.folder.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()
