"""Values of build arguments and hosts' environments out of what is kept: they may be secrets.

BuildKit expands variables in the names of steps, the legacy builder in its errors and in an
image's history, and a RUN may echo what it likes. A value of six characters or more is replaced
wherever it stands, in every form in which programs write it down (see `_forms`). Shorter ones
("20", "prod") are common words, whose removal would tear the log apart and hide nothing: they are
replaced where their name stands before them, as in `NAME=value` of an image's history, and in an
image's configuration where one is all that a variable or label has.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, takewhile
from urllib.parse import quote

from cachetui.records.hidden import placeholder

_SHORTEST = 6

_GO_ESCAPES = {
    "&": r"\u0026", "<": r"\u003c", ">": r"\u003e", "\u2028": r"\u2028", "\u2029": r"\u2029",
}  # fmt: skip
"""What Go's encoding/json escapes beyond JSON, in strings that BuildKit and docker print."""


_LEFT_BY_Q = ("@%+:./=-~#", "@%+:./=-~#,", "@%+:./=-~,!", "@%+:./-")
"""What `%q` and its like put no backslash before: bash's, one that is older, zsh's, and a careful
one. A line break they write as JSON does, in `$'…'`."""

_LEFT_BY_URLS = ("", "/", "!~*'()", "!~*'();,/?:@&=+$#", "$&+=:@", "$&+,/:;=@", "$&+,;=", "*")
"""What encoders of URLs leave as it is beside letters, digits and `_.-~`: RFC 3986's, Python's,
JavaScript's of a component and of a whole, Go's of a segment, a path and a password, Java's."""

_AFTER_NAME = ("=", '="', "='", "=$'", '":"', '": "', ": ", ': "', ": '")
"""What stands between a name and its value: in a shell and what it prints, in JSON and YAML."""

_BREAK = re.compile(rb"[\r\n]+")
_TIMED_BREAK = re.compile(rb"[\r\n]+(?:\d+\.\d+ )?")

_NO_TEXT = frozenset((b"architecture", b"os", b"variant", b"Architecture", b"Os", b"Variant"))
"""Keys of an image's configuration whose value no build argument has put there."""


