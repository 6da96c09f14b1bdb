"""`python3 -m tests.record_shared_demo`: record the demo's experiment with shared caches.

The demo's first build is shared by the ordinary core in a lab of its own, with a registry and a
second host of the containerd store. What that gave is kept in `cachetui/demo/shared.json.gz`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec

from cachetui.config import hosts_toml as config
from cachetui.config.settings import folder_build
from cachetui.core import Core
from cachetui.demo.fleet import BUILDS, NETWORK, build_name, lay_out
from cachetui.demo.shared import FILE, SHARED, SharedRecording, encode
from cachetui.records.document import Document
from cachetui.share.kinds import KINDS
from cachetui.store.database import Store
from tests.lab import Lab
from tests.lab.sharing import Sharing as Fleet
from tests.record_demo import BASE, NAMES, quiet, scrub

FOLDER = Path("/tmp/cachetui-shared-demo-lab")
REGISTRY = "registry.example"
ABOUT = (
    "What `cachetui share` gave on real engines of cachetui's lab (tests/lab), recorded by "
    "tests/record_shared_demo.py. Changed were only the lab's own names of folders, hosts and the "
    "registry, and the kernel's build name, into neutral ones."
)
MOST_BYTES = 100_000
SECOND = {"ctd2": "ctd2-28.5"}


def main() -> int:
    """Record it; 0 when the recording is written."""
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.record_shared_demo", description=__doc__
    )
    parser.add_argument("--lab", type=Path, default=FOLDER, help=f"the lab's folder ({FOLDER})")
    parser.add_argument(
        "--patience", type=float, default=300.0, help="seconds to wait for a quiet machine"
    )
    arguments = parser.parse_args()
    with (
        Lab(arguments.lab) as lab,
        Fleet(lab) as fleet,
        tempfile.TemporaryDirectory() as work,
    ):
        quiet(arguments.patience)
        data = encode(neutral(fleet, shared(fleet, Path(work))))
    if len(data) > MOST_BYTES:
        print(f"{len(data)} bytes are more than {MOST_BYTES}", file=sys.stderr)
        return 2
    FILE.write_bytes(data)
    print(FILE)
    return 0


def shared(fleet: Fleet, work: Path) -> Document:
    """Share the build between all hosts; nothing must have failed."""
    place = lay_out(BUILDS[0], work / BUILDS[0])
    file = place / "Dockerfile"
    file.write_text(file.read_text().replace(BASE, fleet.base))
    core = Core(config.load(fleet.hosts_toml), Store(work / "store"))
    names = {**NAMES, **SECOND}
    hosts = [msgspec.structs.replace(h, name=names[h.name]) for h in core.settings.hosts]
    settings = msgspec.structs.replace(
        folder_build(place), name=build_name(SHARED), network=NETWORK
    )
    sharing = core.sharing(
        settings,
        hosts,
        KINDS,
        exporter=names["ctd"],
        registry=f"{fleet.registry.address}/{BUILDS[0]}",
        cancel=threading.Event(),
    )
    try:
        for sentence in sharing.prepare():
            print(sentence, file=sys.stderr)
        document = sharing.run()
    finally:
        sharing.close()
    share = document.share
    assert share is not None
    assert [one.status for one in share.exports] == ["ok"] * len(KINDS), share.exports
    assert {one.status for one in share.imports} <= {"ok", "unsupported"}, share.imports
    assert not share.left
    return document


def neutral(fleet: Fleet, document: Document) -> SharedRecording:
    """The recording, in which nothing must be left of the lab."""
    text = msgspec.json.encode(document).decode()
    address = fleet.registry.address
    for host in fleet.hosts.values():
        for old, new in scrub(host).items():
            text = text.replace(old, new)
    text = text.replace(fleet.base, f"{REGISTRY}/{BASE}")
    text = text.replace(address, REGISTRY)
    network = address.rpartition(".")[0]
    for trace in (str(fleet.lab.folder), network, str(Path.home() / ".cache/cachetui-lab")):
        assert trace not in text, text[max(0, text.index(trace) - 200) :][:500]
    return SharedRecording(
        about=ABOUT,
        recorded=time.strftime("%Y-%m-%d", time.gmtime()),
        document=msgspec.json.decode(text, type=Document),
    )


if __name__ == "__main__":
    sys.exit(main())
