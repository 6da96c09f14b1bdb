"""What of an instruction's words is in cache keys, whichever way they are written.

Quotes, the case of the keyword, white space between words, continuation lines and comments are in
no key: a value is, not its spelling. White space within a command is part of it. Read in BuildKit's
`frontend/dockerfile/instructions` and `dockerfile2llb/convert.go`, and in moby's
`builder/dockerfile/dispatchers.go`; measured on the legacy builder of 28.5, pair by pair
(`tests/findings/writings.py`), and of BuildKit's commands and values of ARG.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import replace

from cachetui.builders.docker_args import familiar
from cachetui.dockerfile.instruction import (
    FILE_KEYWORDS,
    DockerfileError,
    Heredoc,
    Instruction,
    Mount,
    clean_path,
    is_remote,
)
from cachetui.dockerfile.stages import expand
from cachetui.findings.variables import references
from cachetui.records.backend import Backend

Form = tuple[Hashable, ...]
"""Equal forms are equal words in the key."""

CWD = "WORKDIR"
"""The name among `values` of the folder that is in force, where it is known."""

_PLAIN = re.compile(r"(?<!\\)\$(?:\{\w+\}|\w+)")
_Word = Callable[[str], str]


def form(
    item: Instruction,
    backend: Backend,
    values: Mapping[str, str] | None = None,
    escape: str = "\\",
    *,
    default_shell: bool = False,
) -> Form:
    """The form of an instruction. `values` are put in for its variables, but in a command, whose
    shell does so itself; a variable without one is itself. `default_shell`: no SHELL is set above
    it."""
    known = values or {}
    if default_shell and in_default_shell(item):
        item = replace(item, json=False, args=item.args[-1:])

    def word(text: str) -> str:
        return _expanded(text, known, escape, item.line)

    if item.onbuild is not None and backend == "legacy":
        return (item.keyword, item.rest)  # its step's key has the very words
    if item.onbuild is not None:
        return (item.keyword, *form(item.onbuild, backend, {}, escape))
    if backend == "legacy" and item.heredocs:
        item = replace(item, heredocs=())  # it drops them
    if item.keyword in FILE_KEYWORDS:
        copied = _copied(item, word, known.get(CWD), backend)
        return (item.keyword, *_flags(item, word), *copied)
    return (item.keyword, *_flags(item, word), *_words(item, word, known.get(CWD)))


def in_default_shell(item: Instruction) -> bool:
    """Whether it is the exec form of what the shell form comes to with the default SHELL."""
    exec_form = item.json and item.keyword in ("RUN", "CMD", "ENTRYPOINT")
    return exec_form and len(item.args) == 3 and item.args[:2] == ("/bin/sh", "-c")


def _words(item: Instruction, word: _Word, cwd: str | None) -> Iterator[Hashable]:
    keyword, args = item.keyword, item.args
    if keyword == "RUN":
        yield from _command(item)
    elif keyword in ("ENV", "LABEL"):
        yield from zip(map(word, args[0::3]), map(word, args[1::3]), strict=False)
    elif keyword == "ARG":
        for name, equals, default in (declaration.partition("=") for declaration in args):
            yield word(name), equals, word(default)
    elif keyword == "WORKDIR":
        yield _folder(word(item.rest), cwd)
    elif keyword in ("USER", "STOPSIGNAL"):
        yield word(item.rest)
    elif keyword == "EXPOSE":
        yield from sorted(map(word, args))
    elif keyword == "VOLUME":
        yield from map(word, args)
    elif keyword == "FROM":
        yield word(args[0]) if args else None
    elif args:
        yield item.json
        yield from (args[0].upper(), *args[1:]) if keyword == "HEALTHCHECK" else args
    else:
        yield item.rest


def _flags(item: Instruction, word: _Word) -> Iterator[Hashable]:
    """Flags as they are, but the mounts of a RUN; those of COPY and ADD in any order."""
    if item.keyword == "RUN":
        yield from (_mount(one, word) for one in item.mounts)
        yield from (flag for flag in item.flags if not flag.startswith("--mount="))
    else:
        flags = [(name, word(item.flag(name) or "")) for name in item.flag_names()]
        if isinstance(item.copy_from, int):
            flags = [(name, text.lower() if name == "from" else text) for name, text in flags]
        elif item.copy_from is not None:
            flags = [(name, familiar(text) if name == "from" else text) for name, text in flags]
        yield tuple(sorted(flag for flag in flags if flag != ("link", "false")))


def _mount(mount: Mount, word: _Word) -> Hashable:
    known = {"type", "target", "dst", "destination", "source", "src", "from", "id", "sharing"}
    known |= {"ro", "readonly", "rw", "readwrite"}
    return (
        *(
            mount.type,
            clean_path(word(mount.target)),
            clean_path(posixpath.join("/", word(mount.source))),
        ),
        *(mount.from_, word(mount.id), mount.sharing, mount.readonly),
        tuple(sorted(option for option in mount.options if option[0] not in known)),
    )


def _command(item: Instruction) -> Iterator[Hashable]:
    """A RUN's words. A here-document that is all of it is a script, whatever it is called."""
    yield item.json
    if len(item.heredocs) == 1 and re.fullmatch(r"<<-?(['\"]?)[^'\"\s]+\1", " ".join(item.args)):
        yield "script", _document(item.heredocs[0])
        return
    yield from item.args
    for one in item.heredocs:
        yield one.name, one.content


def _document(heredoc: Heredoc) -> str:
    """The text of a here-document, less the tabs that `<<-` takes away."""
    lines = heredoc.content.split("\n")
    return "\n".join(line.lstrip("\t") for line in lines) if heredoc.chomp else heredoc.content


def _copied(
    item: Instruction, word: _Word, cwd: str | None, backend: Backend
) -> Iterator[Hashable]:
    """Sources by their path in the context, and where they go."""
    for heredoc in item.heredocs:
        text = _document(heredoc)
        yield heredoc.name, text, heredoc.expand and ("$" in text or "\\" in text)
    yield from (_source(word(source)) for source in item.sources)
    dest = word(item.dest or "")
    yield dest if backend == "legacy" else (_folder(dest, cwd), _is_folder(dest))


def _source(path: str) -> str:
    """A path of the context, which begins at its root however it is written."""
    return path if is_remote(path) else clean_path("/" + path)


def _folder(path: str, cwd: str | None) -> str:
    """A path in the image; a relative one from the folder in force, where that is known."""
    if path.startswith("/"):
        return clean_path(path)
    return clean_path(posixpath.join(cwd, path) if cwd is not None else f"./{path}")


def _is_folder(dest: str) -> bool:
    return dest.endswith("/") or posixpath.basename(dest) in (".", "")


def _expanded(text: str, values: Mapping[str, str], escape: str, line: int) -> str:
    """A word with its quotes taken off and its variables put in. One without a value stays; where
    what it comes to depends on whether it has one, the word is left as written."""
    unknown = {name: f"\0{name}\0" for name in references(text) if name not in values}
    if unknown and "${" in _PLAIN.sub("", text):
        return text
    try:
        return expand(text, {**values, **unknown}, escape, line)
    except DockerfileError:
        return text
