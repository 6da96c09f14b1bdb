"""On real engines, all four: each verdict right, whatever the builder, the store and the way."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cachetui.config.settings import HostSettings
from cachetui.core import Core
from cachetui.hosts.connect import Connector
from cachetui.hosts.machine import HostError, Machine
from cachetui.outputs import program
from cachetui.outputs.compare_runs import report
from cachetui.outputs.contents import Way, local_copies
from cachetui.outputs.difference import PathDifference
from cachetui.outputs.digests import differing_paths, document_digests
from cachetui.outputs.gather_contents import gather_contents
from cachetui.outputs.layers import lines_of
from cachetui.outputs.opening import Opener
from cachetui.outputs.outputs_report import OutputsReport
from cachetui.outputs.run_contents import contents_of
from cachetui.records.document import Document
from cachetui.records.step import StepId
from cachetui.store.database import Store
from tests.audits import audit, core_of, run_of
from tests.hosts.sshd import until
from tests.lab import Lab
from tests.lab.base import share_image
from tests.outputs.tars import oci_archive, tar
from tests.sample_builds import folder

pytestmark = pytest.mark.lab

NAMES = ("old", "mid", "new", "ctd")
OURS = f"outputs-test-{os.getpid()}"
ROOT = f"{OURS}-root:1"
"""A base image that has /dev, /proc and /sys, so that BuildKit need not make them."""

EVERYWHERE = f"""\
FROM {ROOT} AS build
COPY src.txt /src.txt
RUN cp /src.txt /out && chmod 640 /out && chown 3:4 /out
FROM {ROOT}
LABEL team=build
WORKDIR /srv/app
COPY --from=build /out ./
RUN mkdir -p /srv/d/e && echo fixed > /srv/d/e/f && ln /srv/d/e/f /srv/d/a && ln -s f /srv/d/e/l
RUN rm -r /home && mkdir /home && rm /bin/date
ENV A=1
RUN head -c 16 /dev/urandom | od -An -tx1 > /stamp && echo stamped
RUN true
CMD ["sh"]
"""
STAMP = StepId(1, 7)

MOUNTED = f"""\
FROM {ROOT}
RUN --mount=type=cache,target=/cache ls /cache | wc -l > /count; echo x > /cache/$(date +%N)
"""

HEREDOC = """\
FROM base:1
RUN <<END
echo body > /made
END
"""


@pytest.fixture(scope="module")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """A core over the lab whose hosts all have the same `ROOT`."""
    first, *others = (lab[name] for name in NAMES)
    first.import_base(ROOT, {f"{name}/.keep": b"" for name in ("dev", "proc", "sys")})
    share_image(ROOT, first.engine, [host.engine for host in others])
    try:
        yield core_of(lab, tmp_path_factory.mktemp("store"))
    finally:
        for host in (first, *others):
            host.docker("rmi", "-f", ROOT, check=False)
            shutil.rmtree(f"{host.cache_folder}/cachetui/layers", ignore_errors=True)


def tools_without_python(folder: Path) -> Path:
    """A folder of the machine's own programs, but python."""
    folder.mkdir()
    for place in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for tool in Path(place).iterdir():
            link = folder / tool.name
            if "python" not in tool.name and not link.exists() and os.access(tool, os.X_OK):
                link.symlink_to(tool)
    return folder


def connect(settings: HostSettings, _cancel: object = None) -> Machine:
    return Connector(prompts=None).connect(settings)


def differing(found: OutputsReport, group: int = 1) -> list[PathDifference]:
    return [path for step in found.groups[group].difference.steps for path in step.paths]


def paths(found: OutputsReport, group: int = 1) -> list[tuple[str, str]]:
    return [(path.path, path.kind) for path in differing(found, group)]


def blamed(found: OutputsReport, group: int = 1) -> dict[int | None, str]:
    """Line to verdict, for the steps that differ in more than times."""
    steps = found.groups[group].difference.steps
    return {s.line: s.verdict for s in steps if s.verdict not in ("identical", "times")}


