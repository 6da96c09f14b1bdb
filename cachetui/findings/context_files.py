"""What an instruction sees of a build context, and how two views of it differ.

Measured in our lab on 20.10, 26.1 and 28.5, with each content in a folder of a name of its own:
both builders have content, type, link target and mode of all that is copied in COPY's key, with
`--chmod` or without, of folders too. Not in it are the mode of the context's root and of folders
above what is copied, names outside of it, times and owners. (A folder whose mode changes in place
is a hit on BuildKit: what the engine keeps of the last transfer has the new mode and the old hash,
fsutil `diskwriter.go`.) Which entries a source names is in `copied_paths`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from e2b_dockerfile_utils import PatternMatcher

from cachetui.builders.docker_args import familiar
from cachetui.context.manifest import Entry
from cachetui.dockerfile.instruction import DockerfileError, Instruction, is_remote
from cachetui.dockerfile.stages import expand
from cachetui.findings.copied_paths import copied
from cachetui.findings.scope import Scope, references
from cachetui.records.backend import Backend
from cachetui.records.document import BuildRecord

ROOT = "context"
NAMED = "contexts"
_OF_NAMED = "named context "
"""How a path in a named context begins where it stands beside paths of the build context."""


@dataclass(frozen=True)
class ContextFiles:
    """A build context: its entries as in `context.Entry`, the texts of its ignore files by path
    ("context/.dockerignore"), and where its Dockerfile is ("context/Dockerfile"). What was once
    looked up is remembered: a fleet asks the same of one context hundreds of times. `digests` are
    those of paths (`base_paths`)."""

    entries: tuple[Entry, ...]
    ignores: Mapping[str, str]
    dockerfile: str
    memo: dict[object, dict[str, Entry] | None] = field(
        default_factory=dict, repr=False, compare=False
    )
    trees: dict[str, ContextFiles | None] = field(default_factory=dict, repr=False, compare=False)
    digests: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def named(self, name: str) -> ContextFiles | None:
        """A named context as one of its own; None where it is not among what is known."""
        if name not in self.trees:
            self.trees[name] = self._named(f"{NAMED}/{name}")
        return self.trees[name]

    def _named(self, top: str) -> ContextFiles | None:
        def moved(path: str) -> str:
            return ROOT + path.removeprefix(top)

        own = [one for one in self.entries if one.path == top or one.path.startswith(f"{top}/")]
        if not own:
            return None
        entries = tuple(
            msgspec.structs.replace(
                one,
                path=moved(one.path),
                target=moved(one.target) if one.kind == "link" and one.target else one.target,
            )
            for one in own
        )
        ignore = f"{top}/.dockerignore"
        ignores = {moved(ignore): self.ignores[ignore]} if ignore in self.ignores else {}
        return ContextFiles(entries, ignores, "")

    def visible(self, backend: Backend) -> dict[str, Entry] | None:
        """Path from the context's root → entry, less what the backend's ignore file leaves out;
        hard links as what they link to. None when an ignore file's text is not known."""
        if backend not in self.memo:
            self.memo[backend] = self._visible(backend)
        return self.memo[backend]

    def _visible(self, backend: Backend) -> dict[str, Entry] | None:
        own = f"{self.dockerfile}.dockerignore"
        names = (
            [own, f"{ROOT}/.dockerignore"] if backend == "buildkit" else [f"{ROOT}/.dockerignore"]
        )
        there = {entry.path: entry for entry in self.entries}
        matcher = None
        for name in names:
            if name in there:
                if name not in self.ignores:
                    return None
                try:
                    matcher = PatternMatcher(self.ignores[name].removeprefix("\ufeff").splitlines())
                except ValueError:
                    return None
                break
        entries: dict[str, Entry] = {}
        for entry in self.entries:
            if not entry.path.startswith(ROOT + "/"):
                continue
            path = entry.path[len(ROOT) + 1 :]
            if matcher is not None and matcher.matches(path):
                continue
            source = there.get(entry.target or "") if entry.kind == "link" else None
            if source is not None:
                # The legacy builder has in the key that it is a link, and to what.
                to = entry.target if backend == "legacy" else None
                entry = Entry(entry.path, "file", source.mode, source.size, source.sha256, to)
            entries[path] = entry
        return entries


