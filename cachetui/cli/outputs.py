"""`cachetui outputs`: is it the same image? If not, which file, from which step."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from cachetui.cli.history import load
from cachetui.cli.result import write_result
from cachetui.config.settings import Settings
from cachetui.core import UserError
from cachetui.exit_codes import DIFFERENT, SAME, TROUBLE
from cachetui.outputs.compare_runs import compare_runs
from cachetui.outputs.difference import PathDifference
from cachetui.outputs.globs import GlobError
from cachetui.outputs.outputs_report import OutputGroup, OutputsReport
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.scenario import SCENARIO_NAMES
from cachetui.records.step import StepId
from cachetui.report.clean import clean_line
from cachetui.store.database import Store

FORMS = (
    "AUDIT, AUDIT/HOST, AUDIT/HOST/SCENARIO or HOST/SCENARIO; #2 behind it for the second repeat"
)

Pair = tuple[Document, Run]


def outputs_command(
    store: Store, settings: Settings, words: Sequence[str], given: dict[str, Any]
) -> int:
    """Compare what came out. `words` name an audit (by default the last), or runs, the first of
    them the baseline; `given` has strict, ignore, form, output, all, and opened (a path)."""
    pairs = chosen(store, words)
    ignore = (*given["ignore"], *_build_ignores(settings, pairs))
    try:
        report = compare_runs(pairs, store, strict=given["strict"], ignore=ignore)
    except GlobError as error:
        raise UserError(f"--ignore: {error}") from None
    if given["opened"]:
        text = _opened(store, settings, pairs, report, given["opened"], given["output"] is None)
    else:
        text = _rendered(store, pairs, report, given)
    write_result(text, given["output"])
    for warning in store.warnings:
        sys.stderr.write(f"cachetui: {clean_line(warning)}\n")
    return outputs_exit_code(report)


def outputs_exit_code(report: OutputsReport) -> int:
    """0 all images are the same, 1 they differ, 2 there was nothing to compare."""
    if sum(image.group is not None for image in report.images) < 2:
        return TROUBLE
    return SAME if len(report.groups) == 1 else DIFFERENT


def chosen(store: Store, words: Sequence[str]) -> list[Pair]:
    """The runs that the words name, each once, in their order. Raises `UserError`.

    HOST and SCENARIO may be globs. What names an audit or a host stands for its runs that ended
    well.
    """
    documents: dict[str, Document] = {}
    found: dict[str, Pair] = {}
    for word in words or ("last",):
        audit, host, scenario, repeat = _parts(store, word)
        document = documents.setdefault(audit, load(store, audit))
        runs = [
            run
            for run in document.runs
            if fnmatchcase(run.host, host)
            and fnmatchcase(run.scenario, scenario)
            and repeat in (None, run.repeat)
        ]
        if not runs:
            known = dict.fromkeys(f"{run.host}/{run.scenario}" for run in document.runs)
            listed = ", ".join(map(clean_line, known)) or "none"
            raise UserError(f"{word!r} is no run of {document.audit}; there are {listed}")
        if len(runs) > 1 or "/" not in word:
            runs = [run for run in runs if run.status == "ok"]
        found.update({run.id: (document, run) for run in runs})
    if not found:
        raise UserError("no run of the audit ended well: there is no image to compare")
    return list(found.values())


def _parts(store: Store, word: str) -> tuple[str, str, str, int | None]:
    """Audit, host, scenario and repeat that a word names; globs for what it leaves open."""
    name, hash_, number = word.partition("#")
    parts = name.split("/")
    if (hash_ and not number.isdigit()) or len(parts) > 3 or not all(parts):
        raise UserError(f"{word!r} names no run; right is {FORMS}")
    repeat = int(number) if hash_ else None
    if len(parts) == 3:
        return parts[0], parts[1], parts[2], repeat
    if len(parts) == 1:
        return parts[0], "*", "*", repeat
    scenario = parts[1] != "*" and any(fnmatchcase(name, parts[1]) for name in SCENARIO_NAMES)
    if scenario or store.resolve(parts[0]) is None:
        return "last", parts[0], parts[1], repeat
    return parts[0], parts[1], "*", repeat


def _build_ignores(settings: Settings, pairs: Sequence[Pair]) -> tuple[str, ...]:
    """The paths that the build leaves out: by hosts.toml as it is now, else as it was."""
    build = pairs[0][0].build
    return settings.builds[build.name].ignore if build.name in settings.builds else build.ignore


def _rendered(
    store: Store, pairs: Sequence[Pair], report: OutputsReport, given: dict[str, Any]
) -> str:
    if given["form"] == "json":
        from cachetui.report.jsonout import encode_outputs

        return encode_outputs(report).decode()
    if given["form"] == "markdown":
        from cachetui.report.outputs.page import markdown

        return "\n".join(markdown(report)) + "\n"
    from cachetui.report import style
    from cachetui.report.outputs.logs import log_note
    from cachetui.report.outputs.table import LISTED, render

    runs = _by_group(pairs, report)

    def note(step: StepId, group: OutputGroup) -> str:
        return log_note(store, runs[report.groups[0].name], runs[group.name], step)

    to_terminal = given["output"] is None and sys.stdout.isatty()
    return render(
        report,
        width=shutil.get_terminal_size((160, 24)).columns,
        color=style.wanted(to_terminal, os.environ),
        listed=sys.maxsize if given["all"] else LISTED,
        log_note=note,
    )


def _by_group(pairs: Sequence[Pair], report: OutputsReport) -> dict[str, Run]:
    """The first run of each group."""
    found: dict[str, Run] = {}
    for image, (_, run) in zip(report.images, pairs, strict=True):
        if image.group is not None:
            found.setdefault(image.group, run)
    return found


def _opened(
    store: Store,
    settings: Settings,
    pairs: Sequence[Pair],
    report: OutputsReport,
    path: str,
    to_terminal: bool,
) -> str:
    """The diff of one file, between the baseline and the first group in which it differs."""
    from cachetui.hosts.connect import Connector
    from cachetui.hosts.ssh.prompts import TerminalPrompts
    from cachetui.outputs.opening import Opener
    from cachetui.report import style
    from cachetui.report.outputs.fileview import render_file

    group, one = _path(report, path)
    runs = _by_group(pairs, report)
    a, b = runs[report.groups[0].name], runs[group.name]
    opener = Opener(store, settings.hosts, Connector(prompts=TerminalPrompts()).connect, pairs)
    try:
        found = opener.difference(one, a, b)
    finally:
        opener.close()
    return render_file(
        found,
        one.path,
        f"{a.host} {a.scenario}",
        f"{b.host} {b.scenario}",
        width=shutil.get_terminal_size((160, 24)).columns,
        color=style.wanted(to_terminal and sys.stdout.isatty(), os.environ),
    )


def _path(report: OutputsReport, path: str) -> tuple[OutputGroup, PathDifference]:
    """The path among those that differ, where the content does if there is such a place. Raises
    `UserError`."""
    wanted = path.strip("/")
    found: dict[str, tuple[OutputGroup, PathDifference]] = {}
    for group in report.groups:
        for step in group.difference.steps:
            for one in step.paths:
                known = found.setdefault(one.path, (group, one))
                if known[1].kind != "content" and one.kind == "content":
                    found[one.path] = (group, one)
    if wanted in found:
        return found[wanted]
    listed = ", ".join(clean_line(name) for name in list(found)[:10]) or "none"
    raise UserError(f"{path!r} is not among the listed paths that differ; they are {listed}")
