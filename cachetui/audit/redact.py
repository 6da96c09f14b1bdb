"""Build-argument values out of what is kept: they may be secrets, and engines print them.

BuildKit expands variables in the names of steps, the legacy builder in its errors, and a RUN may
echo what it likes. A value of six characters or more is replaced wherever it stands, in clear,
as JSON writes it, or in the base64 of rawjson logs; shorter ones ("20", "prod") are common words
whose removal would tear the log apart and hide nothing.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping

_SHORTEST = 6


class Redactor:
    """Replaces the values of build arguments in blocks of bytes."""

    def __init__(self, build_args: Mapping[str, str]) -> None:
        self._plain: dict[bytes, bytes] = {}
        encoded: dict[bytes, bytes] = {}
        for name, value in sorted(build_args.items(), key=lambda item: -len(item[1])):
            if len(value) < _SHORTEST:
                continue
            shown = f"[build-arg {name}]".encode()
            # Engines put something before each line, so a value of several goes line by line too.
            lines = (line.strip() for line in value.splitlines())
            for text in dict.fromkeys((value, *(x for x in lines if len(x) >= _SHORTEST))):
                for form in (
                    text,
                    json.dumps(text)[1:-1],
                    json.dumps(text, ensure_ascii=False)[1:-1],
                ):
                    self._plain.setdefault(form.encode(), shown)
                for form64 in _base64_forms(text.encode()):
                    encoded.setdefault(form64, b"KioqKioq" * (len(form64) // 8 + 1))
        self._all = {**self._plain, **{k: v[: len(k)] for k, v in encoded.items()}}
        self._clear = _any_of(self._plain)
        self._any = _any_of(self._all)

    @property
    def active(self) -> bool:
        return self._any is not None

    def text(self, data: bytes) -> bytes:
        """`data` without the values in clear."""
        if self._clear is None:
            return data
        return self._clear.sub(lambda match: self._plain[match[0]], data)

    def string(self, text: str) -> str:
        """`text` without the values in clear."""
        return self.text(text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")

    def stream(self) -> StreamRedactor:
        """A redactor for raw output that comes in blocks cut anywhere, base64 included."""
        return StreamRedactor(self._any, self._all)

    def log(self) -> StreamRedactor:
        """A redactor for a step's log, which comes in pieces cut anywhere."""
        return StreamRedactor(self._clear, self._plain)


class StreamRedactor:
    """Holds back the end of a block where it may be the beginning of a value."""

    def __init__(self, pattern: re.Pattern[bytes] | None, shown: Mapping[bytes, bytes]) -> None:
        self._pattern = pattern
        self._shown = shown
        self._first = frozenset(form[0] for form in shown)
        self._longest = max(map(len, shown), default=0)
        self._pending = b""

    def feed(self, data: bytes) -> bytes:
        """Take a block; returns what can no longer be part of a value, values replaced."""
        if self._pattern is None:
            return data
        data = self._pending + data
        out = bytearray()
        at = 0
        for match in self._pattern.finditer(data):
            out += data[at : match.start()] + self._shown[match[0]]
            at = match.end()
        cut = self._may_begin(data, at)
        out += data[at:cut]
        self._pending = data[cut:]
        return bytes(out)

    def _may_begin(self, data: bytes, start: int) -> int:
        """From where on the data may be the beginning of a value; its length where it is not."""
        for at in range(max(start, len(data) - self._longest + 1), len(data)):
            if data[at] in self._first and any(x.startswith(data[at:]) for x in self._shown):
                return at
        return len(data)

    def close(self) -> bytes:
        """What was held back."""
        pending, self._pending = self._pending, b""
        return pending


def _any_of(forms: Mapping[bytes, bytes]) -> re.Pattern[bytes] | None:
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile(b"|".join(map(re.escape, longest_first))) if forms else None


def _base64_forms(value: bytes) -> list[bytes]:
    """The characters that the base64 of any text holding `value` must show, for each of the
    three places where it can begin in a group of three bytes."""
    forms = []
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + value)
        # Characters that also carry bits of a neighbour are left away.
        first = -(-shift * 8 // 6)
        last = (shift + len(value)) * 8 // 6
        forms.append(text[first:last])
    return forms
