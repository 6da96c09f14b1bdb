"""What a lab needs besides for shared caches: a second host with the containerd store, and a
registry with a base image in it. Started only for those who ask for it."""

from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.base import BASE, share_image
from tests.lab.host import Host
from tests.lab.lab import SECOND, Lab
from tests.lab.registry import Registry


class Sharing:
    """A running lab with a second host of the containerd store, `ctd2`, and a registry.

    `hosts` are all five; `base` is the base image's reference in the registry, which every host
    can pull. The lab itself stays as it is, and what is added ends with the block, or with the
    lab.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.registry = Registry.of(lab["old"])
        self.hosts: dict[str, Host] = dict(lab.hosts)
        self.base = self.registry.ref("base:1")

    @property
    def hosts_toml(self) -> Path:
        """The settings with which cachetui reaches all five."""
        return self.lab.folder / "hosts-sharing.toml"

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def up(self) -> None:
        """Start both. Raises LabError, with neither left running, where one does not come up."""
        try:
            self.registry.up()
            second = self.hosts[SECOND] = self.lab.second_host()
            self.lab.start_host(second)
            share_image(BASE, self.lab["old"].engine, [second.engine])
            # A manifest pushed by a graph driver's engine, ctd2 pulls without its configuration.
            self.registry.push(self.lab["ctd"], BASE, "base:1")
            self.lab["ctd"].docker("rmi", self.base)
            with self.lab.known_hosts.open("a") as known:
                known.write(second.known_hosts_line)
            self.hosts_toml.write_text(self.lab.settings_text(self.hosts.values()))
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """End what was added; the lab's own four hosts go on."""
        self.registry.down()
        second = self.hosts.pop(SECOND, None)
        if second is not None:
            second.end()

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.down()
