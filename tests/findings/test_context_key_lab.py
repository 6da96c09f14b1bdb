"""What is said to be in COPY's cache key is what makes a real engine miss, and nothing else.

Every form of COPY and of a bind mount reads one tree of files, each in a stage of its own. After
one change to the tree the engines say which of them miss; `files_read` and `compare_files` have to
name the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cachetui.core import Core
from cachetui.dockerfile.parse import parse
from cachetui.findings.case import Case
from cachetui.findings.context_files import compare_files, files_read, reads_context
from cachetui.findings.variables import scope_at
from cachetui.records.backend import Backend
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import StepId
from tests.audit.test_audit_lab import HOSTS
from tests.audits import audit, core_of, run_of
from tests.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

COPIES = (
    "COPY a/b/file.txt /x/",
    "COPY a/b/*.txt /x/",
    "COPY a/b /x/",
    "COPY a/c.txt a/b /x/",
    "COPY a /x/",
    "ADD a /x/",
    "COPY --chown=1:1 a/c.txt /x/",
    "COPY . /x/",
)
BINDS = (
    "RUN --mount=type=bind,source=a/b/file.txt,target=/t true",
    "RUN --mount=type=bind,source=a,target=/t true",
    "RUN --mount=type=bind,target=/t true",
)
EXCLUDES = (
    "COPY --exclude=b/file.txt a /x/",
    "COPY --exclude=a/b/file.txt a /x/",
    "COPY --exclude=**/*.txt . /x/",
    "COPY --exclude=*.txt a/b/*.txt /x/",
)


def _nothing_that_counts(tree: Path) -> None:
    tree.chmod(0o700)
    os.utime(tree / "a/b/file.txt", (1, 1))
    os.utime(tree / "a", (1, 1))


CHANGES: dict[str, Callable[[Path], object]] = {
    "times, and the mode of the root": _nothing_that_counts,
    "bytes of a file": lambda tree: (tree / "a/b/file.txt").write_text("other\n"),
    "mode of a file": lambda tree: (tree / "a/b/file.txt").chmod(0o600),
    "mode of a folder": lambda tree: (tree / "a/b").chmod(0o700),
    "mode of a folder that only the whole has": lambda tree: (tree / "z").chmod(0o700),
    "an empty folder": lambda tree: (tree / "a/empty").mkdir(),
}


def _tree(folder: Path, forms: tuple[str, ...], salt: str) -> None:
    files = {"a/b/file.txt": "file\n", "a/b/other.txt": "other\n", "a/c.txt": "c\n", "z/u": "u\n"}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{salt} {text}")
    stages = [f"FROM base:1 AS s{n}\n{form}\n" for n, form in enumerate(forms)]
    copies = [f"COPY --from=s{n} /etc/passwd /{n}\n" for n, _ in enumerate(forms)]
    text = f"{''.join(stages)}FROM scratch\n{''.join(copies)}"
    (folder / "Dockerfile").write_text(text)


def _missed(run: Run, step: StepId) -> bool:
    status = next(found.status for found in run.steps if found.id == step)
    assert status in ("hit", "miss"), f"{run.host}: {status}"
    return status == "miss"


def _said_to_differ(then: Case, now: Case, backend: Backend) -> dict[StepId, bool]:
    """The steps that read the context, and whether what they see differs between two audits."""
    file = now.dockerfile
    differs: dict[StepId, bool] = {}
    for item in file.instructions:
        if not reads_context(item, backend):
            continue
        scope = scope_at(file, {}, item.stage_index, item.index, backend)
        views = []
        for case in (then, now):
            files = case.files(case.document, "")
            assert files is not None
            view = files_read(files, item, backend, scope)
            assert view is not None
            views.append(view)
        differs[StepId(item.stage_index, item.index)] = bool(compare_files(*views))
    return differs


def _case(core: Core, document: Document) -> Case:
    manifest = core.store.manifest(document.build.context_digest)
    assert manifest is not None
    return Case(
        document,
        parse(document.build.dockerfile_text),
        manifests={document.build.context_digest: manifest},
    )


@pytest.mark.parametrize(
    ("forms", "backends", "hosts"),
    [
        pytest.param(COPIES, ("legacy", "buildkit"), HOSTS, id="copies"),
        pytest.param(BINDS, ("buildkit",), HOSTS, id="binds"),
        pytest.param(EXCLUDES, ("buildkit",), ("new", "ctd"), id="excludes"),
    ],
)
def test_what_differs_is_what_misses(
    lab: Lab,
    tmp_path: Path,
    forms: tuple[str, ...],
    backends: tuple[Backend, ...],
    hosts: tuple[str, ...],
) -> None:
    core = core_of(lab, tmp_path / "store")
    scenarios = tuple(f"{backend}-as-found" for backend in backends)
    trees = {change: tmp_path / f"tree-{number}" for number, change in enumerate(CHANGES)}
    for tree in (tmp_path / "first", *trees.values()):
        _tree(tree, forms, tmp_path.name)
    then = _case(core, audit(core, tmp_path / "first", hosts, scenarios=scenarios))
    wrong: list[str] = []
    for change, tree in trees.items():
        CHANGES[change](tree)
        now = _case(core, audit(core, tree, hosts, scenarios=scenarios))
        for backend in backends:
            said = _said_to_differ(then, now, backend)
            assert len(said) == len(forms)
            for host in hosts:
                run = run_of(now.document, host, f"{backend}-as-found")
                for (step, differs), form in zip(said.items(), forms, strict=True):
                    if _missed(run, step) != differs:
                        wrong.append(f"{host} {backend}: {change}: {form}: said {differs}")
    assert not wrong, "\n".join(wrong)