def context_of(
    entries: Iterable[Entry], build: BuildRecord, ignores: Mapping[str, str]
) -> ContextFiles:
    """The context of a build by its entries. A Dockerfile from elsewhere is sent beside it, as
    "Dockerfile"."""
    every = tuple(entries)
    beside = any(entry.path == build.dockerfile == "Dockerfile" for entry in every)
    name = build.dockerfile if beside else f"{ROOT}/{build.dockerfile}"
    return ContextFiles(every, ignores, name)


@dataclass(frozen=True, slots=True)
class Difference:
    """Paths (from the context's root, sorted) in which two views differ. `modes` are (path,
    mode in the first, mode in the second) of what differs in nothing else."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    content: tuple[str, ...] = ()
    modes: tuple[tuple[str, int, int], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.content or self.modes)

    @property
    def only_modes(self) -> bool:
        return bool(self.modes) and not (self.added or self.removed or self.content)

    @property
    def paths(self) -> tuple[str, ...]:
        """All of them, sorted."""
        return tuple(
            sorted({*self.added, *self.removed, *self.content, *(p for p, _, _ in self.modes)})
        )


def reads_context(instruction: Instruction, backend: Backend) -> bool:
    """Whether the instruction reads files of the build context."""
    if instruction.keyword in ("COPY", "ADD"):
        local = [source for source in instruction.sources if not _remote(instruction, source)]
        return instruction.copy_from is None and bool(local)
    return backend == "buildkit" and any(_binds_context(instruction))


def named_contexts_read(
    instruction: Instruction, backend: Backend, names: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Of the named contexts of the build, those that the instruction copies from or mounts, each
    with the paths in it. Only BuildKit has them."""
    if backend == "legacy":
        return {}
    found: dict[str, tuple[str, ...]] = {}
    source = instruction.copy_from
    if isinstance(source, str) and familiar(source) in names:
        found[familiar(source)] = instruction.sources
    for mount in instruction.mounts:
        name = familiar(mount.from_ or "")
        if name in names and mount.from_stage is None:
            found[name] = (*found.get(name, ()), mount.source or ".")
    return found


def is_of_named(path: str) -> bool:
    """Whether a path that `files_read` gives is in a named context."""
    return path.startswith(_OF_NAMED)


def from_root(path: str) -> str:
    """Where a path that `files_read` gives lies, from the root of the build context in what is
    sent."""
    if not is_of_named(path):
        return path
    name, _, rest = path.removeprefix(_OF_NAMED).partition(": ")
    return f"../{NAMED}/{name}/{rest}"


def files_read(
    files: ContextFiles,
    instruction: Instruction,
    backend: Backend,
    scope: Scope,
    names: Collection[str] = (),
) -> dict[str, Entry] | None:
    """The entries that the instruction reads of the build context, and of those contexts that are
    named `names` ("named context data: a.txt"). None when that is not known: a source with a
    variable whose value is not known, an ignore file whose text is not."""
    read = named_contexts_read(instruction, backend, names)
    if not read:
        return _read(files, _sources(instruction, backend), instruction, backend, scope)
    seen: dict[str, Entry] | None = {}
    if reads_context(instruction, backend):
        seen = _read(files, _sources(instruction, backend), instruction, backend, scope)
    for name, sources in read.items():
        tree = files.named(name)
        own = _read(tree, sources, instruction, backend, scope) if tree is not None else None
        if seen is None or own is None:
            return None
        seen = {**seen, **{f"{_OF_NAMED}{name}: {path}": one for path, one in own.items()}}
    return seen