class TestEverywhere:
    """One Dockerfile on all engines, by both builders and on both stores: a file with a stamp,
    and steps that are equal but for times."""

    @pytest.fixture(scope="class")
    def document(self, core: Core, tmp_path_factory: pytest.TempPathFactory) -> Document:
        context = folder(tmp_path_factory.mktemp("everywhere"), EVERYWHERE)
        return audit(core, context, outputs=True)

    def test_only_the_stamp_differs(self, core: Core, document: Document) -> None:
        found = report(document, core.store)
        assert [image.reason for image in found.images] == [None] * 16
        assert all(image.unattributed == 0 for image in found.images)
        assert len(found.groups) == 8, [group.images for group in found.groups]
        for number in range(1, 8):
            assert blamed(found, number) == {11: "content"}
            assert paths(found, number) == [("stamp", "content")]
            difference = found.groups[number].difference
            assert {step.line for step in difference.steps} == {4, 6, 7, 8, 9, 11, 12}
            assert difference.files.content == 1
            assert difference.settings == ()

    def test_a_warm_run_made_what_the_cold_one_did(self, core: Core, document: Document) -> None:
        for group in report(document, core.store).groups:
            assert len(group.images) == 2
            assert len({name.split("-")[0] for name in group.images}) == 1

    def test_but_for_it_they_are_the_same(self, core: Core, document: Document) -> None:
        found = report(document, core.store, ignore=["/stamp"])
        assert found.same
        assert len({image.layers for image in found.images}) >= 8
        difference = found.groups[0].difference
        assert (difference.verdict, difference.ignored) == ("times", {"/stamp": 1})
        assert not report(document, core.store, strict=True, ignore=["/stamp"]).same

    def test_stored_runs_answer_with_their_images(
        self, core: Core, document: Document, tmp_path: Path
    ) -> None:
        context = folder(tmp_path, EVERYWHERE)
        again = audit(core, context, ("old", "ctd"), outputs=True)
        assert all(run.stored for run in again.runs)
        assert {run.id for run in again.runs} <= {run.id for run in document.runs}
        assert [image.reason for image in report(again, core.store).images] == [None] * 8

    def test_what_findings_are_told(self, core: Core, document: Document) -> None:
        digests = document_digests(document, core.store)
        by_step: dict[StepId, set[str]] = {}
        for (_, step), digest in digests.items():
            by_step.setdefault(step, set()).add(digest)
        assert {step for step, found in by_step.items() if len(found) > 1} == {STAMP}
        assert len(by_step[STAMP]) == 8
        a, b = (run_of(document, name, "legacy-cold") for name in ("old", "ctd"))
        made = differing_paths(document, core.store, a, b)
        assert {step: [one.path for one in listed] for step, listed in made.items()} == {
            STAMP: ["stamp"]
        }

    def test_the_images_are_gone_and_the_file_can_be_opened(
        self, lab: Lab, core: Core, document: Document
    ) -> None:
        pairs = [(document, run) for run in document.runs]
        opener = Opener(core.store, core.settings.hosts, connect, pairs)
        (path,) = differing(report(document, core.store))
        found = report(document, core.store)
        first = document.runs[0]
        try:
            for group in found.groups[1:]:
                (one,) = (p for step in group.difference.steps for p in step.paths)
                image = next(image for image in found.images if image.group == group.name)
                other = next(run for run in document.runs if run.id == image.run)
                told = opener.difference(one, first, other)
                assert (told.kind, told.summary) == ("text", "text; 1 of 1 lines differ")
        finally:
            opener.close()
        for name in NAMES:
            made = run_of(document, name, "legacy-cold").image
            assert made is not None
            ids = lab[name].docker("image", "ls", "-aq", "--no-trunc").stdout.decode()
            assert made.id not in ids
            left = os.listdir(f"{lab[name].cache_folder}/cachetui/layers")
            assert left
            assert all(one.endswith(".tar") for one in left)
        assert path.path == "stamp"

    def test_no_python_there_and_copies_are_here(
        self, core: Core, lab: Lab, tmp_path: Path
    ) -> None:
        """A host with POSIX tools only, through a whole audit."""
        hosts = []
        for host in core.settings.hosts:
            path = f"{lab[host.name].engine.bin}:{tools_without_python(tmp_path / host.name)}"
            hosts.append(msgspec.structs.replace(host, env={**host.env, "PATH": path}))
        settings = msgspec.structs.replace(core.settings, hosts=tuple(hosts))
        here = Core(settings, Store(tmp_path / "store"))
        context = folder(tmp_path / "build", EVERYWHERE)
        names = ("old", "ctd")
        document = audit(here, context, names, scenarios=("buildkit-cold",), outputs=True)
        ways = []
        for run in document.runs:
            contents = contents_of(here.store, run.id)
            assert contents is not None
            assert contents.copied_bytes == 0
            ways.append(contents.way)
        assert set(ways) <= {"stream", "tar"}
        found = report(document, here.store)
        assert paths(found) == [("stamp", "content")]
        assert list(local_copies(here.store).glob("*.tar"))
        opener = Opener(here.store, (), connect, [(document, run) for run in document.runs])
        a, b = document.runs
        told = opener.difference(differing(found)[0], a, b)
        assert told.summary == "text; 1 of 1 lines differ"


