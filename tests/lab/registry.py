"""A registry for the lab's hosts, on a loopback address of its own."""

import json
import os
import time
import urllib.request
from types import TracebackType
from typing import Self

from tests.lab.errors import LabError, tail
from tests.lab.host import Host
from tests.lab.lab import SHARED_SUITE, Lab
from tests.lab.machine import Machine
from tests.lab.packages import unpacked
from tests.lab.sshd import free_port

READY_SECONDS = 20


class Registry:
    """Debian's docker-registry; engines take all of 127.0.0.0/8 for insecure registries, so they
    need no setting. What is in it may be deleted, and goes with the block."""

    def __init__(self, lab: Lab) -> None:
        prefix = lab["old"].address.rpartition(".")[0]
        address = f"{prefix}.{len(lab.hosts) + 5}"
        self.address = f"{address}:{free_port(address)}"
        self._machine = Machine("registry", lab.folder / "registry")

    def ref(self, name: str) -> str:
        """The reference of an image in this registry: `ref("app:1")`."""
        return f"{self.address}/{name}"

    def push(self, host: Host, image: str, name: str) -> str:
        """Push a host's image under a name of this registry; the reference."""
        ref = self.ref(name)
        host.docker("tag", image, ref)
        host.docker("push", "-q", ref)
        return ref

    def __enter__(self) -> Self:
        folder = self._machine.folder
        folder.mkdir()
        config = {
            "version": "0.1",
            "storage": {
                "filesystem": {"rootdirectory": str(folder / "data")},
                "delete": {"enabled": True},
            },
            "http": {"addr": self.address},
        }
        settings = folder / "config.yml"
        settings.write_text(json.dumps(config))
        log = folder / "registry.log"
        binary = unpacked(SHARED_SUITE) / "root/usr/bin/docker-registry"
        try:
            self._machine.start()
            self._machine.spawn([binary, "serve", settings], dict(os.environ), log)
            deadline = time.monotonic() + READY_SECONDS
            while not self._answers():
                if time.monotonic() > deadline:
                    said = tail(log.read_text(errors="replace"))
                    raise LabError(f"the registry does not come up; its log ends:\n{said}")
                time.sleep(0.05)
        except BaseException:
            self._machine.stop()
            raise
        return self

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/v2/", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._machine.stop()
        self._machine.reap()
