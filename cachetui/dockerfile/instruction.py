"""One instruction of a Dockerfile: its flags, mounts, sources and heredocs, as BuildKit reads them.

Rules are those of BuildKit's `frontend/dockerfile/instructions` (`parse.go`, `bflag.go`,
`commands_runmount.go`) and `dockerfile2llb/convert_runmount.go`. Variables are left as written.
"""

from __future__ import annotations

import csv
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from e2b_dockerfile_utils import DockerfileInstruction, is_space

FILE_KEYWORDS = frozenset({"ADD", "COPY"})
BUILDKIT_KEYWORDS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
"""Instructions that BuildKit makes a vertex of (`dockerfile2llb/convert.go`)."""


class DockerfileError(ValueError):
    """A Dockerfile that no builder would build: `line` (1-based, None for the whole) and why."""

    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message if line is None else f"line {line}: {message}")
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document of RUN, COPY or ADD: `content` holds every line with its newline.

    `chomp` is `<<-` (leading tabs go), `expand` whether variables in it are expanded.
    """

    name: str
    content: str
    chomp: bool
    expand: bool


@dataclass(frozen=True, slots=True)
class Mount:
    """A `RUN --mount`. `type` is bind, cache, tmpfs, secret or ssh (or what the file says).

    `id` of a cache mount without one is its target, cleaned (`convert_runmount.go`); variables
    are left as written. `from_stage` is the index of the stage that `from_` names, None when
    it names an image or nothing. `options` has every field as written, keys in lower case.
    """

    type: str
    target: str
    source: str
    from_: str | None
    id: str
    sharing: str
    readonly: bool
    options: tuple[tuple[str, str], ...]
    from_stage: int | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. `index` counts a stage's instructions (FROM is 0), -1 is no stage's:
    ARGs before the first FROM have `stage_index` -1 and count from 0.

    `keyword` is in upper case; `line` and `end_line` are 1-based, heredoc lines included.
    `text` is as written, continuation lines joined, without the heredocs' bodies. `flags` are
    the words that start with `--`, quotes removed. `args` are the words after them, as
    BuildKit's parser splits them for the keyword (ENV and LABEL: name, value, separator, …).
    `json` tells the exec form. `copy_from` is the stage index or the image that `COPY --from`
    names. `onbuild` is what an ONBUILD would run, None where that is not to be understood.
    """

    stage_index: int
    index: int
    keyword: str
    line: int
    end_line: int
    text: str
    flags: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    json: bool = False
    heredocs: tuple[Heredoc, ...] = ()
    mounts: tuple[Mount, ...] = ()
    copy_from: int | str | None = None
    onbuild: Instruction | None = None

    @property
    def is_trigger(self) -> bool:
        """Whether it is an ONBUILD trigger of a base image, which stands at its FROM."""
        return self.index == 0 and self.stage_index >= 0 and self.keyword != "FROM"

    def flag(self, name: str) -> str | None:
        """The value of `--name=value`, "true" for a bare `--name`, None without it."""
        for flag, value in self._flags():
            if flag == name:
                return value
        return None

    def flag_names(self) -> tuple[str, ...]:
        """Names of all flags, in order, without dashes."""
        return tuple(name for name, _ in self._flags())

    def _flags(self) -> Iterator[tuple[str, str]]:
        for word in self.flags:
            name, equals, value = word[2:].partition("=")
            yield name, value if equals else "true"

    def is_set(self, name: str) -> bool:
        """Whether a boolean flag is on: `--name` or `--name=true`."""
        return (self.flag(name) or "false").lower() == "true"

    @property
    def rest(self) -> str:
        """What follows the keyword, as written."""
        return self.text.strip()[len(self.keyword) :].strip()

    @property
    def sources(self) -> tuple[str, ...]:
        """The source words of COPY and ADD, heredocs (`<<EOF`) left out; () for others."""
        if self.keyword not in FILE_KEYWORDS:
            return ()
        names = {heredoc.name for heredoc in self.heredocs}
        return tuple(
            word
            for word in self.args[:-1]
            if not (names and word.startswith("<<") and word.lstrip("<-").strip("'\"") in names)
        )

    @property
    def dest(self) -> str | None:
        """Where COPY or ADD puts it, None for others."""
        return self.args[-1] if self.keyword in FILE_KEYWORDS and self.args else None

    @property
    def remote_sources(self) -> tuple[str, ...]:
        """The sources of an ADD that are fetched over the network: http(s) and git."""
        if self.keyword != "ADD":
            return ()
        return tuple(source for source in self.sources if is_remote(source))

    @property
    def cache_mounts(self) -> tuple[Mount, ...]:
        return tuple(mount for mount in self.mounts if mount.type == "cache")

    @property
    def link(self) -> bool:
        """Whether it is a `COPY --link` or `ADD --link`."""
        return self.keyword in FILE_KEYWORDS and self.is_set("link")


