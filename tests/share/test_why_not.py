"""Why an import kept nothing, by what is known of two engines."""

import msgspec

from cachetui.dockerfile.parse import parse
from cachetui.records.host import HostFacts
from cachetui.records.share import Kept, KeptStep
from cachetui.share.why_not import why_not_kept

FILE = parse("FROM base:1\nCOPY x /x\nRUN a\nRUN b\n")
NEW = HostFacts(
    engine="28.5.2",
    api="1.51",
    client="28.5.2",
    store="overlay2",
    platform="linux/amd64",
    backends=("buildkit",),
    bases={"base:1": ("sha256:layer",)},
)
CONTAINERD = msgspec.structs.replace(NEW, store="containerd/overlayfs")
OLD = msgspec.structs.replace(NEW, engine="20.10.24+dfsg1")


def notes(
    first: Kept,
    second: Kept,
    source: HostFacts = NEW,
    facts: HostFacts = NEW,
    mode: str = "max",
    resolved: tuple[str, ...] = (),
    resolved_there: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """What is said where the two RUN steps were kept like this."""
    kept: tuple[Kept, ...] = ("spared", first, second)
    steps = [KeptStep(stage_index=0, index=n, kept=k) for n, k in enumerate(kept, 1)]
    return why_not_kept(
        FILE, steps, source, facts, mode=mode, resolved=resolved, resolved_there=resolved_there
    )


def test_engines_of_two_generations() -> None:
    (note,) = notes("not-kept", "not-kept", facts=OLD)
    assert "20.10.24" in note
    assert "28.5.2" in note
    assert notes("not-kept", "not-kept", source=OLD)
    assert notes("not-kept", "not-kept", source=OLD, facts=OLD) == ()


def test_nothing_is_said_where_a_run_was_kept() -> None:
    assert notes("not-kept", "kept", facts=OLD) == ()
    assert notes("spared", "kept", source=CONTAINERD) == ()


def test_a_base_that_the_host_has_itself_beside_one_of_a_registry() -> None:
    (note,) = notes("not-kept", "not-kept", source=CONTAINERD)
    assert "the host has base:1 as an image of its own" in note
    assert "--pull on both hosts" in note
    assert notes("kept", "not-kept", source=CONTAINERD) == (note,)
    assert notes("kept", "not-kept", source=CONTAINERD, mode="min") == ()
    assert notes("not-kept", "not-kept", source=CONTAINERD, resolved=("base:1",)) == ()
    assert notes("not-kept", "not-kept", source=CONTAINERD, facts=CONTAINERD) == ()
    assert notes("not-kept", "not-kept", resolved_there=("base:1",)) == (note,)
    assert notes("not-kept", "not-kept") == ()


def test_the_host_that_exported_need_not_have_the_image() -> None:
    none = msgspec.structs.replace(CONTAINERD, bases={"base:1": None})
    assert notes("not-kept", "not-kept", source=none)


def test_a_base_of_the_host_that_exported() -> None:
    (note,) = notes("not-kept", "not-kept", facts=CONTAINERD)
    assert "the host that exported has base:1 as an image of its own" in note
    assert notes("not-kept", "not-kept", resolved=("base:1",)) == (note,)


def test_other_layers_are_another_image() -> None:
    other = msgspec.structs.replace(NEW, bases={"base:1": ("sha256:other",)})
    assert notes("not-kept", "not-kept", source=CONTAINERD, facts=other) == ()
