"""A recorded fleet, ready to be reached: a folder with keys, known_hosts, hosts.toml and the
recorded builds, and the server that answers. All of it is gone afterwards."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec
import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from cachetui.audit.audit import Audit
from cachetui.audit.findings_of import why
from cachetui.config import hosts_toml as config
from cachetui.config.settings import BuildSettings, HostSettings
from cachetui.context.build_context import read_context
from cachetui.context.own_folder import removed_after_process
from cachetui.core import Core, Options, UserError
from cachetui.demo.images import has_images
from cachetui.demo.recording import Recording, copy_of, recordings
from cachetui.demo.server import ADDRESS, DemoServer
from cachetui.demo.shared import SHARED, keep_in
from cachetui.findings import Findings
from cachetui.hosts.connect import Connector
from cachetui.hosts.ssh.prompts import SshPrompts
from cachetui.outputs.outputs_report import NOT_LOOKED_AT, OutputsReport
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.versions import version_key
from cachetui.share.sharing import Sharing
from cachetui.store.database import Store

BUILDS = ("shop", "mounts")
"""The builds that were recorded; the first one is shown first."""

NETWORK = "none"
"""The network that they were recorded with."""

CHECKOUTS = "checkouts"
"""Where the recorded hosts' users keep the builds, below their home."""


def build_name(build: str) -> str:
    """What a recorded build is called in the demo's hosts.toml, and so on every screen."""
    return f"recorded-{build}"


@dataclass(frozen=True)
class Fleet:
    """A recorded fleet that can be reached through `hosts_toml` while its context is open."""

    folder: Path
    recordings: tuple[Recording, ...]
    server: DemoServer

    @property
    def hosts_toml(self) -> Path:
        return self.folder / "hosts.toml"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def client_key(self) -> Path:
        return self.folder / "client_key"

    def core(self) -> DemoCore:
        """A core over the fleet, with a store of its own below `folder`."""
        return DemoCore(self)

    def note(self) -> str:
        """What must be said wherever its results are shown."""
        days = sorted({recording.recorded for recording in self.recordings})
        day = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        speed = self.server.speed
        faster = "" if speed == 1 else f"; played {speed:g} times as fast, arrival times with it"
        return (
            f"a recorded fleet: real engines printed this in cachetui's lab on {day}, and it "
            f"comes back over SSH on this machine, nothing being built here{faster}"
        )


_NO_IMAGES = (
    "a recorded fleet has no images to read: what builds printed is recorded, not what they made. "
    "On hosts of your own: cachetui run FOLDER --outputs"
)


class DemoCore(Core):
    """The core that real hosts have, but for what it says of itself: nothing of the user's own
    ssh configuration is read, what is found as it was is among the default scenarios, images are
    read with these where they were when the fleet was recorded, and the first notes of an audit
    say what is recorded, and what its hosts had built before."""

    hosts_are = "recorded demo"

    def __init__(self, fleet: Fleet, asker: SshPrompts | None = None) -> None:
        super().__init__(config.load(fleet.hosts_toml), Store(fleet.folder / "store"), asker)
        self._fleet = fleet
        self._has_images = all(map(has_images, fleet.recordings))
        self.shared_audit = keep_in(self.store)
        """The recorded experiment with shared caches."""

    def _connector(self, prompts: SshPrompts | None) -> Connector:
        return Connector(prompts=prompts, ssh_config=None, system_config=None)

    def sharing(self, *_: Any, **__: Any) -> Sharing:
        """Raises `UserError`: there is no registry to write to."""
        raise UserError(
            "a recorded fleet cannot share caches; one experiment is recorded: open "
            f"{build_name(SHARED)} from History (6)"
        )

    def findings(self, document: Document) -> Findings:
        """See `Core.findings`. A recorded host does the same each time: an audit before this one is
        not its past, and would tell of a cache that has lost what it never had."""
        return why(document, self.store, past=False)

    def outputs(
        self, pairs: Sequence[tuple[Document, Run]], *, strict: bool = False
    ) -> OutputsReport:
        """See `Core.outputs`. Where no image can be read, none is offered to be."""
        report = super().outputs(pairs, strict=strict)
        if self._has_images:
            return report
        images = tuple(
            msgspec.structs.replace(image, reason=_NO_IMAGES)
            if image.reason == NOT_LOOKED_AT
            else image
            for image in report.images
        )
        return msgspec.structs.replace(report, images=images)

    def prepare(
        self, build: BuildSettings, hosts: Sequence[HostSettings], options: Options
    ) -> Audit:
        """See `Core.prepare`. Raises `UserError` where images are to be read and none is recorded,
        and for a peek: no build that was stopped is recorded."""
        if options.outputs and not self._has_images:
            raise UserError(_NO_IMAGES)
        if options.peek:
            raise UserError(
                "a recorded fleet cannot be peeked at: no stopped build is recorded; an audit (r) "
                "shows what its hosts had cached, as found"
            )
        if options.scenarios is None:
            options = msgspec.structs.replace(
                options, as_found=True, outputs=self._has_images or options.outputs
            )
        audit = super().prepare(build, hosts, options)
        names = {host.name for host in hosts}
        pasts = [
            f"{recording.host}: {session.before}"
            for recording in self._fleet.recordings
            for session in recording.sessions
            if build_name(session.build) == build.name and recording.host in names
        ]
        notes = (self._fleet.note(), *pasts, *audit.plan.notes)
        plan = replace(audit.plan, notes=notes)
        return Audit(replace(audit.task, plan=plan), hosts, self.connector, self.store)