def _read(
    files: ContextFiles,
    written: Iterable[str],
    instruction: Instruction,
    backend: Backend,
    scope: Scope,
) -> dict[str, Entry] | None:
    sources = tuple(_expanded(source, scope) for source in written)
    excluded: tuple[str, ...] = ()
    if backend == "buildkit":
        flags = (flag for flag in instruction.flags if flag.startswith("--exclude="))
        excluded = tuple(flag.partition("=")[2] for flag in flags)
    key = (backend, sources, excluded)
    if key not in files.memo:
        files.memo[key] = _seen(files, backend, sources, excluded)
    return files.memo[key]


def _seen(
    files: ContextFiles, backend: Backend, sources: Sequence[str | None], excluded: Sequence[str]
) -> dict[str, Entry] | None:
    visible = files.visible(backend)
    if visible is None:
        return None
    try:
        leave_out = PatternMatcher(list(excluded)) if excluded else None
    except ValueError:
        return None
    entries: dict[str, Entry] = {}
    for source in sources:
        if source is None:
            return None
        entries |= copied(visible, source, backend, leave_out)
    return entries


def read_by_source(
    files: ContextFiles, instruction: Instruction, backend: Backend, scope: Scope
) -> list[tuple[str, dict[str, Entry]]] | None:
    """Each source of the build context that the instruction copies or mounts, with the entries
    that it comes to, in order. None as of `files_read`."""
    found: list[tuple[str, dict[str, Entry]]] = []
    for source in _sources(instruction, backend):
        name = _expanded(source, scope)
        read = None if name is None else _read(files, [source], instruction, backend, scope)
        if name is None or read is None:
            return None
        found.append((name, read))
    return found


def compare_files(first: Mapping[str, Entry], second: Mapping[str, Entry]) -> Difference:
    """How the second view differs from the first: both of one builder, whose key they are."""
    content: list[str] = []
    modes: list[tuple[str, int, int]] = []
    for path in sorted(set(first) & set(second)):
        a, b = first[path], second[path]
        if _bytes(a) != _bytes(b):
            content.append(path)
        elif a.mode != b.mode and a.kind in ("file", "dir"):
            modes.append((path, a.mode, b.mode))
    return Difference(
        added=tuple(sorted(set(second) - set(first))),
        removed=tuple(sorted(set(first) - set(second))),
        content=tuple(content),
        modes=tuple(modes),
    )


def identity(entry: Entry) -> tuple[object, ...]:
    """What of an entry is in a key beside its path."""
    return (*_bytes(entry), entry.mode if entry.kind in ("file", "dir") else None)


def _bytes(entry: Entry) -> tuple[object, ...]:
    if entry.kind == "file":
        return ("file", entry.size, entry.sha256, entry.target)
    return (entry.kind, entry.target)


def _binds_context(instruction: Instruction) -> Iterable[str]:
    """The context's paths that a RUN mounts."""
    for mount in instruction.mounts:
        if mount.type == "bind" and mount.from_ is None:
            yield mount.source or "."


def _sources(instruction: Instruction, backend: Backend) -> list[str]:
    if instruction.keyword in ("COPY", "ADD"):
        return [source for source in instruction.sources if not _remote(instruction, source)]
    return list(_binds_context(instruction)) if backend == "buildkit" else []


def _remote(instruction: Instruction, source: str) -> bool:
    return instruction.keyword == "ADD" and is_remote(source)


def _expanded(text: str, scope: Scope) -> str | None:
    """A source as builders read it; None when it is not known, and for what is fetched."""
    path = _word(text, scope)
    return None if path is None or is_remote(path) else path


def fetches(instruction: Instruction, scope: Scope) -> bool:
    """Whether an ADD fetches a source over the network, however that is written."""
    words = [_word(source, scope) for source in instruction.sources]
    return instruction.keyword == "ADD" and any(word and is_remote(word) for word in words)


def _word(text: str, scope: Scope) -> str | None:
    """A word with its quotes taken off and its variables put in. None when one's value is not
    known."""
    names = (name for name in references(text) if name not in scope.values)
    if not all(map(scope.is_unset, names)):
        return None
    try:
        return expand(text, scope.values, scope.escape, 0)
    except DockerfileError:
        return None  # no engine builds it
