"""A surprise: a folder with two builds, what is prepared for them, and what is expected of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from cachetui.findings import Finding
from tests.lab import Lab
from tests.surprises.stage import HOSTS, Stage

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Surprise:
    """A folder `tests/surprises/ID`: `surprise/` and `near/` are builds, `case.py` says what is
    prepared (`play(stage, part)`) and undone (`undo(stage)`), on which hosts it is expected
    (`EXPECTED`, in `surprise/`; in `near/` on none), why it cannot be on the others (`NOT_THERE`,
    host → why, for the table of engines alone), and what a finding must say
    (`check(finding, host)`). Each host is judged as if alone, too."""

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
    def check(self) -> Callable[[Finding, str], None] | None:
        check: Callable[[Finding, str], None] | None = getattr(self.case, "check", None)
        return check

    @contextmanager
    def played(self, part: str, lab: Lab, folder: Path) -> Iterator[Stage]:
        """The stage on which a part was just played, its files below `folder`; what it prepared
        on the hosts is undone afterwards."""
        stage = Stage(lab, self.folder / part, folder)
        try:
            self.case.play(stage, part)
            yield stage
        finally:
            if hasattr(self.case, "undo"):
                self.case.undo(stage)


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
