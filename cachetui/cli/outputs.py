"""`cachetui outputs`: is it the same image? If not, which file differs, from which step."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

from cachetui.cli.args import OutputsArgs
from cachetui.cli.result import check_output, write_result
from cachetui.cli.run_names import Pair, named_runs
from cachetui.cli.stored import print_warnings
from cachetui.config.settings import Settings
from cachetui.core import UserError
from cachetui.exit_codes import DIFFERENT, SAME, TROUBLE
from cachetui.outputs.compare_runs import compare_runs
from cachetui.outputs.difference import PathDifference
from cachetui.outputs.globs import GlobError
from cachetui.outputs.outputs_report import OutputGroup, OutputsReport
from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.report import style
from cachetui.report.clean import clean_line
from cachetui.store.database import Store

_SUGGESTED_PATHS = 10


def outputs_command(
    store: Store, settings: Settings, arguments: Sequence[str], args: OutputsArgs
) -> int:
    """Compare the images of the runs that `arguments` name, by default those of the last audit;
    the first is the baseline. Raises `UserError`."""
    check_output(args.output)
    pairs = named_runs(store, arguments)
    ignore = (*args.ignore, *_build_ignores(settings, pairs))
    try:
        report = compare_runs(pairs, store, strict=args.strict, ignore=ignore)
    except GlobError as error:
        raise UserError(f"--ignore: {error}") from None
    if args.opened:
        text = _file_diff(store, settings, pairs, report, args)
    else:
        text = _render(store, pairs, report, args)
    write_result(text, args.output)
    print_warnings(store)
    return outputs_exit_code(report)


def outputs_exit_code(report: OutputsReport) -> int:
    """0 all images are the same, 1 they differ, 2 there was nothing to compare."""
    if sum(image.group is not None for image in report.images) < 2:
        return TROUBLE
    return SAME if len(report.groups) == 1 else DIFFERENT


def _build_ignores(settings: Settings, pairs: Sequence[Pair]) -> tuple[str, ...]:
    """The paths that the build ignores: by today's hosts.toml, else as it was then."""
    build = pairs[0][0].build
    return settings.builds[build.name].ignore if build.name in settings.builds else build.ignore


def _render(store: Store, pairs: Sequence[Pair], report: OutputsReport, args: OutputsArgs) -> str:
    """The comparison in the format asked for."""
    if args.output_format == "json":
        from cachetui.report.formats.json import encode_outputs

        return encode_outputs(report).decode()
    if args.output_format == "markdown":
        from cachetui.report.outputs.page import markdown

        return "\n".join(markdown(report)) + "\n"
    from cachetui.report.outputs.logs import log_note
    from cachetui.report.outputs.table import MAX_PATHS, render

    runs = _runs_by_group(pairs, report)

    def note(step: StepId, group: OutputGroup) -> str:
        return log_note(store, runs[report.groups[0].name], runs[group.name], step)

    return render(
        report,
        width=_width(),
        color=_color(args),
        max_paths=sys.maxsize if args.show_all else MAX_PATHS,
        log_note=note,
    )


def _width() -> int:
    return shutil.get_terminal_size((160, 24)).columns


def _color(args: OutputsArgs) -> bool:
    return style.wanted(args.output is None and sys.stdout.isatty(), os.environ)


def _runs_by_group(pairs: Sequence[Pair], report: OutputsReport) -> dict[str, Run]:
    """The first run of each group."""
    runs: dict[str, Run] = {}
    for image, (_, run) in zip(report.images, pairs, strict=True):
        if image.group is not None:
            runs.setdefault(image.group, run)
    return runs


def _file_diff(
    store: Store,
    settings: Settings,
    pairs: Sequence[Pair],
    report: OutputsReport,
    args: OutputsArgs,
) -> str:
    """The diff of a file, between the baseline and the first group in which it differs."""
    from cachetui.hosts.connect import Connector
    from cachetui.hosts.ssh.prompts import TerminalPrompts
    from cachetui.outputs.opening import Opener
    from cachetui.report.outputs.fileview import render_file

    group, path = _find_path(report, args.opened or "")
    runs = _runs_by_group(pairs, report)
    a, b = runs[report.groups[0].name], runs[group.name]
    opener = Opener(store, settings.hosts, Connector(prompts=TerminalPrompts()).connect, pairs)
    try:
        difference = opener.difference(path, a, b)
    finally:
        opener.close()
    return render_file(
        difference,
        path.path,
        f"{a.host} {a.scenario}",
        f"{b.host} {b.scenario}",
        width=_width(),
        color=_color(args),
    )


def _find_path(report: OutputsReport, name: str) -> tuple[OutputGroup, PathDifference]:
    """The path of that name among those that differ, where its content does if it does anywhere.
    Raises `UserError`."""
    by_name: dict[str, tuple[OutputGroup, PathDifference]] = {}
    for group in report.groups:
        for step in group.difference.steps:
            for path in step.paths:
                _, known = by_name.setdefault(path.path, (group, path))
                if known.kind != "content" and path.kind == "content":
                    by_name[path.path] = (group, path)
    wanted = name.strip("/")
    if wanted in by_name:
        return by_name[wanted]
    paths = ", ".join(clean_line(path) for path in list(by_name)[:_SUGGESTED_PATHS]) or "none"
    raise UserError(f"{name!r} is not among the listed paths that differ; they are: {paths}")
