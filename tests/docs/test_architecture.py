"""docs/architecture.md says what the import contract says, and names what exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.console import ROOT, pages

PAGE = ROOT / "docs" / "architecture.md"

_PATH = re.compile(
    r"(?<![\w/~.-])(?:(?:cachetui|tests|docs|benchmarks|\.github|\.ci)/[\w./-]*\w"
    r"|(?:[A-Z]{4,}\.md|pyproject\.toml|hosts\.example\.toml|requirements[\w-]*\.lock))"
)
_TEST = re.compile(r"\b((?:tests/[\w/]+/)?test_\w+\.py)((?:::\w+)*)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def layers_of_contract() -> list[set[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["name"] == "Layers")
    return [{room.strip() for room in layer.split(":")} for layer in layers]


def test_the_picture_is_the_import_contract() -> None:
    picture = re.search(r"```mermaid\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert picture
    drawn = re.findall(r"subgraph (\w+) .*?\n(.*?)\n    end", picture[1], re.DOTALL)
    rooms = [set(re.findall(r"^ +(\w+)\[", body, re.MULTILINE)) for _, body in drawn]
    assert rooms == layers_of_contract()
    assert " --> ".join(name for name, _ in drawn) in picture[1]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    missing = [path for path in _PATH.findall(page.read_text("utf-8")) if not exists(path)]
    assert not missing


def exists(path: str) -> bool:
    """Whether a file or folder exists; NAME in a path stands for any."""
    return any(ROOT.glob(path.replace("NAME", "*")))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    files = {str(path.relative_to(ROOT)): path for path in (ROOT / "tests").rglob("test_*.py")}
    for name, members in _TEST.findall(page.read_text("utf-8")):
        found = [path for path in files if path == name or path.endswith(f"/{name}")]
        assert len(found) == 1, f"{name}: {found}"
        text = files[found[0]].read_text("utf-8")
        for member in members.split("::")[1:]:
            assert re.search(rf"^ *(?:async )?(?:def|class) {member}\b", text, re.MULTILINE), (
                f"{name} has no {member}"
            )


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text("utf-8")):
        if link.startswith(("http:", "https:")):
            continue
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}