@pytest.mark.takes_turns
@pytest.mark.parametrize("name", ["old", "ctd"])
def test_the_finding_names_the_file(core: Core, tmp_path: Path, name: str) -> None:
    """Two cold runs on one host are alike but for what the step makes of itself."""
    context = folder(
        tmp_path, f"FROM {ROOT}\nRUN head -c 16 /dev/urandom > /stamp\nRUN echo same > /same\n"
    )
    document = audit(core, context, [name], outputs=True, repeat=2, scenarios=("buildkit-cold",))
    (finding,) = [
        one for one in core.findings(document).findings if one.id == "nondeterministic-step"
    ]
    assert finding.confidence == "proved"
    assert [(step.stage_index, step.index) for step in finding.steps] == [(0, 1)]
    assert f"/stamp differs between {name} buildkit-cold" in finding.evidence[-1].text


def test_a_result_that_depends_on_a_cache_mount(core: Core, tmp_path: Path) -> None:
    scenarios = ("buildkit-cold", "buildkit-mounts-warm")
    context = folder(tmp_path, MOUNTED)
    document = audit(core, context, scenarios=scenarios, outputs=True)
    for name in NAMES:
        runs = [run_of(document, name, scenario) for scenario in scenarios]
        found = report(document, core.store, runs)
        assert blamed(found) == {2: "content"}
        assert paths(found) == [("count", "content")]


def test_a_heredoc_that_the_legacy_builder_drops(core: Core, tmp_path: Path) -> None:
    """And a base image without /dev, /proc and /sys, which BuildKit makes."""
    scenarios = ("buildkit-cold", "legacy-cold")
    context = folder(tmp_path, HEREDOC)
    document = audit(core, context, ("new", "ctd"), scenarios=scenarios, outputs=True)
    for name in ("new", "ctd"):
        runs = [run_of(document, name, scenario) for scenario in scenarios]
        found = report(document, core.store, runs)
        assert blamed(found) == {2: "content"}
        assert paths(found) == [(path, "only-a") for path in ("dev", "made", "proc", "sys")]
        notes = [path.path for path in differing(found) if "BuildKit makes" in path.note]
        assert notes == ["dev", "proc", "sys"]


