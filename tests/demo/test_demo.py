"""The whole demo: hits and misses as they were recorded, through everything that is real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cachetui.audit.audit import Audit
from cachetui.audit.progress import Snapshot
from cachetui.cli.first_steps import demo
from cachetui.compare.align import agree
from cachetui.core import Options, UserError
from cachetui.demo.fleet import BUILDS, DemoCore, Fleet, build_name, demo_fleet, lay_out
from cachetui.demo.shared import SHARED
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.report.causes import causes_of_differences, parts_hosts
from tests.audits import log_of, run_of, step_at

FAST = 200.0
CONTROLLED = ("legacy-cold", "legacy-warm", "buildkit-cold", "buildkit-warm")
AS_FOUND = {
    # host: hits of the steps that can hit, legacy and BuildKit
    "old-20.10": ("11/11", "0/8"),
    "mid-26.1": ("6/11", "4/8"),
    "new-28.5": ("5/11", "8/8"),
    "ctd-28.5": ("0/11", "0/8"),
}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with demo_fleet(speed=FAST) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def core(fleet: Fleet) -> DemoCore:
    return fleet.core()


def prepare(core: DemoCore, build: str) -> Audit:
    settings = core.settings.builds[build_name(build)]
    return core.prepare(settings, core.settings.hosts, Options())


@pytest.fixture(scope="module")
def shop(core: DemoCore) -> Document:
    return prepare(core, "shop").run()


@pytest.fixture(scope="module")
def mounts(core: DemoCore) -> Document:
    return prepare(core, "mounts").run()


def hits(run: Run) -> str:
    counted = [step for step in run.steps if step.counts]
    return f"{sum(step.status == 'hit' for step in counted)}/{len(counted)}"


@pytest.mark.parametrize("build", BUILDS)
def test_all_that_an_audit_asks_is_in_the_recordings(build: str) -> None:
    with demo_fleet(speed=FAST) as fleet:
        core = fleet.core()
        document = prepare(core, build).run()
        core.store.close()
    assert fleet.server.unknown == [], "record again: python3 -m tests.record_demo"
    assert {host.status for host in document.hosts} == {"ok"}


@pytest.mark.parametrize("host", AS_FOUND)
class TestShop:
    def test_as_found_each_host_does_something_else(self, shop: Document, host: str) -> None:
        for scenario, expected in zip(("legacy", "buildkit"), AS_FOUND[host], strict=True):
            assert hits(run_of(shop, host, f"{scenario}-as-found")) == expected

    def test_cold_misses_and_warm_hits_everywhere(self, shop: Document, host: str) -> None:
        for scenario in CONTROLLED:
            run = run_of(shop, host, scenario)
            assert run.status == "ok", run.reason
            assert run.hit_ratio == (0.0 if scenario.endswith("cold") else 1.0)

    def test_a_stage_that_nothing_needs_is_built_by_legacy_alone(
        self, shop: Document, host: str
    ) -> None:
        legacy, buildkit = (run_of(shop, host, f"{one}-cold") for one in ("legacy", "buildkit"))
        assert [s.status for s in legacy.steps if s.stage == "checks"][1:] == ["miss"]
        assert {s.status for s in buildkit.steps if s.stage == "checks"} == {"not-needed"}

    def test_the_image_and_what_is_left_are_told(self, shop: Document, host: str) -> None:
        report = next(one for one in shop.hosts if one.name == host)
        assert report.left_behind_bytes
        for scenario in CONTROLLED:
            image = run_of(shop, host, scenario).image
            assert image is not None
            assert len(image.layers) >= 4


def test_legacy_misses_from_the_label_down_where_buildkit_hits(shop: Document) -> None:
    legacy = run_of(shop, "new-28.5", "legacy-as-found")
    assert step_at(legacy, "LABEL").status == "miss"
    assert {s.status for s in legacy.steps if s.stage_index == 3 and s.index > 0} == {"miss"}
    assert run_of(shop, "new-28.5", "buildkit-as-found").hit_ratio == 1.0


def test_each_odd_host_has_one_cause(core: DemoCore, shop: Document) -> None:
    found = core.findings(shop)
    assert found.unexplained == ()
    assert {one.name: one.hosts for one in found.findings if parts_hosts(one)} == {
        "base-drift:3": ("ctd-28.5",),
        "context-mode-only:4": ("mid-26.1",),
        "evicted-or-never-built:4": ("old-20.10",),
        "legacy-metadata-invalidates:15": ("new-28.5",),
    }


def test_a_second_audit_finds_what_the_first_did(core: DemoCore, shop: Document) -> None:
    again = prepare(core, "shop").run()
    told, before = (
        {one.name for one in core.findings(each).findings if parts_hosts(one)}
        for each in (again, shop)
    )
    assert told == before


def test_the_causes_of_the_differences_are_counted_and_no_other_finding(
    core: DemoCore, shop: Document
) -> None:
    found = core.findings(shop)
    told = causes_of_differences(found, agree(shop))
    assert {cause.hosts for cause in told} == {(host,) for host in AS_FOUND}
    assert len(told) == 4 < len(found.findings)


def test_logs_of_interleaved_stages_are_apart(core: DemoCore, shop: Document) -> None:
    for host in AS_FOUND:
        run = run_of(shop, host, "buildkit-cold")
        pictures, server = step_at(run, "RUN", 0), step_at(run, "RUN", 1)
        assert [line.split(":")[0] for line in log_of(core.store, run, pictures).splitlines()] == [
            "front",
            "shelf",
            "door",
        ]
        assert log_of(core.store, run, server).count("compiled") == 4


def test_cold_mounts_are_slow_and_warm_ones_are_not(core: DemoCore, mounts: Document) -> None:
    for host in AS_FOUND:
        for scenario, said in (
            ("buildkit-cold", "20 compiled, 0 from the cache"),
            ("buildkit-mounts-warm", "0 compiled, 20 from the cache"),
        ):
            run = run_of(mounts, host, scenario)
            assert said in log_of(core.store, run, step_at(run, "RUN"))
        assert run_of(mounts, host, "legacy-cold").status == "unsupported"


def test_mounts_as_found(core: DemoCore, mounts: Document) -> None:
    expected = {"old-20.10": 20, "mid-26.1": 1, "ctd-28.5": 0}
    for host, compiled in expected.items():
        run = run_of(mounts, host, "buildkit-as-found")
        said = log_of(core.store, run, step_at(run, "RUN"))
        assert f"{compiled} compiled, {20 - compiled} from the cache" in said
    assert run_of(mounts, "new-28.5", "buildkit-as-found").hit_ratio == 1.0


def test_a_peek_is_refused(core: DemoCore) -> None:
    """Its commands are not recorded."""
    build = core.settings.builds[build_name(BUILDS[0])]
    with pytest.raises(UserError, match="cannot be peeked at"):
        core.prepare(build, core.settings.hosts, Options(peek=("buildkit",)))


def test_it_says_that_it_is_recorded(shop: Document, fleet: Fleet) -> None:
    assert shop.notes[0].startswith("a recorded fleet: real engines printed this")
    assert f"played {FAST:g} times as fast" in shop.notes[0]
    assert "new-28.5: The release before was built here." in shop.notes
    assert shop.build.name == "recorded-shop"
    assert all("." in host.name for host in shop.hosts)
    assert "recorded" in fleet.hosts_toml.read_text().splitlines()[0]


def test_a_second_audit_uses_the_store(core: DemoCore, shop: Document) -> None:
    again = prepare(core, "shop").run()
    stored = {run.scenario for run in again.runs if run.stored}
    assert stored == set(CONTROLLED)
    assert len(again.runs) == len(shop.runs)


def test_a_recorded_scenario_runs_again(core: DemoCore) -> None:
    audit = prepare(core, "shop")
    audit.run()
    document = audit.rerun([("mid-26.1", "buildkit-warm", 1)])
    run = run_of(document, "mid-26.1", "buildkit-warm")
    assert (run.stored, run.hit_ratio) == (False, 1.0)


def test_a_build_that_was_changed_is_not_in_the_recording() -> None:
    with demo_fleet(speed=FAST) as fleet:
        core = fleet.core()
        settings = core.settings.builds[build_name("shop")]
        with (settings.context / "Dockerfile").open("a") as file:
            file.write("RUN echo something else\n")
        document = core.prepare(settings, core.settings.hosts[:1], Options()).run()
        core.store.close()
    assert document.hosts[0].status == "failed"
    assert "not in the recording" in (document.hosts[0].reason or "")


def test_stopping_ends_it_at_once() -> None:
    with demo_fleet(speed=1.0) as fleet:
        core = fleet.core()
        audit = prepare(core, "shop")
        building = threading.Event()

        def look(snapshot: Snapshot) -> None:
            if any(cell.state == "building" for cell in snapshot.cells):
                building.set()

        audit.watch(look)
        thread = threading.Thread(target=audit.run)
        thread.start()
        assert building.wait(10.0)
        begun = time.monotonic()
        audit.stop()
        thread.join(10.0)
        assert time.monotonic() - begun < 3.0
        core.store.close()


def test_replayed_times_are_the_recorded_ones() -> None:
    """At the recorded speed, so that what is measured by arrival holds too."""
    with demo_fleet(speed=1.0) as fleet:
        core = fleet.core()
        recorded = {
            exchange.seconds
            for exchange in fleet.recordings[2].sessions[0].exchanges
            if "docker build" in exchange.command and "--no-cache" not in exchange.command
        }
        settings = core.settings.builds[build_name("shop")]
        options = Options(scenarios=("buildkit-as-found",))
        document = core.prepare(settings, core.settings.hosts[2:3], options).run()
        core.store.close()
    seconds = document.runs[0].seconds
    assert min(recorded) - 0.05 < seconds < max(recorded) + 5.0


@pytest.mark.parametrize("build", BUILDS)
def test_what_the_recorded_builds_made_is_compared(build: str) -> None:
    """Read as it was recorded, and by the program that reads images on hosts."""
    with demo_fleet(speed=300) as fleet:
        core = fleet.core()
        settings, hosts = core.settings.builds[build_name(build)], core.settings.hosts
        document = core.prepare(settings, hosts, Options(outputs=True)).run()
        pairs = [(document, run) for run in document.runs if run.status == "ok"]
        report = core.outputs(pairs)
        opener = core.opener(pairs)
        runs = {image.label: run for image, (_, run) in zip(report.images, pairs, strict=True)}
        opened = [
            opener.difference(path, runs[report.groups[0].images[0]], runs[group.images[0]])
            for group in report.groups[1:]
            for step in group.difference.steps
            for path in step.paths
        ]
        opener.close()
        core.store.close()
    assert len(report.images) > 8
    assert [image.reason for image in report.images if image.reason] == []
    assert 1 < len(report.groups) < len(report.images)
    assert "12.1" in {line.text for one in opened for line in one.lines}


def test_no_images_are_offered_where_none_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cachetui.demo.fleet.has_images", lambda _: False)
    with demo_fleet(speed=300) as fleet:
        core = fleet.core()
        settings, hosts = core.settings.builds[build_name("shop")], core.settings.hosts
        with pytest.raises(UserError, match="no images to read"):
            core.prepare(settings, hosts, Options(outputs=True))
        document = core.prepare(settings, hosts, Options(scenarios=("buildkit-warm",))).run()
        report = core.outputs([(document, run) for run in document.runs])
        core.store.close()
    assert len(report.images) == len(document.runs) > 0
    assert all("cachetui run FOLDER --outputs" in (image.reason or "") for image in report.images)


@pytest.mark.parametrize("build", BUILDS)
def test_the_command_prints_the_table(build: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cachetui", "demo", build, "--speed", "300"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"recorded-{build}\n")
    assert "a recorded fleet: real engines printed this" in done.stdout
    assert "÷ Hosts differ: " in done.stdout
    for host in AS_FOUND:
        assert host in done.stdout
    assert done.stderr.startswith("This is a recorded fleet")
    assert "Docker 20.10.24, no buildx, overlay2" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "cachetui", "demo", "--progress", "plain"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "building" in line:
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_every_recorded_build_is_offered() -> None:
    choice = next(one for one in demo.params if one.name == "build")
    assert isinstance(choice.type, click.Choice)
    assert (tuple(choice.type.choices), choice.default) == ((*BUILDS, SHARED), BUILDS[0])


def test_builds_are_laid_out_with_the_modes_they_were_recorded_with(tmp_path: Path) -> None:
    for build in BUILDS:
        folder = lay_out(build, tmp_path / build)
        assert (folder / "Dockerfile").is_file()
        for path in folder.rglob("*"):
            assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)
