"""Which images a legacy build made, by its output."""

from __future__ import annotations

from collections.abc import Sequence

from cachetui.builders.legacy_images import LegacyImages, LegacyMade, Trail
from cachetui.builders.legacy_output import LegacyParser
from cachetui.builders.step_map import StepMap
from cachetui.dockerfile.parse import parse

HEAD = "Sending build context to Docker daemon  3.072kB\n"
SIX = ("ENV A=1", "COPY f /f", "RUN echo t", "ADD f /g", "WORKDIR /w", "LABEL l=1")
BASE, IMAGE, OTHER, BOX, CUP = "b" * 12, "a" * 12, "c" * 12, "1" * 12, "2" * 12


def made(
    dockerfile: str,
    output: str,
    triggers: Sequence[str] | None = None,
    *,
    cut: bool = False,
    restores: bool = False,
) -> LegacyMade:
    """What a build with this output made; `cut`: it was ended from outside."""
    known = {"onb:1": triggers} if triggers is not None else {}
    steps = StepMap(parse(dockerfile), None, "legacy", {}, known)
    images = LegacyImages(steps.dockerfile, steps.step_of, restores)
    parser = LegacyParser()
    for event in [*parser.feed((HEAD + output).encode(), 1.0), *parser.close(2.0)]:
        steps.apply(event)
        images.apply(event)
    return images.made(steps.triggers_of, cut=cut)


def ran(container: str, log: str = "") -> str:
    return f" ---> Running in {container}\n{log}Removing intermediate container {container}\n"


ENDED = f" ---> {IMAGE}\nSuccessfully built {IMAGE}\n"


def test_what_missed_is_made_and_what_hit_is_not() -> None:
    output = (
        f"Step 1/4 : FROM base:1\n ---> {BASE}\nStep 2/4 : ENV A=1\n ---> Using cache\n"
        f" ---> {OTHER}\nStep 3/4 : COPY f /f\n ---> {CUP}\nStep 4/4 : RUN x\n{ran(BOX)}{ENDED}"
    )
    text = "FROM base:1\nENV A=1\nCOPY f /f\nRUN x\n"
    found = made(text, output)
    assert found == LegacyMade((Trail(CUP, 1), Trail(IMAGE, 1)))
    restored = made(text, output, restores=True)
    assert restored.trails[0] == Trail(OTHER, 1)


def test_a_from_prints_its_last_trigger() -> None:
    start = "Step 1/1 : FROM onb:1\n# Executing 6 build triggers\n"
    assert made("FROM onb:1\n", f"{start}{ran(BOX)}{ran(CUP)}{ENDED}").trails == (Trail(IMAGE, 6),)
    hits = " ---> Using cache\n" * 2
    assert made("FROM onb:1\n", f"{start}{hits}{ran(BOX)}{ENDED}").trails == (Trail(IMAGE, 4),)
    assert made("FROM onb:1\n", start + " ---> Using cache\n" * 6 + ENDED).trails == ()


def test_a_base_that_was_pulled_is_told() -> None:
    pulled = "1: Pulling from b\nStatus: Downloaded newer image for base:1\n"
    first = f"Step 1/1 : FROM base:1\n{pulled}{ENDED}"
    assert made("FROM base:1\n", first).trails == (Trail(IMAGE, 0, pulled=True),)


def test_the_label_of_an_option_is_a_step_of_the_last_stage() -> None:
    output = f"Step 1/2 : FROM base:1\n ---> {BASE}\nStep 2/2 : LABEL a=b\n{ran(BOX)}{ENDED}"
    assert made("FROM base:1\n", output).trails == (Trail(IMAGE, 1),)


FAILED = "The command '/bin/sh -c echo t' returned a non-zero code: 1\n"


def test_a_trigger_that_fails_stands_on_what_its_container_was_created_from() -> None:
    output = (
        f"Step 1/2 : FROM onb:1\n# Executing 6 build triggers\n{ran(BOX)}"
        f" ---> Running in {CUP}\n{FAILED}"
    )
    found = made("FROM onb:1\nLABEL x=1\n", output, SIX)
    assert found.trails == (Trail(CUP, 2, of_container=True),)
    assert found.container == CUP
    assert found.unprinted is not None
    assert [item.keyword for item in found.unprinted.steps] == ["ENV", "COPY"]
    unknown = made("FROM onb:1\nLABEL x=1\n", output)
    assert (unknown.trails, unknown.unprinted) == ((Trail(CUP, 5, of_container=True),), None)


def test_a_copy_trigger_that_fails_comes_after_what_ran() -> None:
    output = (
        f"Step 1/2 : FROM onb:1\n# Executing 6 build triggers\n{ran(BOX)}{ran(CUP)}"
        "ADD failed: file not found in build context or excluded by .dockerignore: stat f: file "
        "does not exist\n"
    )
    found = made("FROM onb:1\nLABEL x=1\n", output, SIX).unprinted
    assert found is not None
    assert (found.base, found.hits, found.container, found.at) == ("onb:1", 0, CUP, 2)
    assert len(found.steps) == 6


def test_a_copy_at_work_when_the_build_was_stopped_may_have_been_made() -> None:
    output = f"Step 1/2 : FROM base:1\n ---> {BASE}\nStep 2/2 : COPY f /f\n"
    text = "FROM base:1\nCOPY f /f\n"
    assert made(text, output).unprinted is None
    found = made(text, output, cut=True).unprinted
    assert found is not None
    assert (found.base, [item.text for item in found.steps]) == (BASE, ["COPY f /f"])


def test_triggers_of_a_stage_stand_on_its_last_image() -> None:
    text = "FROM base:1 AS one\nONBUILD COPY f /f\nONBUILD COPY g /g\nFROM one\n"
    output = (
        f"Step 1/4 : FROM base:1 AS one\n ---> {BASE}\nStep 2/4 : ONBUILD COPY f /f\n{ran(BOX)}"
        f" ---> {OTHER}\nStep 3/4 : ONBUILD COPY g /g\n{ran(BOX)} ---> {IMAGE}\n"
        "Step 4/4 : FROM one\n# Executing 2 build triggers\nCOPY failed: stat g: no such file\n"
    )
    found = made(text, output)
    assert found.trails == (Trail(OTHER, 1), Trail(IMAGE, 1))
    assert found.unprinted is not None
    assert found.unprinted.base == IMAGE
