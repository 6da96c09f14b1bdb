"""`python3 -m tests.record_demo`: record the demo's fleet in a lab of its own.

First each host gets a past: what its users built there, with real docker, before the audit, and
the checkout that they would build from today. Then the ordinary audit runs on one host after the
other, so that none disturbs another's times, and all that went over the connections is kept in
`cachetui/demo/recordings`.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

import cachetui.demo
from cachetui.config import hosts_toml as config
from cachetui.config.settings import folder_build
from cachetui.core import Core, Options
from cachetui.demo.fleet import BUILDS, CHECKOUTS, NETWORK, lay_out
from cachetui.demo.record import RecordingConnector, Transcript
from cachetui.demo.recording import Recording, Session, encode, save
from cachetui.outputs.compare import entry_of
from cachetui.outputs.difference import Entry
from cachetui.outputs.layers import lines_of
from cachetui.outputs.merge import PATH, SIZE, STORED
from cachetui.outputs.run_contents import contents_of
from cachetui.records.document import Document
from cachetui.records.host import HostFacts
from cachetui.store.database import Store
from tests.lab import Lab
from tests.lab.host import Host

FOLDER = Path("/tmp/cachetui-demo-lab")
RECORDINGS = Path(cachetui.demo.__file__).parent / "recordings"
BASE = "shop-base:12"
ABOUT = (
    "Real output of a real Docker Engine with the times at which it came, recorded in cachetui's "
    "lab (tests/lab) by tests/record_demo.py while an ordinary audit ran. Changed were only the "
    "lab's own folder names and the kernel's build name, into neutral ones, and what is new in "
    "each audit, into placeholders."
)
BOTH = ("legacy", "buildkit")
MOST_BYTES = 300_000
MOST_OPENED = 16_384
"""Bytes of a file that is opened, so that its diff is recorded."""


@dataclass(frozen=True)
class Past:
    """What users of a host did with a build before: `backends` they built with, from files that
    `change` had made other than today's, and in which words that is told."""

    told: str
    backends: tuple[str, ...] = ()
    change: Callable[[Path], None] | None = None
    still: bool = False  # whether their checkout of today's files is so too


def group_may_write(folder: Path) -> None:
    """As a checkout with umask 002 leaves it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | 0o020)


def release_before(folder: Path) -> None:
    file = folder / "Dockerfile"
    text = file.read_text()
    assert 'release="7"' in text
    file.write_text(text.replace('release="7"', 'release="6"'))


def unit_before(folder: Path) -> None:
    file = folder / "units/list"
    text = file.read_text()
    assert text.startswith("account ")
    file.write_text(re.sub(r"^account \d+", "account 21000", text))


NAMES = {"old": "old-20.10", "mid": "mid-26.1", "new": "new-28.5", "ctd": "ctd-28.5"}
MOVED = "Its base image was replaced by a newer one of the same name afterwards."
PASTS = {
    ("old", "shop"): Past("Built here before, with the legacy builder only.", ("legacy",)),
    ("mid", "shop"): Past(
        "Built here before, from a checkout made with umask 002.", BOTH, group_may_write, still=True
    ),
    ("new", "shop"): Past("The release before was built here.", BOTH, release_before),
    ("ctd", "shop"): Past(f"Built here before. {MOVED}", BOTH),
    ("old", "mounts"): Past("Never built here."),
    ("mid", "mounts"): Past("Built here before one unit changed.", ("buildkit",), unit_before),
    ("new", "mounts"): Past("Built here before.", ("buildkit",)),
    ("ctd", "mounts"): Past(f"Built here before. {MOVED}", ("buildkit",)),
}


def main() -> int:
    """Record all; 0 when the recordings are written."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.record_demo", description=__doc__)
    parser.add_argument("--lab", type=Path, default=FOLDER, help=f"the lab's folder ({FOLDER})")
    parser.add_argument(
        "--patience", type=float, default=300.0, help="seconds to wait for a quiet machine"
    )
    parser.add_argument(
        "--images", action="store_true", help="read what the builds made too, and small files of it"
    )
    arguments = parser.parse_args()
    with Lab(arguments.lab) as lab, tempfile.TemporaryDirectory() as work:
        made = [
            record(lab, name, Path(work) / name, arguments.patience, images=arguments.images)
            for name in NAMES
        ]
    size = sum(len(encode(recording)) for recording in made)
    if size > MOST_BYTES:
        print(f"{size} bytes of recordings are more than {MOST_BYTES}", file=sys.stderr)
        return 2
    for recording in made:
        print(save(recording, RECORDINGS))
    return 0


def record(lab: Lab, name: str, work: Path, patience: float, *, images: bool) -> Recording:
    """One host: its past, then an audit of each build, of its `images` too."""
    host = lab[name]
    host.docker("tag", "base:1", BASE)
    for build in BUILDS:
        give_past(host, build, PASTS[name, build], work / "past" / build)
        check_out(host, build, PASTS[name, build])
    if name == "ctd":
        host.import_base(BASE, {"etc/base-release": b"12.1\n"})
    sessions = []
    for build in BUILDS:
        quiet(patience)
        transcript = Transcript(scrub(host))
        document = audit(lab, host, build, work, transcript, images=images)
        sessions.append(
            Session(
                build=build,
                before=PASTS[name, build].told,
                scenarios=document.scenarios,
                exchanges=tuple(transcript.exchanges),
            )
        )
    facts = document.hosts[0].facts
    assert facts is not None
    return checked(lab, recording_of(name, facts, sessions))


