"""docs/findings.md, whose part on the rules is made of what the rules say of themselves.

`python -m tests.findings.page` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

from cachetui.findings import RULES
from cachetui.findings.key_inputs import KEY_INPUTS, KeyInput
from cachetui.findings.rule import Rule

FILE = Path(__file__).parents[2] / "docs" / "findings.md"
MARK = "<!-- Below: made of the rules by tests/findings/page.py -->"


INPUTS = "<!-- The inputs of `findings/key_inputs.py`, made by tests/findings/page.py -->"
END = "<!-- End of the inputs -->"


def whole(text: str) -> str:
    """The page: what is written by hand, the inputs of cache keys and the rules as they are."""
    head, _, rest = text.partition(INPUTS)
    by_hand = rest.partition(END)[2].partition(MARK)[0]
    page = [head, INPUTS, "\n\n", *map(_input, (None, *KEY_INPUTS)), "\n", END, by_hand, MARK]
    return "".join(page) + "\n\n" + "\n".join(map(_rule, RULES))


def _input(one: KeyInput | None) -> str:
    """A row of the table of inputs; of its head for None."""
    if one is None:
        cells = ("input", "", "legacy: in the key of", "BuildKit: in the key of", "read from")
        return f"| {' | '.join(cells)} |\n|{'---|' * len(cells)}\n"
    cells = (one.words, one.treated, one.legacy or "–", one.buildkit or "–", one.source or "–")
    return f"| {' | '.join(cells)} |\n"


def _rule(one: Rule) -> str:
    example = one.example.rstrip("\n")
    return "\n".join(
        [
            f"### {one.id}",
            "",
            f"**{one.title}.** {one.surprise}",
            "",
            "```dockerfile",
            example,
            "```",
            "",
            f"{one.try_it}",
            "",
            f"- *Reported when:* {one.applies}",
            f"- *Needs:* {one.needs}",
            f"- *Proved by:* {one.proves}",
            f"- *Advice:* {one.advises}",
            f"- *Sources:* {'; '.join(one.written)}",
            "",
        ]
    )


if __name__ == "__main__":
    FILE.write_text(whole(FILE.read_text()))
