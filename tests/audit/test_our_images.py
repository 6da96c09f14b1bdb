"""Which images of a host our builds made, and which of them can go."""

from __future__ import annotations

import pytest

from cachetui.audit.our_images import (
    HostImage,
    OurImages,
    UnprintedSteps,
    find_ours,
    find_unread,
)
from cachetui.builders.legacy_images import Trail
from cachetui.dockerfile.parse import parse

TAGS = ("cachetui:1-cold",)


def images(**parents: str) -> dict[str, HostImage]:
    return {f"sha256:{name}": HostImage(f"sha256:{above}") for name, above in parents.items()}


CHAIN = images(cc="bb", bb="aa", aa="old")


def test_a_trail_has_as_many_images_as_steps_that_missed() -> None:
    found = find_ours(CHAIN, CHAIN.keys(), [Trail("cc", 2)], [], TAGS)
    assert found.ours == {"sha256:cc", "sha256:bb"}
    assert found.removable(CHAIN, TAGS) == ["sha256:cc", "sha256:bb"]


def test_what_was_there_before_is_not_ours() -> None:
    assert find_ours(CHAIN, {"sha256:cc"}, [Trail("cc", 3)], [], TAGS).ours == {"sha256:cc"}
    assert find_ours(CHAIN, CHAIN.keys(), [Trail("", 3), Trail("dd", 3)], [], TAGS).ours == set()


def test_what_a_build_pulled_goes_with_its_name() -> None:
    chain = {**CHAIN, "sha256:aa": HostImage("", ("base:1",))}
    found = find_ours(chain, chain.keys(), [Trail("cc", 2, pulled=True)], [], TAGS)
    assert found.removable(chain, TAGS) == ["sha256:cc", "sha256:bb", "sha256:aa"]


@pytest.mark.fault("anothers-images")
def test_an_image_that_another_named_or_built_on_stays_with_all_above_it() -> None:
    ours = OurImages({"sha256:aa", "sha256:bb", "sha256:cc"})
    assert ours.removable({**CHAIN, **images(dd="bb")}, TAGS) == ["sha256:cc"]
    named = {**CHAIN, "sha256:bb": HostImage("sha256:aa", ("theirs:1", *TAGS))}
    assert ours.removable(named, TAGS) == ["sha256:cc"]
    tagged = {**CHAIN, "sha256:cc": HostImage("sha256:bb", TAGS)}
    assert ours.removable(tagged, TAGS) == ["sha256:cc", "sha256:bb", "sha256:aa"]


STEPS = parse("FROM x\nCOPY a /a\nCOPY b /b\nRUN make\n").stages[0].instructions[1:]
COPY_A, COPY_B = ("/bin/sh -c #(nop) COPY file:1 in /a ", "/bin/sh -c #(nop) COPY file:2 in /b ")


def made(**texts: str) -> dict[str, HostImage]:
    """Each image stands on the one before it, the first on sha256:base."""
    above, found = "sha256:base", {}
    for name, text in texts.items():
        found[f"sha256:{name}"] = HostImage(above, (), text)
        above = f"sha256:{name}"
    return found


def test_what_was_not_printed_is_found_by_what_made_it() -> None:
    there = made(aa=COPY_A, bb=COPY_B, cc="/bin/sh -c other")
    run = UnprintedSteps("sha256:base", STEPS)
    assert find_ours(there, there.keys(), [], [run], TAGS).ours == {"sha256:aa", "sha256:bb"}


@pytest.mark.fault("anothers-images")
def test_two_that_may_be_ours_both_stay() -> None:
    there = {**made(aa=COPY_A), **made(dd=COPY_A)}
    found = find_ours(there, there.keys(), [], [UnprintedSteps("sha256:base", STEPS)], TAGS)
    assert (found.ours, found.unsure) == (set(), {"sha256:aa", "sha256:dd"})


def test_a_hit_is_passed_and_stays() -> None:
    there = made(aa=COPY_A, bb=COPY_B)
    run = UnprintedSteps("sha256:base", STEPS, hits=1)
    assert find_ours(there, {"sha256:bb"}, [], [run], TAGS).ours == {"sha256:bb"}


def test_what_was_made_after_the_last_that_was_read() -> None:
    def ours(there: dict[str, HostImage], known: set[str]) -> OurImages:
        found = OurImages({f"sha256:{name}" for name in known})
        find_unread(there, there.keys(), found, STEPS, TAGS)
        return found

    there = made(aa=COPY_A, bb=COPY_B, cc="/bin/sh -c make")
    assert ours(there, {"aa"}).ours == there.keys()
    assert ours(there, set()).ours == there.keys()  # the first stands on what was there before
    others = made(aa=COPY_A, bb="/bin/sh -c other", cc="/bin/sh -c make")
    assert ours(others, {"aa"}).ours == {"sha256:aa"}
    named = {**there, "sha256:bb": HostImage("sha256:aa", ("theirs:1",), COPY_B)}
    assert ours(named, {"aa"}).ours == {"sha256:aa"}
    twins = {**there, "sha256:dd": HostImage("sha256:aa", (), COPY_B)}
    found = ours(twins, {"aa"})
    assert found.ours == {"sha256:aa"}
    assert found.unsure == {"sha256:bb", "sha256:dd"}
