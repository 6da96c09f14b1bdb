"""Build contexts compared, as far as an instruction sees them, and how they differ."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from cachetui.context.manifest import Entry
from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS
from cachetui.findings.context_files import (
    ContextFiles,
    Difference,
    compare_files,
    files_read,
    is_of_named,
    reads_context,
)
from cachetui.findings.ignore_files import ignored_on_buildkit_alone
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.findings.variables import scope_at
from cachetui.findings.wording import join_names
from cachetui.records.backend import Backend
from cachetui.records.step import StepId

Kind = Literal["content", "modes", "unneeded"]

_UNNEEDED = re.compile(
    r"""(?:^|/)(?:
      \.git | \.gitignore | \.gitattributes | \.hg | \.svn | \.bzr | \.github | \.gitlab
    | \.gitlab-ci\.yml | \.idea | \.vscode | \.project | \.classpath | \.DS_Store | Thumbs\.db
    | [^/]*~ | \.[^/]*\.sw[a-p] | \#[^/]*\# | \.\#[^/]* | [^/]*\.(?:orig|rej|bak|tmp|temp)
    | [^/]*\.log(?:\.\d+)? | nohup\.out
    | __pycache__ | [^/]*\.py[co] | \.pytest_cache | \.mypy_cache | \.ruff_cache | \.tox | \.nox
    | \.coverage(?:\.[^/]*)? | htmlcov | \.nyc_output | \.eslintcache
    | (?:[^/]*\.)?Dockerfile(?:\.[^/]*)? | \.dockerignore | (?:docker-)?compose(?:\.[^/]*)?\.ya?ml
    )(?:/|$)""",
    re.VERBOSE,
)
"""What is part of a folder for other reasons than to be in an image. Nothing that source code is
called too (logs, coverage), and nothing that some images are made of (node_modules)."""


@dataclass(frozen=True)
class ContextDifference:
    """Two views of the context by one instruction, and how the second differs from the first.

    `first` and `second` say whose they are, `host` is the host that has the second.
    """

    instruction: Instruction
    step: StepId
    backend: Backend
    difference: Difference
    first: str
    second: str
    host: str
    kind: Kind
    sure: bool = False

    @property
    def where(self) -> str:
        """For a title: what it is other than, or where it is."""
        return f"than in the earlier run on {HOSTS}" if self.sure else f"on {HOSTS}"

    def evidence(self) -> Evidence:
        """The difference as a sentence, and as data."""
        one = self.difference
        parts = [
            f"{_count(paths)} {what} ({join_names(files_of(paths), 3)})"
            for paths, what in (
                (one.added, "added"),
                (one.removed, "removed"),
                (one.content, "with other content"),
            )
            if paths
        ]
        if one.modes:
            shown = [f"{path} {was:o} → {now:o}" for path, was, now in one.modes]
            parts.append(f"{_count(one.modes)} with another mode ({join_names(shown, 3)})")
        return Evidence(
            kind="manifest",
            text=f"{self.second} differs from {self.first}: {'; '.join(parts)}",
            hosts=(self.host,),
            data={
                "added": list(one.added[:50]),
                "removed": list(one.removed[:50]),
                "content": list(one.content[:50]),
                "modes": [[path, f"{was:o}", f"{now:o}"] for path, was, now in one.modes[:50]],
            },
        )

    def ignored_elsewhere(self, case: Case) -> Iterator[Evidence]:
        """That an ignore file excludes all that differs, and this builder does not read it."""
        paths = files_of(self.difference.paths)
        if any(map(is_of_named, paths)):
            return
        text = ignored_on_buildkit_alone(case.document.build, self.backend, paths)
        if text is not None:
            yield Evidence(kind="manifest", text=text)


def files_of(paths: Sequence[str]) -> list[str]:
    """The paths less the folders that others of them are in."""
    folders = {path.rpartition("/")[0] for path in paths}
    return [path for path in paths if path not in folders]


def _count(paths: Sequence[object]) -> str:
    return f"{len(paths)} path{'s' if len(paths) > 1 else ''}"


def difference_since_before(question: Question) -> ContextDifference | None:
    """What the step that missed sees, beside what it saw in the earlier run on this host; or
    beside what this host's own checkout has, where that is what its cache was made from."""
    item = question.instruction
    if item is None or question.changes.now is None or question.changes.now.files is None:
        return None
    now, backend = question.changes.now.files, question.run.backend
    if question.before is not None:
        if question.changes.then is None or question.changes.then.files is None:
            return None
        if question.changes.lines.names_same_files:
            return None
        difference = question.case.compared(question.changes.then.files, now)
        if not difference:
            return None
        audit = question.before.run.audit
        return ContextDifference(
            item, question.step.id, backend, difference, f"that of audit {audit}",
            "the context now", question.run.host, kind_of(difference, item), sure=True,
        )  # fmt: skip
    files = question.case.checkout(question.run.host)
    if files is None or question.run.context_digest is not None or not question.as_found:
        return None
    theirs = _view(question.case, files, item, backend)
    if theirs is None or not (difference := question.case.compared(now, theirs)):
        return None
    host = question.run.host
    return ContextDifference(
        item, question.step.id, backend, difference, "the context that was sent",
        f"the checkout on {HOSTS}", host, kind_of(difference, item),
    )  # fmt: skip


