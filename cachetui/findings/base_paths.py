"""Values of a base image's variables that name paths of the build context.

Of such a value only a digest is kept. In a COPY it can be no more than what the context has: so
the digests of the context's paths tell which of them it is, and that alone is told.
"""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.context_files import ROOT, ContextFiles
from cachetui.findings.scope import Scope, references
from cachetui.records.digest import ValueHasher, is_digest

MOST_ENTRIES = 20_000
"""Entries of a context whose paths are tried: a second at worst."""


def tell_paths(
    scope: Scope, instruction: Instruction, files: ContextFiles, hasher: ValueHasher
) -> None:
    """Put into `scope.values` those variables of the base image that the instruction's words use,
    where their value is a path of the context, or a name in one."""
    digests = {
        name: scope.env[name]
        for name in references(instruction.text)
        if name not in scope.values and is_digest(scope.env.get(name, ""))
    }
    if not digests or len(files.entries) > MOST_ENTRIES:
        return
    if not files.digests:
        files.digests.update((hasher.digest(path), path) for path in _writings(files))
    for name, digest in digests.items():
        if digest in files.digests:
            scope.values[name] = files.digests[digest]


def _writings(files: ContextFiles) -> Iterator[str]:
    """The paths of a context and the names in them, as they are written."""
    yield from ("", ".", "./", "/")
    for entry in files.entries:
        path = entry.path.removeprefix(f"{ROOT}/")
        name = path.rpartition("/")[2]
        for one in dict.fromkeys((path, name)):
            yield from (one, f"{one}/", f"/{one}", f"/{one}/", f"./{one}", f"./{one}/")
