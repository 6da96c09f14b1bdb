"""The lines of an ssh_config file: keywords and their words, with Includes read in."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cachetui.config.toml_table import ConfigError
from cachetui.hosts.ssh.config_tokens import expand, here, home_of

MAX_DEPTH = 16
"""Include within Include, as OpenSSH has it."""


@dataclass(frozen=True, slots=True)
class Directive:
    """One line: its keyword in lower case and its words. `included` are an Include's files."""

    keyword: str
    words: tuple[str, ...]
    text: str
    included: tuple[tuple[Directive, ...], ...] = ()


def parse(path: Path, folder: Path, depth: int = 0) -> tuple[Directive, ...]:
    """A file's directives, Includes read in; relative ones are looked for in `folder`."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    directives = []
    for number, line in enumerate(re.split(r"\r?\n", text), 1):
        match = re.match(
            r"""[ \t]*"?([^\s"=#]+)"?(?:[ \t]*=[ \t]*|[ \t]+|(?="))(.*)""", line.rstrip(" \t\r\f")
        )
        if match is None:
            continue
        keyword, rest = match[1].lower(), match[2]
        words = split(rest)
        included: list[tuple[Directive, ...]] = []
        if keyword == "include":
            if depth >= MAX_DEPTH:
                raise ConfigError(f"{path}:{number}: Include is more than {MAX_DEPTH} levels deep")
            for word in words:
                pattern = home_of(expand(word, here(), f"{path}:{number}: Include", variables=True))
                names = sorted(glob.glob(os.path.join(folder, pattern)))
                included += [
                    parse(Path(name), folder, depth + 1) for name in names if os.path.isfile(name)
                ]
        directives.append(Directive(keyword, words, rest, tuple(included)))
    return tuple(directives)


def split(text: str) -> tuple[str, ...]:
    r"""The words of a line: quotes hold them together, also within a word; `#` at a word's begin
    begins a comment; a backslash takes the meaning of a quote, a backslash, and a space."""
    words: list[str] = []
    word, quote, number = None, "", 0
    while number < len(text):
        char, following = text[number], text[number + 1 : number + 2]
        number += 1
        if char in " \t" and not quote:
            words += [word] if word is not None else []
            word = None
        elif char == "#" and word is None:
            break
        elif char == "\\" and following and following in ("'\"\\" if quote else "'\"\\ "):
            word = (word or "") + following
            number += 1
        elif char == quote or (char in "\"'" and not quote):
            quote = "" if quote else char
            word = word or ""
        else:
            word = (word or "") + char
    return tuple([*words, word] if word is not None else words)