def recording_of(name: str, facts: HostFacts, sessions: list[Session]) -> Recording:
    return Recording(
        about=ABOUT,
        recorded=time.strftime("%Y-%m-%d", time.gmtime()),
        host=NAMES[name],
        engine=facts.engine,
        client=facts.client,
        buildx=facts.buildx,
        store=facts.store,
        sessions=tuple(sessions),
    )


def give_past(host: Host, build: str, past: Past, folder: Path) -> None:
    """Build as the host's users did."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lay_out(build, folder)
    if past.change is not None:
        past.change(folder)
    for backend in past.backends:
        switch = f"DOCKER_BUILDKIT={int(backend == 'buildkit')}"
        words = ("env", switch, "docker", "build", f"--network={NETWORK}", "-t", build)
        subprocess.run(
            host.ssh_argv(*words, str(folder)), check=True, capture_output=True, timeout=300
        )


def check_out(host: Host, build: str, past: Past) -> None:
    """Today's files where the host's users keep them."""
    folder = lay_out(build, checkout_of(host, build))
    if past.still and past.change is not None:
        past.change(folder)


def checkout_of(host: Host, build: str) -> Path:
    folder = host.dir / "home" / CHECKOUTS
    folder.mkdir(exist_ok=True)
    return folder / build


def audit(
    lab: Lab, host: Host, build: str, work: Path, transcript: Transcript, *, images: bool
) -> Document:
    """The ordinary audit of a build, of its `images` too, its connection recorded."""
    place = work / build
    if not place.exists():
        work.mkdir(exist_ok=True)
        lay_out(build, place)
    core = Core(config.load(lab.hosts_toml), Store(work / "store"))
    core.connector = RecordingConnector(core.connector, {host.name: transcript})
    checkout = str(checkout_of(host, build))
    settings = folder_build(place)
    settings = msgspec.structs.replace(settings, network=NETWORK, context_on_host=checkout)
    chosen = [one for one in core.settings.hosts if one.name == host.name]
    options = Options(as_found=True, fresh=True, outputs=images)
    document = core.prepare(settings, chosen, options).run()
    for run in document.runs:
        ratio = "" if run.hit_ratio is None else f"{run.hit_ratio:.0%} hit"
        said = f"{run.status} {ratio} {run.reason or ''}".strip()
        print(f"{host.name} {build} {run.scenario}: {run.seconds:.1f} s, {said}", file=sys.stderr)
    assert document.hosts[0].status == "ok", document.hosts
    assert {run.status for run in document.runs} <= {"ok", "unsupported"}
    if images:
        print(f"{host.name} {build}: {open_files(core, document)} files opened", file=sys.stderr)
    return document


def open_files(core: Core, document: Document) -> int:
    """Open every small file of every layer, as `enter` in Outputs does: which of them differ is not
    known before all hosts are recorded. How many these are."""
    opened: set[tuple[str, str]] = set()
    for run in document.runs:
        contents = contents_of(core.store, run.id)
        opener = core.opener([(document, run)])  # one of its own: it asks for no content twice
        try:
            for layer in contents.digests if contents is not None else ():
                for path, entry in small_files(core.store, layer):
                    if (path, layer) not in opened:
                        opened.add((path, layer))
                        opener.content(path, entry, run)
        finally:
            opener.close()
    return len(opened)


def small_files(store: Store, layer: str) -> Iterator[tuple[str, Entry]]:
    """The files of a layer that are opened."""
    for line in lines_of(store, layer):
        fields = line.rstrip(b"\n").split(b"\t")
        if len(fields) >= STORED and fields[SIZE] and int(fields[SIZE]) < MOST_OPENED:
            yield fields[PATH].decode(), entry_of(fields, layer)


def quiet(patience: float) -> None:
    """Wait until the machine has little else to do, for a while."""
    deadline = time.monotonic() + patience
    while os.getloadavg()[0] > 1.0 and time.monotonic() < deadline:
        time.sleep(2.0)


def scrub(host: Host) -> dict[str, str]:
    """The lab's own names, and what a host of its own would have."""
    kernel = platform.release()
    places = {
        "home": "/root",
        "cfg": "/root/.docker",
        "data": "/var/lib/docker",
        "exec": "/run/docker",
        "docker.sock": "/run/docker.sock",
        "tmp": "/tmp",
    }
    found = {f"{host.dir}/{place}": neutral for place, neutral in places.items()}
    found[kernel] = re.match(r"[0-9.]*", kernel)[0] or "6"  # type: ignore[index]
    return found


def checked(lab: Lab, recording: Recording) -> Recording:
    """The recording, in which nothing must be left of the lab's folders."""
    text = msgspec.json.encode(recording).decode()
    for trace in (str(lab.folder), platform.release(), str(Path.home() / ".cache/cachetui-lab")):
        assert trace not in text, text[max(0, text.index(trace) - 200) :][:500]
    return recording


if __name__ == "__main__":
    sys.exit(main())