def modes_of_checkout(case: Case, host: str) -> Iterator[tuple[str, int, int]]:
    """(path, mode in the context that was sent, mode in the host's own checkout) of what any
    instruction sees with another mode there, with either builder; once for each instruction."""
    sent, theirs = case.files(case.document, ""), case.checkout(host)
    if sent is None or theirs is None:
        return
    for backend in _backends(case, host):
        for item in case.instructions("COPY", "ADD", "RUN"):
            if reads_context(item, backend):
                first, second = (_view(case, files, item, backend) for files in (sent, theirs))
                if first is not None and second is not None:
                    yield from compare_files(first, second).modes


def differences_between_hosts(case: Case) -> Iterator[ContextDifference]:
    """Of each host whose own checkout is not like most, the first instruction that sees it."""
    views: dict[str, ContextFiles] = {}
    names: dict[str, str] = {}
    sent = case.files(case.document, "")
    for report in case.document.hosts:
        files = case.checkout(report.name)
        if files is not None:
            views[report.name], names[report.name] = files, f"the checkout on {HOSTS}"
        elif sent is not None:
            views[report.name], names[report.name] = sent, "the context that was sent"
    if all(files is sent for files in views.values()):
        return
    usual = _usual(views, sent)
    if usual is None:
        return
    for host, files in views.items():
        for backend in _backends(case, host):
            difference = _first(case, usual, (files, names[host]), host, backend)
            if difference is not None:
                yield difference


def _usual(
    views: dict[str, ContextFiles], sent: ContextFiles | None
) -> tuple[ContextFiles, str] | None:
    """The context that most hosts have; the one that was sent when none is most common."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for host, files in views.items():
        groups.setdefault(files.entries, []).append(host)
    sizes = sorted((len(hosts) for hosts in groups.values()), reverse=True)
    if sent is not None and (len(groups) == 1 or (len(sizes) > 1 and sizes[0] == sizes[1])):
        return sent, "the context that was sent"
    most = max(groups.values(), key=len, default=None)
    if most is None:
        return None
    name = join_names(most, 2)
    files = views[most[0]]
    return files, "the context that was sent" if files is sent else f"the checkout on {name}"


def _first(
    case: Case,
    usual: tuple[ContextFiles, str],
    other: tuple[ContextFiles, str],
    host: str,
    backend: Backend,
) -> ContextDifference | None:
    if usual[0].entries == other[0].entries:
        return None
    for item in case.instructions("COPY", "ADD", "RUN"):
        if not reads_context(item, backend):
            continue
        first = _view(case, usual[0], item, backend)
        second = _view(case, other[0], item, backend)
        if first is None or second is None:
            continue
        difference = case.compared(first, second)
        if difference:
            return ContextDifference(
                item, StepId(item.stage_index, item.index), backend, difference,
                usual[1], other[1], host, kind_of(difference, item),
            )  # fmt: skip
    return None


def _view(
    case: Case, files: ContextFiles, item: Instruction, backend: Backend
) -> dict[str, Entry] | None:
    args = case.document.build.build_args
    scope = scope_at(case.dockerfile, args, item.stage_index, item.index, backend, case.hasher)
    return files_read(files, item, backend, scope, case.document.build.named_contexts)


def _backends(case: Case, host: str) -> list[Backend]:
    return list(dict.fromkeys(run.backend for run in case.runs if run.host == host))


def kind_of(difference: Difference, item: Instruction) -> Kind:
    """`unneeded` when all that differs are files that no image needs, and the instruction does
    not name them; `modes` when nothing but modes differs."""
    named = {posixpath.normpath(source.strip("\"'")).lstrip("/") for source in item.sources}
    paths = files_of(difference.paths)
    if all(_UNNEEDED.search(path) and path not in named for path in paths) and not any(
        map(is_of_named, paths)
    ):
        return "unneeded"
    return "modes" if difference.only_modes else "content"


def unneeded(paths: Sequence[str]) -> list[str]:
    """Those of the paths that no image needs, by what names them: "**/*.log", ".git". None is of
    a named context."""
    patterns: dict[str, None] = {}
    for path in paths:
        match = _UNNEEDED.search(path)
        if match is None or is_of_named(path):
            continue
        name = match[0].strip("/")
        suffix = re.search(r"\.(log|pyc|pyo|tmp|temp|bak|orig|rej|sw[a-p])(?:\.\d+)?$", name)
        if suffix and not name.startswith("."):
            name = f"*{name[suffix.start() :]}"
        above = path[: match.start()].strip("/")
        patterns[f"**/{name}" if above else name] = None
    return list(patterns)
