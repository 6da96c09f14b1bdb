"""Values in a Dockerfile that look as if each build had another: times and revisions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case

_WHAT = (
    ("a time", re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\b20\d{6}T?\d{4,6}Z?\b")),
    ("a date", re.compile(r"\b20\d\d[-/.][01]\d[-/.][0-3]\d\b|\b20\d\d[01]\d[0-3]\d\b")),
    ("a time in seconds", re.compile(r"(?<![\w.])1[6-9]\d{8}(?:\d{3})?(?![\w.])")),
    ("a revision", re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{40}\b")),
)


def changing_value(text: str) -> str | None:
    """What changing thing a text holds ("a date"), None when it holds none."""
    return next((what for what, pattern in _WHAT if pattern.search(text)), None)


def changing_labels(case: Case) -> Iterator[tuple[Instruction, str]]:
    """LABELs of the stages up to the last that hold such a value, literally."""
    for item in case.instructions("LABEL", stages=range(case.last_stage + 1)):
        values = " ".join(item.args[1::3])
        what = changing_value(values)
        if what is not None and "$" not in item.text:
            yield item, what


_CHANGING = (
    ("the date", re.compile(r"\bdate\b(?!=)|\$\(\s*date|SOURCE_DATE_EPOCH=\$\(")),
    ("random bytes", re.compile(r"/dev/u?random|\$\{?RANDOM|\bopenssl\s+rand\b|\buuidgen\b")),
    ("random names", re.compile(r"\bmktemp\b|/proc/sys/kernel/random/uuid")),
    ("the process's number", re.compile(r"\$\$(?!\w)")),
)


def changing_command(instruction: Instruction) -> str | None:
    """What a RUN uses that is another each time ("the date"), by its words; None without any."""
    text = instruction.rest + "".join(document.content for document in instruction.heredocs)
    return next((what for what, pattern in _CHANGING if pattern.search(text)), None)
