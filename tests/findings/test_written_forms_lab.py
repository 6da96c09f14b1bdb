"""Which writings of a line have one key on real engines: each pair of `writings` once a week."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest

from cachetui.builders.registry import parser_for
from cachetui.builders.step_map import StepMap
from cachetui.dockerfile.parse import parse
from cachetui.records.backend import Backend
from tests.audits import typed
from tests.findings.writing import Writing
from tests.findings.writings import FILES, WRITINGS
from tests.lab import Lab
from tests.lab.host import Host
from tests.turns import DAYS

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

ENGINES = ("old", "mid", "new", "ctd")
NOT_ON_20_10 = ("<<", "--link", "--network", "--retries=0", "--interval=0", "${B-1}", ",size=")
"""What 20.10 does not build."""


@pytest.mark.usefixtures("others_images_go")
@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("share", range(DAYS))
def test_an_engine_has_one_key_for_them(
    lab: Lab, name: str, backend: Backend, share: int, tmp_path: Path
) -> None:
    column = 2 + (backend == "buildkit")
    pairs = {pair: one for pair, one in shared(name, share) if one[column] is not None}
    if name == "old":
        pairs = {p: one for p, one in pairs.items() if not _mentions(one, NOT_ON_20_10)}
    kept = hits_of_second(lab[name], backend, tmp_path, pairs)
    expected = {pair: one.but.get(f"{name}-{backend}", one[column]) for pair, one in pairs.items()}
    assert kept == expected


def shared(name: str, share: int) -> list[tuple[str, Writing]]:
    """The pairs of one engine and day: each is of one engine, one that is not the same on all
    engines of every one."""
    return [
        (pair, one)
        for number, (pair, one) in enumerate(WRITINGS.items())
        if (one.but or number % len(ENGINES) == ENGINES.index(name))
        and number // len(ENGINES) % DAYS == share
    ]


def _mentions(pair: Writing, words: tuple[str, ...]) -> bool:
    return any(word in pair.then + pair.now for word in words)


def hits_of_second(
    host: Host, backend: Backend, folder: Path, pairs: Mapping[str, Writing]
) -> dict[str, bool]:
    """Builds both sides of the pairs, one after the other; whether all steps of the second hit."""
    for path, text in FILES.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    salt = uuid.uuid4().hex[:8]
    for turn in (0, 1):
        found = hits(host, backend, folder, file_of(pairs, turn, salt, backend))
    return {pair: found[f"s{number}"] for number, pair in enumerate(pairs)}


def file_of(pairs: Mapping[str, Writing], turn: int, salt: str, backend: Backend) -> str:
    """A Dockerfile with a stage for each pair; BuildKit builds none that is not needed, and has a
    setting in the key of a RUN below it."""
    stages = ["FROM base:1 AS zero\nRUN true\n"]
    for number, pair in enumerate(pairs.values()):
        own = f"{salt}{number}"
        lines = (pair.then, pair.now)[turn].replace("@", own)
        below = f"RUN echo {own}\n" if backend == "buildkit" and not _has_key(pair) else ""
        stages.append(f"FROM base:1 AS s{number}\nWORKDIR /w/{own}\n{lines}\n{below}")
    if backend == "buildkit":
        copies = (f"COPY --from=s{number} /bin/busybox /{number}" for number in range(len(pairs)))
        stages.append("\n".join(["FROM base:1", *copies, ""]))
    return "".join(stages)


def _has_key(pair: Writing) -> bool:
    """Whether the last instruction has a key of its own to BuildKit, with all that is above it."""
    lasts = [one.rsplit("\n", 1)[-1].split()[0] for one in (pair.then, pair.now)]
    return "<<" in pair.now or all(word.upper() in ("RUN", "COPY", "ADD") for word in lasts)


def hits(host: Host, backend: Backend, folder: Path, text: str) -> dict[str, bool]:
    """Whether all steps of each stage hit, by the stage's name."""
    (folder / "Dockerfile").write_bytes(text.encode())
    output = parser_for("legacy" if backend == "legacy" else "plain")
    file = parse(text)
    steps = StepMap(file, None, backend, {}, {})
    for event in (*output.feed(typed(host, folder, backend).encode(), 1.0), *output.close(1.0)):
        steps.apply(event)
    found = {stage.name or "": True for stage in file.stages}
    for step in steps.steps(final=True, run_failed=False):
        stage = file.stages[step.stage_index].name if step.stage_index >= 0 else None
        if step.status == "miss" and step.keyword != "FROM":
            found[stage or ""] = False
    return found
