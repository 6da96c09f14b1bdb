"""docs/faults.md, made of the table of faults and of the tests that are marked with one.

`python -m tests.faults.page` writes it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.faults.marks import WHERE, Mark, marks
from tests.faults.table import FAULTS, Fault

FILE = Path(__file__).parents[2] / "docs" / "faults.md"

HEAD = """\
# Faults

What can go wrong, what cachetui promises then, and the tests of that promise. This page is made
from the tests (`python -m tests.faults.page`): each row lists those that are marked with its fault
(`@pytest.mark.fault`), and a promise without one is marked **not tested**. `make faults` runs them
and prints a line for each fault.

*Held on* says what a test runs against: real Docker engines behind real SSH, a real sshd, the
recorded fleet of `cachetui demo` over SSH, or no host at all, if output of real engines is
recorded or a part is tested by itself.
"""


def whole(found: Sequence[Mark] | None = None) -> str:
    """The page."""
    held = marks() if found is None else found
    parts = [HEAD]
    for kind, faults in FAULTS.items():
        parts.append(f"\n## {kind}\n")
        parts.append("\n| fault | promised | held by | held on |\n| --- | --- | --- | --- |\n")
        parts += [_row(fault, [one for one in held if one.fault == fault.id]) for fault in faults]
    return "".join(parts)


def _row(fault: Fault, held: Sequence[Mark]) -> str:
    tests = "<br>".join(f"`{one.test}`" for one in held)
    where = ", ".join(place for place in WHERE if any(one.where == place for one in held))
    if not held:
        tests, where = f"**not tested**: {fault.missing}", "–"
    elif fault.missing:
        tests += f"<br>**not tested**: {fault.missing}"
    cells = (f'<a id="{fault.id}"></a>{fault.what}', fault.promise, tests, where)
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    FILE.write_text(whole())
