"""The skeleton of a rule: its module, its surprise, its near miss and its rows in the docs.

`make rule NAME=some-name` runs it. The tests then fail and list what is left to fill in.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from cachetui.findings import RULES

ROOT = Path(__file__).parents[2]
FILL_IN = "FILL IN"
NOT_PLAYED = "not played yet"

MODULE = '''\
"""FILL IN: the surprise in one sentence."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.case import Case
from cachetui.findings.claim import Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import describe
from cachetui.records.step import StepId


def observe(case: Case) -> Iterator[Claim]:
    """FILL IN: what the claim rests on. A rule that says why a step missed has `explain` (see
    base_drift.py) in place of this; one about hosts goes through case.document.hosts and has
    steps=() (see platform_differs.py)."""
    for item in case.instructions("FILL IN: the keyword, as RUN"):
        yield Claim(
            title=f"FILL IN: what is surprising about line {item.line}",
            confidence="possible",
            steps=(StepId(item.stage_index, item.index),),
            evidence=(Evidence(kind="dockerfile", text=describe(item)),),
            advice="FILL IN: what to do, with the line",
            hosts=tuple(dict.fromkeys(run.host for run in case.runs)),
            backends=tuple(dict.fromkeys(run.backend for run in case.runs)),
        )


RULE = Rule(
    id="@ID@",
    order=@ORDER@,
    title="FILL IN: the surprise as a headline",
    surprise="FILL IN: what surprises, and why it is so.",
    needs="FILL IN: the runs and facts without which the rule is silent.",
    applies="FILL IN: when it is reported.",
    proves="FILL IN: what makes it proved.",
    advises="FILL IN: what to do about it, in a few words.",
    written=("FILL IN: the source of the mechanism, and the engines that it was tried on",),
    example="FROM busybox\\nRUN echo FILL IN: a small Dockerfile that shows it\\n",
    try_it="FILL IN: what to type.",
    paid=None,  # FILL IN: when the seconds of its claims are paid, where it claims any
    observe=observe,
)
'''

CASE = '''\
"""FILL IN: what the surprise is; what the near miss does instead."""

from __future__ import annotations

from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    """FILL IN: the audits that show it; hosts on which it cannot be are left out of EXPECTED and
    get their reason in NOT_THERE (see tests/surprises/surprise.py)."""
    stage.audit("buildkit-as-found")
'''

DOCKERFILE = "# FILL IN: {what}\nFROM base:1\nRUN echo @SALT@\n"
PARTS = {
    "surprise": "a build in which the rule must be reported",
    "near": "a build that looks alike and in which the rule must be silent",
}


def write(name: str, root: Path = ROOT) -> list[Path]:
    """Write the skeleton of a rule below the project's root; returns the files that are new.
    Raises ValueError for a name that is taken or is no lower-case words joined by "-"."""
    if not re.fullmatch(r"[a-z]+(-[a-z]+)*", name):
        raise ValueError(f"{name!r}: lower-case words joined by '-', as base-drift")
    module = root / "cachetui" / "findings" / "rules" / f"{name.replace('-', '_')}.py"
    folder = root / "tests" / "surprises" / name
    if module.exists() or folder.exists():
        raise ValueError(f"{name}: there is such a rule already")
    order = max(rule.order for rule in RULES) + 10
    texts = {
        module: MODULE.replace("@ID@", name).replace("@ORDER@", str(order)),
        folder / "case.py": CASE,
        **{folder / part / "Dockerfile": DOCKERFILE.format(what=w) for part, w in PARTS.items()},
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    table = root / "docs" / "findings-table.md"
    table.write_text(with_rows(table.read_text(), name))
    return list(texts)


def with_rows(table: str, name: str) -> str:
    """The table of rules and engines with the rows of a rule, in the order of ids."""
    head, rule, body = table.partition("---|\n")
    engines = head.rpartition("\n")[2].count("---|") - 1
    rows = [f"| `{row}" for row in f"\n{body.rstrip()}".split("\n| `")[1:]]
    cells = f" | {NOT_PLAYED}" * engines
    rows.append(f"| `{name}` | surprise{cells} |\n|  | near miss{cells} |")
    return head + rule + "\n".join(sorted(rows, key=lambda row: row.split("`")[1])) + "\n"


def left_to_fill_in(root: Path = ROOT) -> list[str]:
    """ "path:line: text" of all that a skeleton still has."""
    folders = ("cachetui/findings/rules", "tests/surprises")
    files = sorted(
        path for folder in folders for path in (root / folder).rglob("*") if _is_text(path)
    )
    table = root / "docs" / "findings-table.md"
    return [
        f"{path.relative_to(root)}:{number}: {line.strip()}"
        for path, mark in [*((path, FILL_IN) for path in files), (table, NOT_PLAYED)]
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if mark in line
    ]


def _is_text(path: Path) -> bool:
    return path.suffix == ".py" or path.name == "Dockerfile"


def main(arguments: list[str]) -> int:
    """Write the skeleton of the rule that is named. Returns the exit status."""
    if len(arguments) != 1:
        print("make rule NAME=some-name", file=sys.stderr)
        return 2
    try:
        files = write(arguments[0])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for path in files:
        print(path.relative_to(ROOT))
    print("Fill in what the tests list: pytest tests/findings/test_page.py")
    print(f"Then play it on real engines: make record-surprises NAME={arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
