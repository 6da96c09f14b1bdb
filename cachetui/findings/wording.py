"""Words that rules and experiments share: an instruction or a list of names in a sentence."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from cachetui.compare.groups import fold_short
from cachetui.dockerfile.instruction import Instruction
from cachetui.records.backend import Backend

BUILDER_WORDS: dict[Backend, str] = {"legacy": "the legacy builder", "buildkit": "BuildKit"}
"""A builder in a sentence."""


KEEP_REPLACED = ". To keep a replaced image, "
"""Where an advice begins to speak of what its commands replace: nothing where none stands."""


def describe(instruction: Instruction, limit: int = 60) -> str:
    """ "line 7: RUN npm ci": an instruction's line and its text, cut to `limit` characters."""
    words = instruction.text.split()
    text = " ".join(["ONBUILD", *words] if instruction.is_trigger else words)
    return f"line {instruction.line}: {text if len(text) <= limit else text[: limit - 1] + '…'}"


def was(now: Instruction, before: Instruction) -> str:
    """What an instruction was before, for the end of a sentence: its text; where only white space
    differs, the place; where a here-document does, its first line that does."""
    if now.text == before.text:
        return _other_document(now, before)
    if now.text.split() != before.text.split():
        return f"; before: {before.text!r}"
    pairs = zip(now.text, before.text, strict=False)
    at = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(now.text), len(before.text)))
    start = max(0, at - 12)
    here, there = (text[start : at + 12] for text in (now.text, before.text))
    return f"; only white space differs: {here!r} now, {there!r} before"


_WORD = 12
"""Characters of a value that stand in a few words."""


def change(now: str, before: str) -> str:
    """ "release 6 → 7", "80 → 8080": what one line has in place of another where a single word of
    them differs, long values cut; "" where more does."""
    try:
        pairs = list(zip(shlex.split(before), shlex.split(now), strict=True))
    except ValueError:  # no words of a shell, or not as many
        return ""
    different = [pair for pair in pairs if pair[0] != pair[1]]
    if len(different) != 1:
        return ""
    (key, is_set, old), (other, _, new) = (word.partition("=") for word in different[0])
    if not is_set or key != other:
        key, old, new = "", *different[0]
    values = [text if len(text) <= _WORD else f"{text[: _WORD - 1]}…" for text in (old, new)]
    if values[0] == values[1]:
        return ""
    return f"{key.rpartition('.')[2]} {' → '.join(values)}".strip()


def _other_document(now: Instruction, before: Instruction) -> str:
    """The first line in which the here-documents of an instruction differ."""
    items = (now.onbuild or now, before.onbuild or before)
    for one, other in zip(*(item.heredocs for item in items), strict=False):
        lines = zip_longest(one.content.splitlines(), other.content.splitlines())
        for number, (here, there) in enumerate(lines, 1):
            if here != there:
                texts = ["no line" if text is None else repr(text) for text in (here, there)]
                return (
                    f"; line {number} of its here-document {one.name}: {texts[0]} now, {texts[1]} "
                    "before"
                )
    return ""


def duration(seconds: float) -> str:
    """A time as people read it: "0.4s", "59.9s", "2m05s", "1h02m"."""
    if seconds < 59.95:
        return f"{max(seconds, 0.0):.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    minutes = round(seconds / 60)
    return f"{minutes // 60}h{minutes % 60:02}m"


def short_umask(umask: str) -> str:
    """ "022" for the "0022" that a shell prints, as people type it; other text as it is."""
    return umask[1:] if len(umask) == 4 and umask.startswith("0") else umask


MOST_NAMES = 4
"""Hosts that a sentence names one by one."""


def host_names(hosts: Sequence[str]) -> str:
    """ "a, b and c"; more than `MOST_NAMES` folded: "ci-[1-12],build-3"."""
    return join_names(hosts) if len(hosts) <= MOST_NAMES else fold_short(hosts)


def one_and_another(groups: Iterable[Sequence[str]], what: str) -> str:
    """ "one image on ci-[1-9], another on web": groups of hosts that each have their own."""
    first, *others = map(host_names, groups)
    return f"one {what} on {first}" + "".join(f", another on {hosts}" for hosts in others)


def join_names(names: Sequence[str], limit: int = 4) -> str:
    """ "a, b and c"; "a, b, c, d and 12 more" above `limit` + 1 names; "none" without any."""
    if len(names) > limit + 1:
        return f"{', '.join(names[:limit])} and {len(names) - limit} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "none"
