"""Shared caches of real engines, read on hosts; and what can be wrong with their registry."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetui.config import hosts_toml
from cachetui.config.settings import folder_build
from cachetui.core import Core, UserError
from cachetui.hosts import shared_cache
from cachetui.hosts.machine import HostError
from cachetui.records.shared_cache import SharedCache
from cachetui.store.database import Store
from tests.lab.base import BASE
from tests.lab.registry import Registry
from tests.lab.sharing import Sharing

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns(together=True)]

DOCKERFILE = """FROM {base} AS deps
WORKDIR /src
COPY lock .
RUN cat lock > deps.txt
FROM {base} AS test
RUN echo tested > /tested
FROM {base}
COPY main .
COPY --from=deps /src/deps.txt /deps
RUN echo built > /built
"""
ADDED = ["src", "src/lock", "src/deps.txt", "main", "deps", "built"]
"""What each step adds, in the file's order."""
READERS = ("mid", "new", "ctd2")


class Shared:
    """One build whose caches of all kinds `ctd` has exported."""

    def __init__(self, sharing: Sharing, folder: Path) -> None:
        self.sharing, self.folder = sharing, folder
        self.build = folder / "app"
        self.build.mkdir()
        (self.build / "Dockerfile").write_text(DOCKERFILE.format(base=sharing.base))
        (self.build / "lock").write_text("1\n")
        (self.build / "main").write_text("2\n")
        self.local = folder / "local"
        self.image = sharing.registry.ref("app:1")
        self.core = Core(hosts_toml.load(sharing.hosts_toml), Store(folder / "store"))
        to = [f"type=registry,ref={self.ref(mode)},mode={mode}" for mode in ("max", "min")]
        to += [f"type=local,dest={self.local},mode=max", "type=inline"]
        words = [word for each in to for word in ("--cache-to", each)]
        sharing["ctd"].docker(
            "build", "-q", "--network=none", *words, "-t", self.image, "--push", str(self.build)
        )

    def ref(self, tag: str) -> str:
        return self.sharing.registry.ref(f"cache:{tag}")

    def read(self, source: str, host: str, image: str | None = None) -> SharedCache:
        settings = next(each for each in self.core.settings.hosts if each.name == host)
        return self.core.shared_cache(source, settings, folder_build(self.build), image)

    def reason(self, source: str, host: str) -> str:
        with pytest.raises(HostError) as caught:
            self.read(source, host)
        assert caught.value.remedy
        return f"{caught.value.reason}; {caught.value.remedy}"


