"""Audits of a builder that is not docker's own, and of another docker context: what they tell, and
what they leave as it was."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cachetui.audit.host_runs import LOADS
from cachetui.config import hosts_toml
from cachetui.config.settings import folder_build
from cachetui.core import Core
from cachetui.share.kinds import KINDS
from cachetui.share.sharing import NothingToShare
from cachetui.store.database import Store
from tests.audits import audit, core_of, log_of, run_of, statuses, step_at, typed
from tests.lab import Lab
from tests.lab.remote_builder import end_builder, start_builder
from tests.lab.state import State
from tests.sample_builds import MOUNT, folder

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("others_images_go")]

PEEK = "buildkit-peek"
FILES = re.compile(r"mount had \d+ files")


def own_mount(tmp_path: Path) -> str:
    """`MOUNT` with a cache mount that no other test fills."""
    return MOUNT.replace("type=cache,", f"type=cache,id={tmp_path.name},")


@pytest.fixture
def builder(lab: Lab) -> Iterator[str]:
    """A builder of the driver remote on `new`: the BuildKit of `mid`."""
    start_builder(lab["new"], "ci", lab["mid"])
    yield "ci"
    end_builder(lab["new"], "ci")


@pytest.mark.takes_turns
def test_a_remote_builder_is_told_and_left_as_it_was(
    lab: Lab, builder: str, tmp_path: Path
) -> None:
    build = folder(tmp_path / "build", own_mount(tmp_path))
    option = ("--builder", builder)
    typed(lab["new"], build, "buildkit", *option)
    before = {name: State.of(lab[name]) for name in ("new", "mid")}
    core = core_of(lab, tmp_path / "store")
    scenarios = ("buildkit-cold", "buildkit-warm", "buildkit-as-found")
    document = audit(core, build, ["new"], builder=builder, scenarios=scenarios)

    (host,) = document.hosts
    facts = host.facts
    assert host.status == "ok", host.reason
    assert facts is not None
    assert facts.builder is not None
    assert (facts.builder.name, facts.builder.driver) == ("ci", "remote")
    assert facts.builder_choice == "variable"
    assert facts.builder.status == "running"
    assert {mount.description for mount in host.mounts} >= {
        # The records are those of the builder: its engine is `mid`.
        mount for mount in _mounts(lab) if "cached mount /cache" in mount
    }  # fmt: skip
    cold, warm = (run_of(document, "new", f"buildkit-{one}") for one in ("cold", "warm"))
    assert "mount had 0 files" in log_of(core.store, cold, step_at(cold, "RUN"))
    assert {status for _, status in statuses(warm)} == {"hit"}
    assert cold.image is None
    assert any("uses the builder ci (driver remote)" in note for note in cold.notes)
    assert any(
        one.startswith("DOCKER_BUILDKIT=1 BUILDX_BUILDER=ci docker build ") for one in cold.commands
    )
    found = run_of(document, "new", "buildkit-as-found")
    assert {status for _, status in statuses(found)} == {"hit"}, "what its user has built"
    peek = run_of(audit(core, build, ["new"], builder=builder, peek=("buildkit",)), "new", PEEK)
    assert {status for _, status in statuses(peek)} == {"hit"}

    # The next build of the builder's user hits what it hit, and finds the mount as full.
    again = typed(lab["new"], build, "buildkit", *option)
    assert not FILES.search(again), again
    (build / "src.txt").write_text("changed\n")
    assert "mount had 1 files" in typed(lab["new"], build, "buildkit", *option)
    assert {name: State.of(lab[name]).docker for name in before} == {
        name: state.docker for name, state in before.items()
    }


def _mounts(lab: Lab) -> set[str]:
    """The records of cache mounts in `mid`'s engine."""
    text = lab["mid"].docker("buildx", "du", "--verbose").stdout.decode()
    return set(re.findall(r"^Description:\s+(cached mount .*?)\s*$", text, re.MULTILINE))


@pytest.mark.takes_turns
def test_another_docker_context_is_another_engine(lab: Lab, tmp_path: Path) -> None:
    new, ctd = lab["new"], lab["ctd"]
    new.docker("context", "create", "other", "--docker", f"host={ctd.engine.host}")
    try:
        build = folder(tmp_path / "build", own_mount(tmp_path))
        typed(ctd, build, "buildkit")
        before = {host.name: State.of(host) for host in (new, ctd)}
        text = lab.hosts_toml.read_text().replace(
            'name = "new"\n', 'name = "new"\nbuilder = "other"\n'
        )
        (tmp_path / "hosts.toml").write_text(text)
        core = Core(hosts_toml.load(tmp_path / "hosts.toml"), Store(tmp_path / "store"))
        document = audit(core, build, ["new"], scenarios=("buildkit-cold", "buildkit-warm"))

        (host,) = document.hosts
        assert host.status == "ok", host.reason
        assert host.store == "containerd/overlayfs", "the store of the other engine"
        assert host.facts is not None
        assert host.facts.builder is not None
        assert (host.facts.builder.name, host.facts.builder.driver) == ("other", "docker")
        assert run_of(document, "new", "buildkit-cold").image is not None
        assert {status for _, status in statuses(run_of(document, "new", "buildkit-warm"))} == {
            "hit"
        }
        assert not FILES.search(typed(ctd, build, "buildkit")), "the user's build hits"
        (build / "src.txt").write_text("changed\n")
        assert "mount had 1 files" in typed(ctd, build, "buildkit")
        assert State.of(new).docker == before["new"].docker
        assert State.of(ctd).images >= before["ctd"].images
        assert State.of(ctd).tags == before["ctd"].tags
    finally:
        new.docker("context", "rm", "-f", "other", check=False)


def test_no_experiment_is_made_on_a_builder_of_another_driver(
    lab: Lab, builder: str, tmp_path: Path
) -> None:
    build = folder(tmp_path / "build", own_mount(tmp_path))
    core = core_of(lab, tmp_path / "store")
    hosts = [host for host in core.settings.hosts if host.name in ("new", "ctd")]
    settings = msgspec.structs.replace(folder_build(build), builder=builder)
    sharing = core.sharing(settings, hosts, KINDS, cancel=threading.Event())
    try:
        with pytest.raises(NothingToShare, match=r"the builder ci \(driver remote\)"):
            sharing.prepare()
    finally:
        sharing.close()
    loads = audit(
        core, build, ["new"], builder=builder, docker_args=("--load",), scenarios=("buildkit-cold",)
    )
    run = run_of(loads, "new", "buildkit-cold")
    assert (run.status, run.reason) == ("unsupported", LOADS)
    missing = audit(core, build, ["new"], builder="gone").hosts[0]
    assert missing.status == "failed"
    assert (missing.reason or "").startswith("it has no builder gone: ")
