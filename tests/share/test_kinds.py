"""Which host can export or import which kind."""

import pytest

from cachetui.records.host import HostFacts
from cachetui.share.kinds import KINDS, export_obstacle, import_obstacle, kind_named

MAX, MIN, LOCAL, INLINE = KINDS


def facts(store: str = "overlay2", buildx: str | None = "0.29.1", **more: object) -> HostFacts:
    values: dict[str, object] = {
        "engine": "28.5.2",
        "api": "1.51",
        "client": "28.5.2",
        "platform": "linux/amd64",
        "backends": ("buildkit",),
        **more,
    }
    return HostFacts(store=store, buildx=buildx, **values)  # type: ignore[arg-type]


def test_a_graph_driver_exports_inline_only() -> None:
    assert export_obstacle(INLINE, facts(), "r/c") is None
    for kind in (MAX, MIN, LOCAL):
        obstacle = export_obstacle(kind, facts(), "r/c")
        assert obstacle is not None
        assert "overlay2" in obstacle.reason
        assert "containerd-snapshotter" in obstacle.remedy


def test_the_containerd_store_exports_all() -> None:
    assert [export_obstacle(k, facts("containerd/overlayfs"), "r/c") for k in KINDS] == [None] * 4


def test_without_a_registry_only_a_folder_is_shared() -> None:
    with_containerd = facts("containerd/overlayfs")
    for kind in (MAX, MIN, INLINE):
        obstacle = export_obstacle(kind, with_containerd, None)
        assert obstacle is not None
        assert "--registry" in obstacle.remedy
        assert import_obstacle(kind, with_containerd, None) is not None
    assert export_obstacle(LOCAL, with_containerd, None) is None


def test_without_buildx_no_folder_is_read() -> None:
    old = facts(buildx=None)
    obstacle = import_obstacle(LOCAL, old, None)
    assert obstacle is not None
    assert "buildx" in obstacle.remedy
    assert import_obstacle(INLINE, old, "r/c") is None
    assert INLINE.import_words("r/c:1", "/f", buildx=False) == ("--cache-from", "r/c:1")


@pytest.mark.parametrize("kind", KINDS)
def test_without_buildkit_nothing_is_shared(kind: object) -> None:
    legacy = facts(backends=("legacy",), missing={"buildkit": "needs buildx"})
    one = kind_named(getattr(kind, "name", ""))
    for obstacle in (export_obstacle(one, legacy, "r/c"), import_obstacle(one, legacy, "r/c")):
        assert obstacle is not None
        assert "needs buildx" in obstacle.reason


def test_the_options_are_dockers() -> None:
    assert MAX.export_words("r/c:1", "") == ("--cache-to", "type=registry,ref=r/c:1,mode=max")
    assert MIN.export_words("r/c:1", "") == ("--cache-to", "type=registry,ref=r/c:1,mode=min")
    assert LOCAL.export_words("", "/f") == ("--cache-to", "type=local,dest=/f,mode=max")
    assert LOCAL.import_words("", "/f", buildx=True) == ("--cache-from", "type=local,src=/f")