class Redactor:
    """Replaces values in blocks of bytes. `environment` are (name, value) of hosts' settings: a
    name can have another value on each host."""

    def __init__(
        self, build_args: Mapping[str, str], environment: Iterable[tuple[str, str]] = ()
    ) -> None:
        self._plain: dict[bytes, bytes] = {}
        self._short: dict[bytes, bytes] = {}
        named = [
            (name, value, placeholder("build-arg", name)) for name, value in build_args.items()
        ]
        named += [(name, value, placeholder("env", name)) for name, value in environment]
        for name, value, shown in sorted(named, key=lambda item: -len(item[1])):
            self._hide(name, value, shown)
        self._any = _any_of(self._plain)
        short = _any_of(self._short)
        self._whole = short and re.compile(
            rb'(?P<before>"(?P<key>[^"\\]*)":\s*"|=)(?P<value>'
            + short.pattern
            + rb")(?=[\"\s\\]|$)"
        )

    def _hide(self, name: str, value: str, shown: str) -> None:
        if not value:
            return
        if len(value) < _SHORTEST:
            for form in dict.fromkeys(_forms(value)):
                for between in _AFTER_NAME:
                    written = f"{name}{between}{form}".encode("utf-8", "surrogateescape")
                    self._add(written, f"{name}{between}{shown}")
                self._short.setdefault(form.encode("utf-8", "surrogateescape"), shown.encode())
            return
        # Engines put something before each line, so a value of several goes line by line too.
        lines = (line.strip() for line in value.splitlines())
        for text in dict.fromkeys((value, *(x for x in lines if len(x) >= _SHORTEST))):
            for form in _forms(text):
                if len(form) >= _SHORTEST:  # a shell leaves little of a value of blanks
                    self._add(form.encode("utf-8", "surrogateescape"), shown)
            in_json = [
                json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)
            ]
            for inner in dict.fromkeys((text, *in_json)):
                for encoded in _base64_forms(inner.encode("utf-8", "surrogateescape")):
                    self._add(encoded, shown)
            for encoded in _hex_forms(text.encode("utf-8", "surrogateescape")):
                self._add(encoded, shown)

    def _add(self, form: bytes, shown: str) -> None:
        form = _BREAK.sub(b"", form)
        if form:
            self._plain.setdefault(form, shown.encode())

    @property
    def active(self) -> bool:
        return self._any is not None

    def text(self, data: bytes) -> bytes:
        """`data` without the values."""
        if self._any is None:
            return data
        return _hidden(data, _found(self._any, _BREAK, data)[1], self._plain, _BREAK)

    def image(self, data: bytes) -> bytes:
        """A line of an image's configuration or history without the values."""
        data = self.text(data)
        if self._whole is None:
            return data
        return self._whole.sub(
            lambda match: (
                match[0]
                if match["key"] in _NO_TEXT
                else match["before"] + self._short[match["value"]]
            ),
            data,
        )

    def string(self, text: str) -> str:
        """`text` without the values."""
        return self.text(text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")

    def log(self, *, timed: bool = False) -> StreamRedactor:
        """A redactor for a step's log, which comes in pieces cut anywhere. With `timed` it is for
        docker's own messages, which quote a log with the time before each line."""
        return StreamRedactor(self._any, self._plain, _TIMED_BREAK if timed else _BREAK)


class StreamRedactor:
    """Holds back the end of a block where it may be the beginning of a value.

    Values are looked for in the text without its line breaks (`gap`), since a program may have
    put them within a value (`base64`, `fold`, `xxd -p`).
    """

    def __init__(
        self,
        pattern: re.Pattern[bytes] | None,
        shown: Mapping[bytes, bytes],
        gap: re.Pattern[bytes],
    ) -> None:
        self._pattern = pattern
        self._gap = gap
        self._shown = shown
        self._sorted = sorted(shown)
        self._longest = max(map(len, shown), default=0)
        self._pending = b""

    def feed(self, data: bytes) -> bytes:
        """Take a block; returns what can no longer be part of a value, values replaced."""
        if self._pattern is None:
            return data
        data = self._pending + data
        joined, found = _found(self._pattern, self._gap, data)
        cut = self._may_begin(joined, found[-1].end() if found else 0)
        self._pending = b""
        if cut < len(joined):
            end = _Places(self._gap, data).of(cut)
            data, self._pending = data[:end], data[end:]
        return _hidden(data, found, self._shown, self._gap)

    def _may_begin(self, data: bytes, start: int) -> int:
        """From where on the data may be the beginning of a value; its length where it is not."""
        for at in range(max(start, len(data) - self._longest + 1), len(data)):
            end = data[at:]
            after = bisect_left(self._sorted, end)
            if after < len(self._sorted) and self._sorted[after].startswith(end):
                return at
        return len(data)

    def close(self) -> bytes:
        """What was held back."""
        pending, self._pending = self._pending, b""
        return pending


def _found(
    pattern: re.Pattern[bytes], gap: re.Pattern[bytes], data: bytes
) -> tuple[bytes, list[re.Match[bytes]]]:
    """The data without its gaps, and the forms of values in that."""
    joined = gap.sub(b"", data)
    return joined, list(pattern.finditer(joined))


def _hidden(
    data: bytes,
    found: Sequence[re.Match[bytes]],
    shown: Mapping[bytes, bytes],
    gap: re.Pattern[bytes],
) -> bytes:
    """The data with these forms replaced."""
    if not found:
        return data
    place = _Places(gap, data)
    out = bytearray()
    at = 0
    for match in found:
        out += data[at : place.of(match.start())] + shown[match[0]]
        at = place.of(match.end() - 1) + 1
    return bytes(out + data[at:])


class _Places:
    """Where the bytes of a text without its gaps stand in the text itself."""

    def __init__(self, gap: re.Pattern[bytes], data: bytes) -> None:
        self._starts: list[int] = []
        self._left_out: list[int] = [0]
        for found in gap.finditer(data):
            self._starts.append(found.start() - self._left_out[-1])
            self._left_out.append(self._left_out[-1] + len(found[0]))

    def of(self, at: int) -> int:
        return at + self._left_out[bisect_right(self._starts, at)]


def _any_of(forms: Mapping[bytes, bytes]) -> re.Pattern[bytes] | None:
    """The longest of the forms that begins at a place."""
    return re.compile(_tree_of(sorted(forms))) if forms else None


def _tree_of(forms: Sequence[bytes]) -> bytes:
    """A pattern of these forms, sorted, with what begins alike written once: `re` tries the
    branches one by one, and there can be thousands of forms."""
    first, last = forms[0], forms[-1]
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    begin = bytes(one for one, _ in alike)
    ends = [form[len(begin) :] for form in forms if len(form) > len(begin)]
    if not ends:
        return re.escape(begin)
    branches = (_tree_of(list(same)) for _, same in groupby(ends, key=lambda end: end[0]))
    ends_here = b"?" if len(ends) < len(forms) else b""
    return re.escape(begin) + b"(?:" + b"|".join(branches) + b")" + ends_here


def _forms(value: str) -> Iterator[str]:
    """The value as programs write it down: as it is, in JSON (Python's, Go's) and in JSON within
    JSON, quoted for a shell or by one (`set`, `export -p`, `printf %q`), by Python's `repr`, in XML
    and HTML, and in URLs, also in a URL within a URL."""
    yield value
    yield json.dumps(value)[1:-1]
    json_text = json.dumps(value, ensure_ascii=False)[1:-1]
    yield json_text
    for plain, escaped in _GO_ESCAPES.items():
        json_text = json_text.replace(plain, escaped)
    yield json_text
    yield json.dumps(json_text, ensure_ascii=False)[1:-1]
    yield json.dumps(json_text)[1:-1]
    yield json.dumps(json.dumps(value)[1:-1])[1:-1]
    yield from _other_json_forms(value)
    yield " ".join(value.split()) or value  # a shell's words
    for sign in "'\"":  # SQL, YAML, CSV
        yield value.replace(sign, sign * 2)
    yield shlex.quote(value).removeprefix("'").removesuffix("'")
    yield value.replace("'", r"'\''")
    yield value.replace("'", """'"'"'""")
    yield _backslashed(value, '\\"$`')
    for as_they_are in _LEFT_BY_Q:
        yield re.sub(rf"([^\w\n{re.escape(as_they_are)}])", r"\\\1", value)
    in_single_quotes = _backslashed(value, "\\'")
    yield in_single_quotes
    if not value.isascii():  # where the locale is C, as in most containers: bash, Python, git
        for quoted in (value, in_single_quotes, _backslashed(value, '\\"')):
            data = quoted.encode("utf-8", "surrogateescape")
            for form in ("\\{:03o}", "\\x{:02x}"):
                yield "".join(chr(byte) if byte < 128 else form.format(byte) for byte in data)
    yield from _markup_forms(value)
    for left in _LEFT_BY_URLS:
        once = quote(value, safe=left, errors="surrogateescape")
        for encoded in (once, once.replace("~", "%7E")):
            for spaced in (encoded, encoded.replace("%20", "+")):
                lower = _lower_escapes(spaced)
                yield from (spaced, lower, quote(spaced, safe=""), quote(lower, safe=""))
                yield _lower_escapes(quote(lower, safe=""))


def _backslashed(value: str, signs: str) -> str:
    """With a backslash before each of these signs."""
    return re.sub(f"([{re.escape(signs)}])", r"\\\1", value)


def _lower_escapes(url: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), url)


