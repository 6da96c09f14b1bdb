"""Whether a line that copies or mounts comes to the same files, though it names them otherwise.

Measured in our lab on 20.10, 26.1, 28.5 and 28.5 with the containerd store. The legacy builder has
the paths and contents that its sources come to in the key, in their order: names written out and a
wildcard for them are one. BuildKit has the last part of each source as it is written, and what is
below it, wherever that lies: `COPY a/f` and `COPY b/f` of equal files are one.
"""

from __future__ import annotations

import posixpath
from collections.abc import Hashable, Iterator

from cachetui.context.manifest import Entry
from cachetui.dockerfile.instruction import Instruction, clean_path
from cachetui.findings.build_inputs import given_arguments
from cachetui.findings.build_on_host import BuildOnHost
from cachetui.findings.case import Case
from cachetui.findings.context_files import identity, read_by_source, reads_context
from cachetui.findings.dockerfile_edits import Edit
from cachetui.findings.earlier_run import EarlierRun
from cachetui.findings.variables import scope_at
from cachetui.records.backend import Backend
from cachetui.records.run import Run


def same_sources(case: Case, run: Run, before: EarlierRun, edit: Edit) -> bool | None:
    """Whether an edit `by_files` comes to the files that it came to in the earlier run; None where
    that is not known: of a stage or an image, or of a context that was not kept."""
    if edit.before is None or edit.now is None:
        return None
    sides = (
        (case.build_before(before, run.backend), edit.before),
        (case.build_on(run), edit.now),
    )
    then, now = (_key(build, item, run.backend) for build, item in sides)
    return None if then is None or now is None else then == now


def _key(build: BuildOnHost, item: Instruction, backend: Backend) -> list[Hashable] | None:
    """What of the context is in the key of an instruction."""
    of_others = item.copy_from is not None or any(one.from_ is not None for one in item.mounts)
    if of_others or not reads_context(item, backend) or build.files is None:
        return None
    given = given_arguments(build.build, backend, build.facts)
    place = item.stage_index, item.index
    scope = scope_at(build.dockerfile, given, *place, backend, build.hasher)
    read = read_by_source(build.files, item, backend, scope)
    if read is None:
        return None
    tops = ["" if backend == "legacy" else _top(source, item) for source, _ in read]
    if any(char in top for top in tops for char in "*?["):
        return None
    return [one for top, (_, files) in zip(tops, read, strict=True) for one in _entries(top, files)]


def _top(source: str, item: Instruction) -> str:
    """What of a source's path is in no key of BuildKit: the folder that it is in; of a mount all
    of it."""
    path = clean_path("/" + source)
    return (path if item.keyword == "RUN" else posixpath.dirname(path)).strip("/")


def _entries(top: str, files: dict[str, Entry]) -> Iterator[Hashable]:
    for path in sorted(files):
        inner = path[len(top) :] if top and (path == top or path.startswith(f"{top}/")) else path
        yield inner.lstrip("/"), identity(files[path])