def is_remote(source: str) -> bool:
    """Whether ADD fetches this source: a URL or a git reference (`util/gitutil/git_ref.go`)."""
    if source.startswith(("http://", "https://", "git://", "ssh://", "git@")):
        return True
    return source.startswith("github.com/")


def clean_path(path: str) -> str:
    """Go's `path.Clean`: `a//b/../c/` is `a/c`, an empty path is `.`, `//a` is `/a`."""
    cleaned = posixpath.normpath(path)
    return "/" + cleaned.lstrip("/") if cleaned.startswith("//") else cleaned


def parse_mount(value: str) -> Mount:
    """What follows `--mount=`: comma separated `key=value`, with CSV quoting.

    Unknown keys and values are kept in `options`: a newer frontend may know them.
    """
    try:
        rows = list(csv.reader([value], strict=False))
    except csv.Error:
        rows = []
    fields = rows[0] if rows else []
    options: list[tuple[str, str]] = []
    for field in fields:
        key, equals, text = field.partition("=")
        options.append((key.lower(), text if equals else "true"))
    values = {
        {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}.get(k, k): v
        for k, v in options
    }
    kind = values.get("type", "bind").lower()
    target = values.get("target", "")
    identity = values.get("id", "")
    if kind == "cache" and not identity:
        identity = clean_path(target)
    writable = kind in ("cache", "tmpfs") or "true" in (values.get("rw"), values.get("readwrite"))
    readonly = values.get("readonly")
    return Mount(
        type=kind,
        target=target,
        source=values.get("source", ""),
        from_=values.get("from") or None,
        id=identity,
        sharing=values.get("sharing", "shared").lower() if kind == "cache" else "",
        readonly=(readonly.lower() not in ("false", "0")) if readonly else not writable,
        options=tuple(options),
    )


def from_node(node: DockerfileInstruction, stage_index: int, index: int) -> Instruction:
    """A parsed instruction at its place. What its `from` names is not looked up here: a
    `COPY --from` is left as written."""
    flags = tuple(map(_flag_as_read, node.flags))
    mounts = tuple(
        parse_mount(flag[len("--mount=") :])
        for flag in flags
        if node.name == "RUN" and flag.startswith("--mount=")
    )
    source = next((flag[len("--from=") :] for flag in flags if flag.startswith("--from=")), None)
    return Instruction(
        stage_index=stage_index,
        index=index,
        keyword=node.name,
        line=node.start_line,
        end_line=node.end_line,
        text=node.original.strip(),
        flags=flags,
        args=_args(node),
        json=node.json,
        heredocs=tuple(Heredoc(d.name, d.content, d.chomp, d.expand) for d in node.heredocs),
        mounts=mounts,
        copy_from=(source or None) if node.name == "COPY" else None,
    )


def _flag_as_read(flag: str) -> str:
    """A flag as BuildKit reads it: it takes each byte for a character, so "é" becomes "Ã©"
    (`frontend/dockerfile/parser/split_command.go`, extractBuilderFlags)."""
    return flag.encode("utf-8", "surrogateescape").decode("latin-1")


_SPACES = re.compile(r"[\t\v\f\r ]+")


def _args(node: DockerfileInstruction) -> tuple[str, ...]:
    """The words of an instruction as BuildKit splits them.

    `e2b_dockerfile_utils` takes `COPY "a b" c` for two words, where BuildKit's parser, blind to
    quotes there, has three (`parser/line_parsers.go` parseStringsWhitespaceDelimited).
    """
    if node.name not in FILE_KEYWORDS or node.json:
        return tuple(node.args)
    left = sum(not is_space(char) for word in node.args for char in word)
    text = node.original.strip()
    if text.endswith(("\\", "`")) and not "".join(node.args).endswith(text[-1]):
        left += 1  # an escape at the very end, which is left out of the words
    start = len(text)
    while start and left:
        start -= 1
        left -= not is_space(text[start])
    return tuple(word for word in _SPACES.split(text[start:].strip()) if word)