def _other_json_forms(value: str) -> Iterator[str]:
    """In JSON as PHP writes it (`\\/`), Gson (`\\u003d`) and .NET (`\\u002B`, `\\u00E9`)."""
    for ascii_only in (True, False):
        yield json.dumps(value, ensure_ascii=ascii_only)[1:-1].replace("/", r"\/")
    gson = json.dumps(value, ensure_ascii=False)[1:-1]
    for sign in "&<>='\u2028\u2029":
        gson = gson.replace(sign, f"\\u{ord(sign):04x}")
    yield gson
    net = json.dumps(value)[1:-1].replace(r"\"", r"\u0022")
    net = re.sub(r"\\u[0-9a-f]{4}", lambda found: r"\u" + found[0][2:].upper(), net)
    for sign in "&<>'+`":
        net = net.replace(sign, f"\\u{ord(sign):04X}")
    yield net


def _markup_forms(value: str) -> Iterator[str]:
    """In the text of an element, and in an attribute with its quotes in decimals, hexadecimals
    or by name."""
    text = html.escape(value, quote=False)
    yield text
    for double, single in (
        ("&quot;", "'"),
        ("&quot;", "&#39;"),
        ("&quot;", "&#x27;"),
        ("&quot;", "&apos;"),
        ("&#34;", "&#39;"),
    ):
        yield text.replace('"', double).replace("'", single)


def _hex_forms(value: bytes) -> Iterator[bytes]:
    """As `xxd -p`, `od -An -tx1` and fingerprints have it, in both cases."""
    for separator in ("", " ", ":"):
        text = value.hex(separator) if separator else value.hex()
        yield text.encode()
        yield text.upper().encode()


def _base64_forms(value: bytes) -> Iterator[bytes]:
    """The characters that the base64 of any text holding `value` must show, for each of the
    three places where it can begin in a group of three bytes, in both alphabets."""
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * shift + value)
            # Characters that also carry bits of a neighbour are left away.
            first = -(-shift * 8 // 6)
            last = (shift + len(value)) * 8 // 6
            yield text[first:last]
