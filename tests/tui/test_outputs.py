"""Outputs: "same image?" in one screen, and the one file that differs found in three keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cachetui.core import Core
from cachetui.outputs.run_contents import keep_problem
from cachetui.tui.screens.file_diff import FileDiffScreen
from cachetui.tui.screens.outputs import OutputsPlace
from tests.outputs.audits import Fleet
from tests.outputs.tars import tar
from tests.tui.driving import Driver, drive
from tests.tui.test_hostile import HOSTILE, assert_clean


def made(content: bytes, **more: Any) -> bytes:
    return tar(("out", {"content": content, **more}), ("same", b"same"))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Four hosts, two alike but for times, one with another file, one with another mode too."""
    layers = {
        "h1": made(b"result\n", mtime=1),
        "h2": made(b"result\n", mtime=2),
        "h3": made(b"another\n"),
        "h4": made(b"result\n", mode=0o600),
    }
    return Fleet(tmp_path_factory.mktemp("fleet"), layers, copies=True)


class KeptCore(Core):
    """A core that has what `drive` needs besides."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(fleet.settings, fleet.store)
        self.document = fleet.document
        self.audit = None


def story_of(fleet: Fleet, story: Any, **options: Any) -> None:
    core: Any = KeptCore(fleet)
    drive(story, core, opened=False, audit=fleet.document.audit, **options)


async def to_outputs(d: Driver) -> OutputsPlace:
    await d.until(lambda: d.app.session.document is not None, "the document")
    await d.press("l", "i")
    await d.place("outputs")
    await d.see("differ from h1")
    assert isinstance(d.app.screen, OutputsPlace)
    return d.app.screen


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_the_same_image_for_four_hosts_in_one_screen(fleet: Fleet, size: tuple[int, int]) -> None:
    async def story(d: Driver) -> None:
        await to_outputs(d)
        assert "≠ 2 of 4 images differ from h1 buildkit-cold" in d.text()
        assert "ignored: times of 1 path" in d.text()
        heading = d.line("A h[1-2]")
        assert heading.index("B h3") < heading.index("C h4")
        step, path = d.line("RUN make"), d.line(" out ")
        assert "≠ content 1" in step
        assert "± metadata 1" in step
        assert [part in path for part in ("7 B", "≠ 8 B", "± mode 600")] == [True] * 3
        assert "same" not in d.text().replace("= same", "")

    story_of(fleet, story, size=size)


def test_the_file_that_differs_in_three_keys(fleet: Fleet) -> None:
    """Two from Fleet: the images of the scenario under the cursor, then the file."""

    async def story(d: Driver) -> None:
        await to_outputs(d)
        await d.press("enter")
        await d.see("text; 1 of 1 lines differ", "- result", "+ another", "h3 buildkit-cold")
        assert "line 3 RUN make" in d.text()
        await d.press("escape")
        assert isinstance(d.app.screen, OutputsPlace)

    story_of(fleet, story)


def test_all_steps_times_and_other_baselines(fleet: Fleet) -> None:
    async def story(d: Driver) -> None:
        place = await to_outputs(d)
        await d.press("a")
        await d.see("COPY app /app", "= identical")
        await d.press("a", "s")
        await d.see("3 of 4 images differ", "≈ time")
        await d.press("s")
        await d.see("2 of 4 images differ")
        await d.press("g", "j", "B")
        await d.see("differ from h3")
        assert place.report is not None
        assert place.report.baseline == "h3 buildkit-cold"
        await d.press("g", "enter")
        await d.not_see(" out ")
        await d.press("enter", "n")
        assert place.node is not None
        assert place.node.path == "out"

    story_of(fleet, story)


def test_chosen_images_from_marks_and_from_the_list(fleet: Fleet) -> None:
    async def story(d: Driver) -> None:
        await d.until(lambda: d.app.session.document is not None, "the document")
        await d.press("l", "space", "space", "i")
        await d.place("outputs")
        await d.see("= the 2 images are the same", "No differences (timestamps ignored)")
        await d.press("b")
        await d.see("Compare which images?", "all images")
        await d.press("enter")
        await d.see("2 of 4 images differ")

    story_of(fleet, story)


def test_a_file_that_cannot_be_had_any_more_says_so(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, {"h1": made(b"1"), "h2": made(b"2")})
    for host in fleet.hosts.values():
        host.forget()

    async def story(d: Driver) -> None:
        await to_outputs(d)
        await d.press("enter")
        await d.see("its image is gone, and no copy", "run the audit again with --outputs")
        assert isinstance(d.app.screen, FileDiffScreen)

    story_of(fleet, story)


def test_images_that_were_not_looked_at(fleet: Fleet) -> None:
    runs = tuple(msgspec.structs.replace(run, id=f"{run.id}-x") for run in fleet.document.runs)
    document = msgspec.structs.replace(fleet.document, audit="a2", runs=runs)
    for run in runs:
        fleet.store.keep_run(run)
    fleet.store.keep_audit(document)

    async def story(d: Driver) -> None:
        await d.until(lambda: d.app.session.document is not None, "the document")
        await d.press("7")
        await d.see("were not read", f"cachetui run {document.build.name} --outputs")

    drive(story, KeptCore(fleet), opened=False, audit="a2")  # type: ignore[arg-type]


def test_images_that_could_not_be_read_are_told_with_the_reason(fleet: Fleet) -> None:
    runs = tuple(msgspec.structs.replace(run, id=f"{run.id}-y") for run in fleet.document.runs)
    document = msgspec.structs.replace(fleet.document, audit="a3", runs=runs)
    for run in runs:
        fleet.store.keep_run(run)
        keep_problem(fleet.store, run.id, f"no python3 and no docker save {HOSTILE}")
    fleet.store.keep_audit(document)

    async def story(d: Driver) -> None:
        await d.until(lambda: d.app.session.document is not None, "the document")
        await d.press("7")
        await d.see("None of these images can be compared.", "no python3 and no docker save")
        assert "cachetui run" not in d.text()
        assert "Read images" not in d.text(), "they were asked for"

    drive(story, KeptCore(fleet), opened=False, audit="a3")  # type: ignore[arg-type]


@pytest.mark.fault("file-names")
@pytest.mark.parametrize("size", [(80, 24), (160, 50), (40, 10)])
def test_hostile_names_and_contents_are_cleaned(tmp_path: Path, size: tuple[int, int]) -> None:
    name = HOSTILE.replace("\0", "").replace("/", "|")
    layers = {
        host: tar((name, f"{text} {HOSTILE}".encode()), format=2)
        for host, text in (("h1", "one"), ("h2", "two"))
    }
    fleet = Fleet(tmp_path, layers, copies=True)

    async def story(d: Driver) -> None:
        place = await to_outputs(d)
        assert_clean(d.text().replace("\\x1b]52;c;ZXZpbA", ""))  # shown as text, escaped
        assert len(place.query("#tree")) == 1
        await d.press("enter")
        await d.see("one" if size[1] > 20 else "line 3")
        assert_clean(d.text().replace("\\x1b]52;c;ZXZpbA", ""))  # shown as text, escaped

    story_of(fleet, story, size=size)
