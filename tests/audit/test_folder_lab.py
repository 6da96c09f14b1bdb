"""What stays of an audit on a host is named in its report, and gone after `cachetui clean`."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from cachetui.report.passages import LEFT, passages
from tests.audit.test_left_lab import clean
from tests.audits import audit, core_of
from tests.lab import Lab
from tests.lab.state import State
from tests.sample_builds import folder

pytestmark = pytest.mark.lab

NAMES = ("old", "ctd")


@pytest.mark.takes_turns
@pytest.mark.fault("folder-on-host")
@pytest.mark.parametrize("end", ["true", "exit 3"])
def test_the_context_is_told_and_cleaned_up(lab: Lab, tmp_path: Path, end: str) -> None:
    clean(lab, tmp_path / "s", "--yes")
    before = {name: State.of(lab[name]) for name in NAMES}
    build = folder(tmp_path / "b", f"FROM base:1\nCOPY . /src\nRUN echo {random.random()}; {end}\n")
    scenarios = ("legacy-cold", "buildkit-cold")
    document = audit(core_of(lab, tmp_path / "s"), build, NAMES, scenarios=scenarios)
    (told,) = [passage.lines for passage in passages(document) if passage.heading == LEFT]
    assert re.match(r"the build context \(\d+ B\) in ~/.cache/cachetui on old,ctd, ", told[-1])
    digest = document.build.context_digest.removeprefix("sha256:")
    for name in NAMES:
        state = State.of(lab[name])
        assert (state.docker, state.unfinished) == (before[name].docker, frozenset())
        assert {path.split("/")[1] for path in state.folder[1:]} == {digest}
    shown = clean(lab, tmp_path / "s", "--yes").stdout
    assert all(f"{name}: context " in shown for name in NAMES)
    assert {name: State.of(lab[name]) for name in NAMES} == before
