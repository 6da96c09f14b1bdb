"""docs/findings.md, whose part on the rules is made of what the rules say of themselves.

`python -m tests.findings.page` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

from cachetui.findings import RULES
from cachetui.findings.rule import Rule

FILE = Path(__file__).parents[2] / "docs" / "findings.md"
MARK = "<!-- Below: made of the rules by tests/findings/page.py -->"


def whole(text: str) -> str:
    """The page: what is written by hand, and the rules as they are."""
    return text.partition(MARK)[0] + MARK + "\n\n" + "\n".join(map(_rule, RULES))


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