@pytest.fixture(scope="module")
def shared(sharing: Sharing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    made = Shared(sharing, tmp_path_factory.mktemp("shared"))
    yield made
    made.core.store.close()
    sharing["ctd"].docker("rmi", made.image)


def held(cache: SharedCache) -> list[str]:
    return [step.held for step in cache.steps or ()]


@pytest.mark.parametrize("host", READERS)
def test_each_kind_is_read_as_it_was_exported(shared: Shared, host: str) -> None:
    most = shared.read(shared.ref("max"), host)
    assert (most.kind, len(most.layers), held(most)) == ("registry", 7, ["kept"] * 6)
    least = shared.read(shared.ref("min"), host)
    assert held(least) == ["not-kept"] * 3 + ["kept"] * 3
    inline = shared.read(shared.image, host)
    assert (inline.kind, inline.platforms) == ("inline", ("linux/amd64",))
    assert held(inline) == held(least)
    local = shared.read(f"type=local,src={shared.local}", host)
    assert (local.kind, local.problems, local.layers) == ("local", (), most.layers)
    for cache in (most, least, inline, local):
        assert cache.oldest is not None
        assert cache.newest is not None
        assert 0 <= cache.newest - cache.oldest < 600
        assert cache.bytes == sum(layer.bytes or 0 for layer in cache.layers) > 2_000_000


def test_the_layers_put_beside_steps_hold_what_these_add(shared: Shared) -> None:
    steps = shared.read(str(shared.local), "old").steps or ()
    for step, path in zip(steps, ADDED, strict=True):
        blob = shared.local / "blobs/sha256" / step.layers[0].removeprefix("sha256:")
        with tarfile.open(blob) as tar:
            assert path in tar.getnames()


def told_by(cache: SharedCache) -> list[str | None]:
    return [step.told_by for step in cache.steps or ()]


def test_an_image_that_was_built_with_it_tells_steps_by_their_layers(shared: Shared) -> None:
    last = ["shape"] * 3 + ["image"] * 3
    assert told_by(shared.read(shared.image, "new")) == last
    for source in (shared.ref("max"), str(shared.local)):
        assert told_by(shared.read(source, "ctd")) == ["shape"] * 6
        cache = shared.read(source, "ctd", shared.image)
        assert told_by(cache) == last
        assert (cache.steps or ())[5].layers == (shared.read(source, "ctd").steps or ())[5].layers
        assert any(f"layer in {shared.image} has the digest" in note for note in cache.notes)


def test_an_image_on_a_graph_driver_tells_the_same(shared: Shared) -> None:
    host = shared.sharing["mid"]
    host.docker("pull", "-q", shared.image)
    try:
        cache = shared.read(shared.ref("max"), "mid", shared.image)
        assert told_by(cache) == ["shape"] * 3 + ["image"] * 3
        other = shared.read(shared.ref("max"), "mid", BASE)
        assert told_by(other) == ["shape"] * 6
        assert any("is one of the cache's: it was built without it" in one for one in other.notes)
    finally:
        host.docker("rmi", shared.image)
    with pytest.raises(HostError, match="there is no image none:1"):
        shared.read(shared.ref("max"), "mid", "none:1")


def test_a_host_without_buildx_says_what_is_missing(shared: Shared) -> None:
    assert "no docker buildx" in shared.reason(shared.ref("max"), "old")


@pytest.mark.fault("shared-damaged")
def test_what_is_not_there_or_no_cache(shared: Shared) -> None:
    assert "the registry has no" in shared.reason(shared.ref("none"), "mid")
    assert "without a cache in it" in shared.reason(shared.sharing.base, "new")
    with pytest.raises(UserError, match="absolute path"):
        shared.read("./cache", "new")


def test_nothing_of_the_host_changes(shared: Shared) -> None:
    host = shared.sharing["new"]
    asks = (("images", "-aq"), ("builder", "du"), ("volume", "ls", "-q"), ("ps", "-aq"))

    def held() -> list[list[bytes]]:
        """What is there by its id: the ages beside it grow, and the order of some is any."""
        return [
            sorted(
                line.split()[0] for line in host.docker(*ask).stdout.splitlines() if line.strip()
            )
            for ask in asks
        ]

    before = held()
    shared.read(shared.ref("max"), "new")
    shared.read(str(shared.local), "new")
    assert held() == before


class TestRegistryFaults:
    """Each with its own words, on the oldest and the newest buildx."""

    HOSTS = ("mid", "new")

    @pytest.fixture(scope="class")
    def registry(self, shared: Shared) -> Iterator[Registry]:
        """One with the cache in it, to be broken."""
        with Registry.of(shared.sharing["old"]) as registry:
            ref = f"type=registry,ref={registry.ref('cache:1')}"
            shared.sharing["ctd"].docker(
                "build", "-q", "--network=none", "--cache-to", ref, "--output=type=cacheonly",
                str(shared.build),
            )  # fmt: skip
            yield registry

    @pytest.mark.fault("shared-registry")
    def test_down(self, shared: Shared, registry: Registry) -> None:
        registry.stop()
        for host in self.HOSTS:
            assert "does not reach the registry" in shared.reason(registry.ref("cache:1"), host)
        registry.start()

    @pytest.mark.fault("shared-registry")
    def test_silent(
        self, shared: Shared, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shared_cache, "ASK_SECONDS", 4.0)
        registry.pause()
        for host in self.HOSTS:
            assert "does not answer within 4 s" in shared.reason(registry.ref("cache:1"), host)
            assert shared.sharing[host].processes() == []
        registry.resume()

    @pytest.mark.fault("shared-damaged")
    def test_a_lost_part(self, shared: Shared, registry: Registry) -> None:
        ask = ("buildx", "imagetools", "inspect", "--raw", registry.ref("cache:1"))
        manifest = json.loads(shared.sharing["new"].docker(*ask).stdout)
        lose(registry, manifest["config"]["digest"])
        for host in self.HOSTS:
            assert "has lost a part" in shared.reason(registry.ref("cache:1"), host)

    @pytest.mark.fault("shared-registry")
    def test_a_login_is_asked_for(self, shared: Shared) -> None:
        with Registry.of(shared.sharing["new"], login=True) as registry:
            for host in self.HOSTS:
                assert "docker login" in shared.reason(registry.ref("cache:1"), host)
            registry.log_in(shared.sharing["new"])
            try:
                assert "the registry has no" in shared.reason(registry.ref("cache:1"), "new")
            finally:
                registry.log_out(shared.sharing["new"])


def lose(registry: Registry, digest: str) -> None:
    """Lose one blob's content, as a broken disk would."""
    name = digest.removeprefix("sha256:")
    blobs = registry.folder / "data/docker/registry/v2/blobs/sha256"
    (blobs / name[:2] / name / "data").unlink()