@contextmanager
def demo_fleet(*, speed: float = 1.0, hosts: int | None = None) -> Iterator[Fleet]:
    """Serve the recorded fleet; `hosts` many of it, copies beyond those that were recorded, each
    with an engine of its own.

    Raises `RecordingError`.
    """
    recorded = recordings()
    count = len(recorded) if hosts is None else hosts
    served = [
        *recorded[:count],
        *(
            copy_of(recorded[number % len(recorded)], number)
            for number in range(len(recorded), count)
        ),
    ]
    folder = Path(tempfile.mkdtemp(prefix="cachetui-demo-"))
    going = folder.with_name(f"{folder.name}-going")
    removed_after_process(folder, going)
    server: DemoServer | None = None
    try:
        contexts = {}
        for build in BUILDS:
            place = lay_out(build, folder / build)
            contexts[read_context(place).digest.removeprefix("sha256:")] = build
        client_key = _new_key(folder / "client_key")
        host_key = _new_key(folder / "host_key")
        server = DemoServer(
            served, host_key=host_key, client_key=client_key, contexts=contexts, speed=speed
        )
        fleet = Fleet(folder, recorded, server)
        _write(fleet, served)
        yield fleet
    finally:
        if server is not None:
            server.close()
        with suppress(OSError):  # under another name, what still runs makes nothing in it anew
            folder.rename(going)
        shutil.rmtree(going, ignore_errors=True)


def lay_out(build: str, folder: Path) -> Path:
    """Write a recorded build's files with the modes that they were recorded with, whatever the
    umask of the checkout or of the installation was: modes decide over cache hits."""
    _copy(resources.files(__package__) / "builds" / build, folder)
    return folder


def _copy(source: Traversable, target: Path) -> None:
    if source.is_dir():
        target.mkdir()
        target.chmod(0o755)
        for inner in source.iterdir():
            _copy(inner, target / inner.name)
    else:
        target.write_bytes(source.read_bytes())
        target.chmod(0o644)


def _new_key(path: Path) -> paramiko.PKey:
    """Make an ed25519 key pair, its private half in a file that only its owner reads."""
    text = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    path.touch(mode=0o600)
    path.write_bytes(text)
    return paramiko.Ed25519Key.from_private_key(io.StringIO(text.decode()))


def _write(fleet: Fleet, served: Sequence[Recording]) -> None:
    """Write known_hosts and hosts.toml."""
    key = fleet.server.host_key
    public = f"{key.get_name()} {key.get_base64()}"
    known = [f"[{ADDRESS}]:{port} {public}\n" for port in fleet.server.ports]
    fleet.known_hosts.write_text("".join(known))
    names = _names(served)
    lines = [
        f"# {fleet.note()}",
        "[defaults]",
        'user = "root"',
        f"identity_file = {json.dumps(str(fleet.client_key))}",
        f"known_hosts = {json.dumps(str(fleet.known_hosts))}",
    ]
    for name, port, recording in zip(names, fleet.server.ports, served, strict=True):
        tags = ["recorded", f"docker-{version_key(recording.engine)[0]}"]
        lines += ["", f"# {recording.engine_text}", "[[hosts]]", f"name = {json.dumps(name)}"]
        lines += [f'address = "{ADDRESS}"', f"port = {port}", f"tags = {json.dumps(tags)}"]
    for build in BUILDS:
        lines += ["", f"[builds.{build_name(build)}]"]
        lines += [f"context = {json.dumps(str(fleet.folder / build))}", f'network = "{NETWORK}"']
        lines += [f'context_on_host = "/root/{CHECKOUTS}/{build}"']
    fleet.hosts_toml.write_text("\n".join(lines) + "\n")


def _names(served: Sequence[Recording]) -> list[str]:
    """A name for each host: that of its recording, numbered where there are copies."""
    names: list[str] = []
    for recording in served:
        number = sum(name.split("--")[0] == recording.host for name in names) + 1
        names.append(recording.host if number == 1 else f"{recording.host}--{number}")
    return names
