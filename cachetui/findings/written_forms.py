"""What of an instruction's words is in cache keys, whichever way they are written.

Quotes, the case of the keyword, white space between words, continuation lines and comments are in
no key: a value is, not its spelling, and with its variables put in. White space within a command is
part of it. Read in BuildKit's `frontend/dockerfile/instructions` and `dockerfile2llb/convert.go`,
and in moby's `builder/dockerfile/dispatchers.go`; measured pair by pair on 20.10, 26.1, 28.5 and
28.5 with the containerd store, both builders (`tests/findings/writings.py`).
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
from cachetui.findings.flag_values import healthcheck_value, mode, number, owner, size
from cachetui.findings.scope import Guess, Scope, references
from cachetui.findings.variables import expand_guessed
from cachetui.records.backend import Backend

Form = tuple[Hashable, ...]
"""Equal forms are equal words in the key."""

CWD = "WORKDIR"
"""The name among `values` of the folder that is in force, where it is known."""

_PLAIN = re.compile(r"(?<!\\)\$(?:\{\w+\}|\w+)")
_MOUNT_WORDS = frozenset({"type", "target", "dst", "destination", "source", "src", "from", "id"})
_MOUNT_WORDS |= {"sharing", "ro", "readonly", "rw", "readwrite"}
_Word = Callable[[str], str]
StageOf = Callable[[int], Hashable]


def form(
    item: Instruction,
    backend: Backend,
    values: Mapping[str, str] | None = None,
    escape: str = "\\",
    *,
    guess: Guess | None = None,
    default_shell: bool = False,
    stage_of: StageOf = lambda index: index,
    by_files: bool = False,
) -> Form:
    """The form of an instruction. `values` are put in for its variables, but in a command, whose
    shell does so itself; a variable without one is itself, or what `guess` says of it.
    `default_shell`: no SHELL is set above it. `stage_of` names the stage of a number. `by_files`
    leaves out what is in the key by the files that it comes to alone: where a builder copies from,
    or mounts."""
    known = values or {}
    if default_shell and in_default_shell(item):
        item = replace(item, json=False, args=item.args[-1:])

    def word(text: str) -> str:
        if guess is not None:
            return expand_guessed(text, known, guess, escape, item.line)
        return _expanded(text, known, escape, item.line)

    if item.onbuild is not None and backend == "legacy":
        return (item.keyword, item.rest)  # its step's key has the very words
    if item.onbuild is not None:
        return (item.keyword, *form(item.onbuild, backend, {}, escape))
    if backend == "legacy" and item.heredocs:
        item = replace(item, heredocs=())  # it drops them
    cwd = known.get(CWD) or (guess(CWD) if guess is not None else None)
    if guess is not None and cwd is None:
        cwd = "/"  # of nearly all images
    if item.keyword == "RUN":
        mounts = sorted(
            (_mount(one, word, cwd, stage_of, by_files=by_files) for one in item.mounts), key=repr
        )
        flags = (flag for flag in item.flags if not flag.startswith("--mount="))
        kept = sorted(flag for flag in flags if flag != "--network=default")
        return (item.keyword, *mounts, *kept, *_command(item))
    if item.keyword in FILE_KEYWORDS:
        own = _copy_flags(item, word, backend, stage_of, by_files=by_files)
        return (item.keyword, own, *_copied(item, word, cwd, backend, by_files=by_files))
    return (item.keyword, *_flags(item, word), *_words(item, word, cwd))


def form_in(
    item: Instruction,
    backend: Backend,
    scope: Scope,
    guess: Guess,
    *,
    stage_of: StageOf,
    by_files: bool = False,
) -> Form:
    """The form of an instruction with what is in force above it, by that guess: see `form`."""
    folder = scope.setting_values.get(CWD)
    return form(
        item,
        backend,
        scope.values if folder is None else {**scope.values, CWD: folder},
        scope.escape,
        guess=scope.told(guess),
        default_shell="SHELL" not in scope.settings,
        stage_of=stage_of,
        by_files=by_files,
    )


def in_default_shell(item: Instruction) -> bool:
    """Whether it is the exec form of what the shell form comes to with the default SHELL."""
    exec_form = item.json and item.keyword in ("RUN", "CMD", "ENTRYPOINT")
    return exec_form and len(item.args) == 3 and item.args[:2] == ("/bin/sh", "-c")


def _words(item: Instruction, word: _Word, cwd: str | None) -> Iterator[Hashable]:
    keyword, args = item.keyword, item.args
    if keyword in ("ENV", "LABEL"):
        yield from zip(map(word, args[0::3]), map(word, args[1::3]), strict=False)
    elif keyword == "ARG":
        for name, equals, default in (declaration.partition("=") for declaration in args):
            yield word(name), equals, word(default)
    elif keyword == "WORKDIR":
        yield _folder(word(item.rest), cwd)
    elif keyword in ("USER", "STOPSIGNAL"):
        yield word(item.rest)
    elif keyword == "EXPOSE":
        yield from map(word, sorted(args))  # sorted as written
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
    """Flags in any order."""
    flags = [(name, word(item.flag(name) or "")) for name in item.flag_names()]
    if item.keyword == "HEALTHCHECK":
        flags = [(name, healthcheck_value(name, text)) for name, text in flags]
        flags = [(name, text) for name, text in flags if text != "0"]
    yield tuple(sorted(flags))


def _copy_flags(
    item: Instruction, word: _Word, backend: Backend, stage_of: StageOf, *, by_files: bool
) -> Hashable:
    """Flags of COPY and ADD in any order, with what `--from` names."""
    flags: dict[str, Hashable] = {
        name: word(item.flag(name) or "") for name in item.flag_names() if name != "from"
    }
    if flags.get("link") == "false":
        del flags["link"]
    for name, read in (("chown", owner), ("chmod", mode)):
        if name in flags and backend == "buildkit":
            flags[name] = read(str(flags[name]))
    source = item.copy_from
    if source is not None and not by_files:
        flags["from"] = stage_of(source) if isinstance(source, int) else familiar(source)
    return tuple(sorted(flags.items(), key=repr))


def _mount(
    mount: Mount, word: _Word, cwd: str | None, stage_of: StageOf, *, by_files: bool
) -> Hashable:
    """A mount. Its target is in the key as it is written, a relative one from the folder in force;
    the order of several is not."""
    target = word(mount.target)
    source = clean_path(posixpath.join("/", word(mount.source)))
    others = {name: text for name, text in mount.options if name not in _MOUNT_WORDS}
    for name, read in (("uid", number), ("gid", number), ("mode", mode), ("size", size)):
        if name in others:
            others[name] = read(others[name])
    for name, default in (("required", "false"), ("uid", "0"), ("gid", "0")):
        if others.get(name) == default and mount.type in ("cache", "secret", "ssh"):
            del others[name]
    origin: Hashable = mount.from_
    if mount.from_stage is not None:
        origin = stage_of(mount.from_stage)
    elif mount.from_ is not None:
        origin = familiar(mount.from_)
    if by_files and mount.type == "bind" and source != "/":
        source, origin = "", None
    if mount.type == "secret" and not target and not others.get("env"):
        target = f"/run/secrets/{word(mount.id)}"
    return (
        *(target if target.startswith("/") else _folder(target, cwd), mount.type, source, origin),
        *(clean_path(word(mount.id)) if mount.type == "cache" else word(mount.id), mount.sharing),
        *(mount.readonly, tuple(sorted(others.items()))),
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
    item: Instruction, word: _Word, cwd: str | None, backend: Backend, *, by_files: bool
) -> Iterator[Hashable]:
    """Sources by their path in the context, and where they go. BuildKit has the last part of a
    source's path in the key as it is written, the legacy builder nothing of it."""
    for heredoc in item.heredocs:
        text = _document(heredoc)
        put_in = heredoc.expand and ("$" in text or "\\" in text)
        used = [(name, word(f"${{{name}}}")) for name in references(text)] if put_in else []
        yield heredoc.name, text, put_in, *used
    for source in item.sources:
        path = _source(word(source))
        if not by_files or is_remote(source):
            yield path
        elif backend == "buildkit":
            yield posixpath.basename(path)
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
