"""A registry for the lab's hosts, on a loopback address, and what can be wrong with it."""

import json
import os
import shutil
import signal
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.errors import LabError, tail
from tests.lab.host import Host
from tests.lab.machine import Machine
from tests.lab.packages import unpacked
from tests.lab.sshd import free_port

READY_SECONDS = 20
SUITE = "bookworm"
"""The suite whose docker-registry serves all hosts."""
USER, PASSWORD = "lab", "lab-password"
"""Who may use a registry that wants a login."""
HTPASSWD = f"{USER}:$2a$04$UrTzHRTW/kx5473IHUDY6uo7ut1ZEWEdVrt3ZqybHNlVJnpmisUNS\n"
"""The password as bcrypt, the one form that docker-registry takes."""


class Registry:
    """Debian's docker-registry; engines take all of 127.0.0.0/8 for insecure registries, so they
    need no setting. What is in it may be deleted, and goes with the block.

    `folder` is a lab's, `prefix` three octets of its loopback network. With `login` it takes
    nobody but `USER`; `size` bytes are all that it can hold, None is no limit; without `deletable`
    it refuses to delete.
    """

    def __init__(
        self,
        folder: Path,
        prefix: str,
        *,
        login: bool = False,
        size: int | None = None,
        deletable: bool = True,
    ) -> None:
        address = f"{prefix}.20"
        self.address = f"{address}:{free_port(address)}"
        self.login = login
        self.size = size
        self.deletable = deletable
        # A name that is not taken: tests have several, side by side or in turn.
        self.folder = Path(tempfile.mkdtemp(prefix="registry-", dir=folder))
        self._machine = Machine("registry", self.folder)

    @classmethod
    def of(cls, host: Host, *, login: bool = False, size: int | None = None) -> Self:
        """A registry in the lab of a host, not started."""
        prefix = host.address.rpartition(".")[0]
        return cls(host.dir.parent, prefix, login=login, size=size)

    def ref(self, name: str) -> str:
        """The reference of an image in this registry: `ref("app:1")`."""
        return f"{self.address}/{name}"

    def push(self, host: Host, image: str, name: str) -> str:
        """Push a host's image under a name of this registry; the reference.

        The host keeps the image under that name too.
        """
        ref = self.ref(name)
        host.docker("tag", image, ref)
        host.docker("push", "-q", ref)
        return ref

    def log_in(self, host: Host) -> None:
        """Let the host's user log in, as `docker login` does; the host keeps it until `log_out`."""
        words = ("login", "--username", USER, "--password-stdin", self.address)
        host.docker(*words, input=PASSWORD.encode())

    def log_out(self, host: Host) -> None:
        """Let the host's user log out again."""
        host.docker("logout", self.address)

    def tags(self, name: str) -> list[str]:
        """The tags of a repository that are there; none where there is no such repository."""
        try:
            with urllib.request.urlopen(
                f"http://{self.address}/v2/{name}/tags/list", timeout=5
            ) as answer:
                return sorted(json.load(answer).get("tags") or [])
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return []
            raise

    def lose_blobs(self, least: int = 0) -> int:
        """Lose the content of all blobs of at least so many bytes, as a broken disk would, and
        keep their names; how many these were."""
        blobs = self._data / "docker/registry/v2/blobs"
        lost = [file for file in blobs.glob("*/*/*/data") if file.stat().st_size >= least]
        for file in lost:
            file.unlink()
        return len(lost)

    def pause(self) -> None:
        """Let the registry take connections and say nothing."""
        self._machine.signal(signal.SIGSTOP, "docker-registry")

    def resume(self) -> None:
        """Wake a paused registry."""
        self._machine.signal(signal.SIGCONT, "docker-registry")

    def stop(self) -> None:
        """Let connections be refused from now on; what is in the registry stays."""
        self._machine.signal(signal.SIGKILL, "docker-registry")
        deadline = time.monotonic() + 10
        while self._answers() and time.monotonic() < deadline:
            time.sleep(0.05)

    def start(self) -> None:
        """Start it, or start it again. Raises LabError with the end of its log."""
        binary = unpacked(SUITE) / "root/usr/bin/docker-registry"
        if not binary.is_file():
            raise LabError(f"Debian's docker-registry is not in {binary.parent}")
        settings = self.folder / "config.yml"
        self._machine.spawn([binary, "serve", settings], dict(os.environ), self.log)
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                said = tail(self.log.read_text(errors="replace"))
                raise LabError(f"the registry does not come up; its log ends:\n{said}")
            time.sleep(0.05)

    @property
    def log(self) -> Path:
        """What it has written."""
        return self.folder / "registry.log"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def __enter__(self) -> Self:
        self.up()
        return self

    def up(self) -> None:
        """Make its machine and start it; it stays until `down`, or until its lab ends."""
        self._write_settings()
        try:
            self._machine.start()
            if self.size is not None:
                options = ["-t", "tmpfs", "-o", f"size={self.size}", "tmpfs"]
                self._machine.run("mount", *options, self._data)
            self.start()
        except BaseException:
            self.down()
            raise

    def _write_settings(self) -> None:
        self._data.mkdir()
        config: dict[str, object] = {
            "version": "0.1",
            "storage": {
                "filesystem": {"rootdirectory": str(self._data)},
                "delete": {"enabled": self.deletable},
            },
            "http": {"addr": self.address},
        }
        if self.login:
            users = self.folder / "users"
            users.write_text(HTPASSWD)
            config["auth"] = {"htpasswd": {"realm": "lab", "path": str(users)}}
        (self.folder / "config.yml").write_text(json.dumps(config))

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/v2/", timeout=2) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False

    def down(self) -> None:
        """End it, and forget what was in it."""
        self._machine.stop()
        self._machine.reap()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.down()
