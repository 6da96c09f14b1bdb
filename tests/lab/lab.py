"""The four hosts together: brought up side by side, found again by their folder, taken down."""

import json
import os
import platform
import shutil
import sys
import time
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.base import (
    BASE,
    DEBIAN,
    busybox_in,
    busybox_layer,
    debian_layer,
    import_layer,
    share_image,
)
from tests.lab.engine import Engine, Generation
from tests.lab.errors import LabError
from tests.lab.guard import Guard
from tests.lab.host import Host
from tests.lab.machine import Machine, namespaces_refused
from tests.lab.packages import SYSTEM_PACKAGES, cache_folder, install, locked, os_release, unpacked
from tests.lab.sshd import Limits, Sshd, free_port, make_key
from tests.lab.teardown import claim, take_down

DEFAULT_DIR = Path("/tmp/cachetui-lab")
"""Short, because the path of a Unix socket has at most 107 bytes."""

GENERATIONS = {
    "old": Generation("bookworm"),
    "mid": Generation("trixie"),
    "new": Generation("sid"),
    "ctd": Generation("sid", containerd_store=True),
}
SECOND = "ctd2"
"""The second host with the containerd store, which only `tests.lab.sharing` starts."""
LONGEST_DIR = 60
SHARED_SUITE = "bookworm"
"""The suite whose runc and busybox all hosts use."""


def skip_reason() -> str | None:
    """Why the lab cannot run on this machine, in one line; None if it can."""
    if platform.system() != "Linux" or os_release().get("ID") != "debian":
        return "the lab needs Debian (its packages are the engines)"
    if os.geteuid() != 0:
        return "the lab needs root (it starts Docker engines)"
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            return f"the lab needs {tool}"
    refused = namespaces_refused()
    return f"the lab cannot start: {refused}" if refused else None


def _say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


def free_prefix(folder: Path) -> str:
    """Three octets `127.1.N` on which nothing listens; where the search begins is the folder's."""
    used = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local = line.split()[1].split(":")[0]
        used.add(".".join(str(octet) for octet in reversed(bytes.fromhex(local)[1:])))
    start = zlib.crc32(str(folder).encode())
    candidates = (f"127.1.{(start + step) % 255}" for step in range(255))
    for prefix in candidates:
        if prefix not in used:
            return prefix
    raise LabError("something listens on each of the networks 127.1.0 to 127.1.254")


