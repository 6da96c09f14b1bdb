"""The surprises of the folder, and the table that the docs have of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from tests.lab import Lab
from tests.surprises import table
from tests.surprises.stage import HOSTS, PARTS, Stage

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Surprise:
    """A folder `tests/surprises/ID`: `surprise/` and `near/` are builds, `case.py` says what is
    prepared (`play(stage, part)`), on which hosts it is expected (`EXPECTED`), and on which it
    cannot be (`NOT_THERE`, host → why)."""

    id: str
    folder: Path
    case: ModuleType

    @property
    def expected(self) -> tuple[str, ...]:
        return tuple(getattr(self.case, "EXPECTED", HOSTS))

    @property
    def not_there(self) -> dict[str, str]:
        return dict(getattr(self.case, "NOT_THERE", {}))

    @property
    def play(self) -> Callable[[Stage, str], None]:
        play: Callable[[Stage, str], None] = self.case.play
        return play


def surprises() -> list[Surprise]:
    """All that there are, by id."""
    found: list[Surprise] = []
    for folder in sorted(HERE.iterdir()):
        file = folder / "case.py"
        if not file.exists():
            continue
        spec = importlib.util.spec_from_file_location(f"surprise_{folder.name}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found.append(Surprise(folder.name, folder, module))
    return found


@pytest.fixture
def stage(lab: Lab, surprise: Surprise, part: str, tmp_path: Path) -> Iterator[Stage]:
    """The stage of one part of a surprise; what it prepared on the hosts is undone."""
    made = Stage(lab, surprise.folder / part, tmp_path)
    try:
        yield made
    finally:
        undo = getattr(surprise.case, "undo", None)
        if undo is not None:
            undo(made)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {"surprise", "part"} <= set(metafunc.fixturenames):
        pairs = [(one, part) for one in surprises() for part in PARTS]
        ids = [f"{one.id}-{part}" for one, part in pairs]
        metafunc.parametrize(("surprise", "part"), pairs, ids=ids)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """After a run of all surprises the docs' table is written anew."""
    table.write(session, [one.id for one in surprises()])