@pytest.mark.takes_turns
class TestWays:
    """Reading by every way gives the same, on every engine's kind of archive."""

    @pytest.fixture(scope="class")
    def tag(self, core: Core, lab: Lab) -> Iterator[str]:  # noqa: ARG002 (it brings the base)
        """An image that every host has, built on each."""
        tag = f"{OURS}:ways"
        text = f"FROM {ROOT}\nRUN echo x > /x && ln /x /y\n"
        try:
            for name, backend in zip(NAMES, "1001", strict=True):
                engine = lab[name].engine
                subprocess.run(
                    [str(engine.bin / "docker"), "build", "--network=none", "-t", tag, "-"],
                    env={**engine.env, "DOCKER_BUILDKIT": backend},
                    input=text.encode(),
                    capture_output=True,
                    check=True,
                    timeout=300,
                )
            yield tag
        finally:
            for name in NAMES:
                lab[name].docker("rmi", "-f", tag, check=False)

    @pytest.mark.parametrize("name", NAMES)
    def test_every_way(self, core: Core, tag: str, tmp_path: Path, name: str) -> None:
        settings = next(host for host in core.settings.hosts if host.name == name)
        machine = connect(settings)
        found = []
        ways: tuple[Way, ...] = ("python", "tar", "stream")
        for way in ways:
            store = Store(tmp_path / way)
            contents = gather_contents(machine, settings, tag, store, way=way)
            assert contents.way == way
            lines = [list(lines_of(store, digest)) for digest in contents.digests]
            found.append((contents.config_digest, contents.digests, contents.bytes, lines))
            again = gather_contents(machine, settings, tag, store)
            assert (again.way, again.wire_bytes) == ("store", 0)
        assert found[0] == found[1] == found[2]
        assert sum(map(len, found[0][3])) > 200

    def test_a_layer_seen_on_one_host_is_not_read_on_another(
        self, core: Core, tag: str, tmp_path: Path
    ) -> None:
        """The base's layer has one name in the archives of 25 and later."""
        store = Store(tmp_path)
        wire = {}
        for settings in core.settings.hosts:
            wire[settings.name] = gather_contents(
                connect(settings), settings, tag, store
            ).wire_bytes
        assert wire["new"] < wire["mid"] / 2, wire

    @pytest.mark.needs("zstd")
    def test_layers_packed_with_zstd(self, core: Core, lab: Lab, tmp_path: Path) -> None:
        """Engines with containerd's store save layers as they were built or pushed."""
        engine = lab["ctd"].engine
        settings = next(host for host in core.settings.hosts if host.name == "ctd")
        context = folder(tmp_path / "zstd", f"FROM {ROOT}\nRUN echo x > /x\n")
        tag = f"{OURS}:zstd"
        output = f"type=image,name={tag},compression=zstd,force-compression=true"
        command = [str(engine.bin / "docker"), "buildx", "build", "--network=none"]
        subprocess.run(
            [*command, "--output", output, str(context)],
            env=engine.env,
            capture_output=True,
            check=True,
            timeout=300,
        )
        try:
            ways: tuple[Way, ...] = ("python", "stream")
            for way in ways:
                store = Store(tmp_path / way)
                contents = gather_contents(connect(settings), settings, tag, store, way=way)
                assert contents.way == way
                assert sum(layer.entries for layer in contents.layers) > 200
        finally:
            lab["ctd"].docker("rmi", "-f", tag, check=False)


@pytest.mark.takes_turns
class TestEnding:
    """Who reads an image is stopped: nothing of it runs on, and nothing is left."""

    @pytest.mark.parametrize("how", ["cancel", "connection"])
    def test_nothing_runs_on(self, core: Core, tmp_path: Path, how: str) -> None:
        settings = core.settings.hosts[0]
        archive, copies = tmp_path / "save.tar", tmp_path / "copies"
        layer = tar(("big", os.urandom(4 << 20)))
        archive.write_bytes(oci_archive([layer])[: 3 << 20])
        mark = f"31{os.getpid()}.25"
        save = f"cat {archive}; exec sleep {mark}"
        request = program.image_request(save, ["0" * 64], ["0" * 64], [], ["1" * 64], str(copies))
        machine = connect(settings)
        cancel = threading.Event()
        ended: list[HostError] = []

        def read() -> None:
            try:
                machine.stream(
                    program.program_command(request), lambda *_: None, timeout=120, cancel=cancel
                )
            except HostError as error:
                ended.append(error)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        assert until(lambda: bool(list(copies.glob(".part-*"))) and running(mark), 60)
        if how == "cancel":
            cancel.set()
        else:
            machine.close()
        thread.join(60)
        assert len(ended) == 1
        assert until(lambda: not running(mark) and not list(copies.iterdir()), 60)
        machine.close()


def running(mark: str) -> bool:
    """Whether a process with this word in its command line runs (the hosts are this machine)."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False
