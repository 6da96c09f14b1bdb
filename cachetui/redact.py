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
            escaped = json.dumps(value)[1:-1]
            for form in (value, escaped, json.dumps(value, ensure_ascii=False)[1:-1]):
                self._plain.setdefault(form.encode(), shown)
            for form64 in _base64_forms(value.encode()):
                encoded.setdefault(form64, b"KioqKioq" * (len(form64) // 8 + 1))
        self._all = {**self._plain, **{k: v[: len(k)] for k, v in encoded.items()}}
        self._clear = _any_of(self._plain)
        self._any = _any_of(self._all)
        self._longest = max((len(form) for form in self._all), default=0)

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
        """A redactor for output that comes in blocks cut anywhere, base64 included."""
        return StreamRedactor(self._any, self._all, self._longest)


class StreamRedactor:
    """Holds back as many bytes as a value could still need to be complete."""

    def __init__(
        self, pattern: re.Pattern[bytes] | None, shown: Mapping[bytes, bytes], longest: int
    ) -> None:
        self._pattern = pattern
        self._shown = shown
        self._hold = max(0, longest - 1)
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
        cut = max(at, len(data) - self._hold)
        out += data[at:cut]
        self._pending = data[cut:]
        return bytes(out)

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
