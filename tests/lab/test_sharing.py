"""What a lab has for shared caches: a registry and what can be wrong with it, and `ctd2`."""

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.lab import Lab, LabError
from tests.lab.base import BASE
from tests.lab.faults import slowly
from tests.lab.host import Host
from tests.lab.registry import Registry
from tests.lab.sharing import Sharing

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

BLOB = 1 << 20
"""Bytes: larger than any manifest, smaller than the base's layer."""


@pytest.fixture
def host(lab: Lab) -> Host:
    """The host that pushes and pulls."""
    return lab["new"]


@pytest.fixture
def registry(host: Host) -> Iterator[Registry]:
    """A registry with nothing wrong yet."""
    with Registry.of(host) as registry:
        yield registry


def said(host: Host, *words: str) -> str:
    """What docker says when it fails; an empty string where it does not."""
    done = host.docker(*words, check=False, timeout=60)
    return (done.stdout + done.stderr).decode() if done.returncode else ""


class TestSecondHost:
    """`ctd2` is there for those who ask, and nobody else."""

    def test_both_have_the_containerd_store_and_the_same_base(self, sharing: Sharing) -> None:
        assert [name for name, host in sharing.hosts.items() if host.containerd_store] == [
            "ctd",
            "ctd2",
        ]
        assert sharing["ctd2"].layers(BASE) == sharing["old"].layers(BASE)
        assert tuple(sharing.lab.hosts) == ("old", "mid", "new", "ctd")

    def test_hosts_toml_names_five(self, sharing: Sharing) -> None:
        assert sharing.hosts_toml.read_text().count("[[hosts]]") == 5
        assert sharing.lab.hosts_toml.read_text().count("[[hosts]]") == 4

    def test_every_host_pulls_the_base_from_the_registry(self, sharing: Sharing) -> None:
        for host in sharing.hosts.values():
            host.docker("pull", "-q", sharing.base)
            assert host.layers(sharing.base) == host.layers(BASE)
            host.docker("rmi", sharing.base)


class TestRegistryFaults:
    """What can be wrong with it shows on a host."""

    def test_several_at_once(self, host: Host, registry: Registry) -> None:
        with Registry.of(host) as other:
            ref = other.push(host, BASE, "one:1")
            assert other.tags("one") == ["1"]
            assert registry.tags("one") == []
            host.docker("rmi", ref)

    def test_down_and_up_again(self, host: Host, registry: Registry) -> None:
        ref = registry.push(host, BASE, "kept:1")
        host.docker("rmi", ref)
        registry.stop()
        assert "refused" in said(host, "pull", ref)
        registry.start()
        assert said(host, "pull", "-q", ref) == ""
        host.docker("rmi", ref)

    def test_a_paused_one_says_nothing(self, host: Host, registry: Registry) -> None:
        registry.pause()
        with pytest.raises(LabError, match="took over 3 s"):
            host.docker("pull", registry.ref("x:1"), timeout=3)
        registry.resume()
        assert "not found" in said(host, "pull", registry.ref("x:1"))

    def test_login(self, host: Host) -> None:
        with Registry.of(host, login=True) as registry:
            host.docker("tag", BASE, registry.ref("x:1"))
            assert "no basic auth" in said(host, "push", registry.ref("x:1"))
            registry.log_in(host)
            assert said(host, "push", "-q", registry.ref("x:1")) == ""
            registry.log_out(host)
            assert registry.address not in (host.engine.config / "config.json").read_text()
            host.docker("rmi", registry.ref("x:1"))

    def test_full(self, host: Host) -> None:
        """docker itself asks a full registry again for most of a minute."""
        with Registry.of(host, size=200 * 1024) as registry:
            upload = f"http://{registry.address}/v2/x/blobs/uploads/"
            with urllib.request.urlopen(urllib.request.Request(upload, b"")) as begun:
                place = str(begun.headers["Location"])
            kind = {"Content-Type": "application/octet-stream"}
            more = urllib.request.Request(place, bytes(300 * 1024), kind, method="PATCH")
            with pytest.raises(urllib.error.HTTPError) as failed:
                urllib.request.urlopen(more)
            assert failed.value.code == 500
            assert "no space left" in registry.log.read_text()

    def test_a_lost_blob(self, host: Host, registry: Registry) -> None:
        host.import_base("lost:1", {"lost": b"this layer is nowhere else"})
        ref = registry.push(host, "lost:1", "lost:1")
        host.docker("rmi", ref, "lost:1")
        assert registry.lose_blobs(BLOB // 4) == 1
        assert "unknown blob" in said(host, "pull", ref) or "not found" in said(host, "pull", ref)
        assert registry.tags("lost") == ["1"]

    def test_slow(self, host: Host, registry: Registry) -> None:
        with slowly(registry.address, 0.05) as address:
            slow = host.docker("pull", f"{address}/nothing:1", check=False)
        assert b"not found" in slow.stderr or b"unknown" in slow.stderr