class Lab:
    """The four hosts `old`, `mid`, `new` and `ctd` in one folder.

    As a context manager it is torn down at the end of the block, and some seconds after the death
    of this process too; `up` alone leaves it running for others to find with `Lab.at`.
    """

    def __init__(
        self, folder: Path = DEFAULT_DIR, *, limits: Limits | None = None, debian: bool = False
    ) -> None:
        self.folder = folder.absolute()
        self.limits = limits or Limits()
        self.debian = debian
        self.hosts: dict[str, Host] = {}
        self._guard: Guard | None = None

    @property
    def hosts_toml(self) -> Path:
        """The settings with which cachetui reaches these hosts."""
        return self.folder / "hosts.toml"

    @property
    def known_hosts(self) -> Path:
        """The host keys of all hosts."""
        return self.folder / "known_hosts"

    @property
    def identity_file(self) -> Path:
        """The private key that every host accepts."""
        return self.folder / "client_key"

    @property
    def _busybox(self) -> Path:
        return self.folder / "busybox"

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    @classmethod
    def at(cls, folder: Path = DEFAULT_DIR) -> Self:
        """The lab that runs in `folder`. Raises LabError if there is none."""
        lab = cls(folder)
        try:
            state = json.loads((lab.folder / "lab.json").read_text())
        except (OSError, ValueError):
            raise LabError(f"no lab is up in {folder}") from None
        for name, found in state["hosts"].items():
            lab.hosts[name] = lab._host(name, GENERATIONS[name], found["address"], found["port"])
        return lab

    def _host(self, name: str, generation: Generation, address: str, port: int) -> Host:
        machine = Machine(name, self.folder / name)
        engine = Engine(machine, generation)
        sshd = Sshd(
            machine, address, port, engine.env, self.folder / "authorized_keys", self.limits
        )
        return Host(
            name, machine, engine, sshd, self.known_hosts, self.identity_file, self._busybox
        )

    def second_host(self) -> Host:
        """One more host with the containerd store, beside `ctd`, not started and not in `hosts`."""
        address = f"{self['ctd'].address.rpartition('.')[0]}.{len(GENERATIONS) + 1}"
        return self._host(SECOND, GENERATIONS["ctd"], address, free_port(address))

    def up(self, *, guarded: bool = False) -> None:
        """Bring all hosts up; with `guarded`, they end with this process.

        Raises LabError, with nothing left running, if one of them does not come up or the folder
        is not free.
        """
        if len(str(self.folder)) > LONGEST_DIR:
            raise LabError(f"{self.folder} is too long for the paths of sockets below it")
        with locked(cache_folder() / f"up{str(self.folder).replace('/', '-')}.lock"):
            if Lab.is_up(self.folder):
                raise LabError(f"a lab is up in {self.folder} already")
            take_down(self.folder)
            token = claim(self.folder)
            try:
                if guarded:
                    self._guard = Guard(self.folder, token)
                self._bring_up()
            except BaseException:
                self.down()
                raise

    @staticmethod
    def is_up(folder: Path) -> bool:
        """Whether a lab is up in `folder` with all its machines."""
        try:
            lab = Lab.at(folder)
        except LabError:
            return False
        return all(host.machine.running for host in lab.hosts.values())

    def _bring_up(self) -> None:
        started = time.monotonic()
        installed = install(SYSTEM_PACKAGES)
        if installed:
            _say(f"installed {', '.join(installed)}")
        make_key(self.identity_file, "client of the lab")
        authorized = self.identity_file.with_suffix(".pub").read_bytes()
        (self.folder / "authorized_keys").write_bytes(authorized)
        prefix = free_prefix(self.folder)
        for number, name in enumerate(GENERATIONS, start=1):
            address = f"{prefix}.{number}"
            self.hosts[name] = self._host(name, GENERATIONS[name], address, free_port(address))
        with ThreadPoolExecutor(len(self.hosts) + 1) as pool:
            layer = pool.submit(debian_layer) if self.debian else None
            for job in [pool.submit(self.start_host, host) for host in self.hosts.values()]:
                job.result()
            debian = layer.result() if layer else None
        shutil.copy(busybox_in(unpacked(SHARED_SUITE) / "root"), self._busybox)
        self._share(BASE, busybox_layer(self._busybox))
        if debian is not None:
            self._share(DEBIAN, debian)
        self._write_files()
        _say(f"four hosts are up after {time.monotonic() - started:.1f} s")

    @staticmethod
    def start_host(host: Host) -> None:
        """Bring one host up, without an image."""
        shared = unpacked(SHARED_SUITE) / "root"
        tree = unpacked(host.engine.generation.suite) / "root"
        host.dir.mkdir()
        make_key(host.sshd.host_key, host.name)
        host.engine.lay_out(tree, runc=shared / "usr/sbin/runc")
        host.machine.start()
        host.engine.start()
        host.sshd.start()
        _say(
            f"{host.name}: Docker Engine {host.version}, buildx {host.buildx_version or 'none'}, "
            f"store {host.store}, {host.address} port {host.port}"
        )

    def _share(self, tag: str, layer: bytes | Path) -> None:
        """Give all hosts the same image of one layer."""
        first, *others = (host.engine for host in self.hosts.values())
        import_layer(first, tag, layer)
        share_image(tag, first, others)

    def share_debian(self) -> None:
        """Give all hosts the image `debian:lab` (Debian, Python, pip) unless they have it.

        The first time on a machine it takes about a minute.
        """
        ask = ("image", "inspect", DEBIAN)
        hosts = self.hosts.values()
        if any(host.docker(*ask, check=False).returncode != 0 for host in hosts):
            self._share(DEBIAN, debian_layer())

    def _write_files(self) -> None:
        """Write what others find the lab by: known_hosts, hosts.toml and, last, lab.json."""
        hosts = self.hosts.values()
        self.known_hosts.write_text("".join(host.known_hosts_line for host in hosts))
        self.hosts_toml.write_text(self.settings_text(hosts))
        places = {host.name: {"address": host.address, "port": host.port} for host in hosts}
        (self.folder / "lab.json").write_text(json.dumps({"hosts": places}, indent=1) + "\n")

    def settings_text(self, hosts: Iterable[Host]) -> str:
        """A hosts.toml of these hosts."""
        toml = "[defaults]\n"
        settings = {"identity_file": self.identity_file, "known_hosts": self.known_hosts}
        for key, value in {"user": "root", **settings}.items():
            toml += f"{key} = {json.dumps(str(value))}\n"
        for host in hosts:
            tags = ["lab", f"docker-{host.version.split('.')[0]}"]
            tags.append("containerd" if host.containerd_store else "graph-driver")
            toml += f'\n[[hosts]]\nname = "{host.name}"\naddress = "{host.address}"\n'
            toml += f"port = {host.port}\ntags = {json.dumps(tags)}\n"
        return toml

    def down(self) -> None:
        """End the lab: its processes first, then its folder. Does nothing where there is none."""
        take_down(self.folder)
        for host in self.hosts.values():
            host.machine.reap()
        if self._guard is not None:
            self._guard.release()
            self._guard = None

    def __enter__(self) -> Self:
        self.up(guarded=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.down()
