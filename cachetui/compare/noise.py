"""What differs between two logs of the same step without meaning: times, ids, progress.

`canonical` puts a placeholder for each piece of noise, so that lines which differ in nothing
else become equal. It is careful with digests: a checksum that a build prints may be the very
difference that one looks for, so only where a builder prints ids are they noise.
"""

from __future__ import annotations

import re
from typing import NamedTuple

KINDS = {
    "time": "times and dates",
    "duration": "durations",
    "id": "container and layer ids",
    "progress": "progress, speeds and amounts so far",
    "temporary": "temporary names",
    "process": "process numbers and addresses",
}
"""The kinds of noise, and how to call them."""


class Canonical(NamedTuple):
    """A line with its noise replaced by «kind», and the kinds that were found in it."""

    text: str
    kinds: frozenset[str]


_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_WEEKDAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_ZONE = r"(?:\s?(?:Z\b|UTC\b|GMT\b|[+-]\d\d:?\d\d\b))?"
_CLOCK = rf"\d{{1,2}}:\d\d:\d\d(?:[.,]\d{{1,9}})?{_ZONE}"
_AFTER_DAY = rf"(?:,?\s\d{{4}}\b(?:\s{_CLOCK})?|\s{_CLOCK}(?:\s\d{{4}}\b)?)"
_UNIT = r"(?:[kKMGT]i?)?(?:[bB]|bytes)"
_AMOUNT = rf"\d{{1,9}}(?:[.,]\d{{1,9}})?(?:\s?{_UNIT})?"
_BAR = "━─█▉▊▋▌▍▎▏░▒╸╺"

# One pass over the line; of alternatives that begin at one place the first holds, and a digit
# after the kind's name is there only to tell groups apart. Branches stand behind a look at the
# next character, for speed. Repetitions are bounded, or cannot give back or begin again inside
# themselves, so that no line takes more than linear time.
_NOISE = re.compile(
    r"\b(?=\d)(?:"
    rf"(?P<time>\d{{4}}[-/]\d\d[-/]\d\d(?:[T\s]{_CLOCK})?(?!\w)"
    rf"|\d{{1,2}}\s{_MONTH}{_AFTER_DAY}|{_CLOCK})"
    rf"|(?P<progress>{_AMOUNT}\s?/\s?\d{{1,9}}(?:[.,]\d{{1,9}})?\s?{_UNIT}(?![\w/])"
    rf"|\d{{1,9}}(?:[.,]\d{{1,9}}){{0,3}}\s?(?:{_UNIT}|[kKMGT]?bit)/s(?:ec)?\b"
    r"|\d{1,3}(?:\.\d{1,4})?\s?%)"
    r"|(?P<duration>(?:\d{1,6}h\s?)?\d{1,6}m\s?\d{1,6}(?:\.\d{1,9})?s\b"
    r"|\d{1,9}(?:\.\d{1,9})?\s?(?:[nµum]?s|secs?|seconds?|milliseconds?|mins?|minutes?)\b))"
    r"|\b(?=[A-Za-z])(?:"
    rf"(?P<time2>(?:{_WEEKDAY},?\s)?(?:{_MONTH}\s{{1,2}}\d{{1,2}}|\d{{1,2}}\s{_MONTH}){_AFTER_DAY})"
    r"|(?P<id>(?:Running\sin|intermediate\scontainer|Successfully\sbuilt)\s[0-9a-f]{12}\b"
    r"|(?:extracting|writing\simage|exporting\s(?:manifest|config|layers?)(?:\slist)?)\s"
    r"sha256:[0-9a-f]{64}\b)"
    r"|(?P<temporary>tmp[a-z0-9_]{6,12}\b)"
    r"|(?P<progress2>(?:eta|ETA)\s{1,3}[\d:hms-]{1,20}|(?<!\S)Get:\d{1,6}\b)"
    r"|(?P<process>(?:pid|PID|process)[\s=:]{1,3}\d{1,10}\b|at\s0x[0-9a-fA-F]{6,16}\b))"
    r"|(?P<temporary2>(?<![\w.])/(?:var/)?tmp/[\w.-]{1,255})"
    r"|(?P<id2>--->\s(?:Running\sin\s)?[0-9a-f]{12}\b)"
    r"|(?P<process2>(?<=[A-Za-z])\[\d{1,10}\](?=:))"
    r"|(?P<progress3>(?<![#=])[#=]{3,}+>?[\s.-]*+(?=[\]|])"
    rf"|[{_BAR}]{{2,}}+)"
)
_MAY_HAVE_NOISE = re.compile(rf"[0-9=#{_BAR}\r]|/tmp/|\btmp")
_NONE: frozenset[str] = frozenset()


def canonical(line: str) -> Canonical:
    """The line without its noise; of what a carriage return drew over, only the last is kept."""
    if not _MAY_HAVE_NOISE.search(line):
        return Canonical(line.rstrip(), _NONE)
    kinds: set[str] = set()
    if "\r" in line:
        drawn = [part for part in line.split("\r") if part.strip()]
        line = drawn[-1] if drawn else ""
        if len(drawn) > 1:
            kinds.add("progress")

    def replace(found: re.Match[str]) -> str:
        kind = (found.lastgroup or "").rstrip("23")
        kinds.add(kind)
        return f"«{kind}»"

    return Canonical(_NOISE.sub(replace, line).rstrip(), frozenset(kinds))
