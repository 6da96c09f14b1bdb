"""A comparison of images laid out for a page, and as Markdown: what the terminal's table has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cachetui.outputs.outputs_report import OutputsReport
from cachetui.report.clean import clean_line
from cachetui.report.escape import markdown_code, markdown_rows, markdown_text
from cachetui.report.outputs import view

HEADING = "Images"

MAX_PATHS = 50
"""Paths of a step on a page; the JSON has more."""


@dataclass(frozen=True, slots=True)
class PagePath:
    """A path that differs: its sign, and how it differs in words."""

    sign: str
    path: str
    how: str


@dataclass(frozen=True, slots=True)
class PageStep:
    """A step with paths that differ, and how many `more` there are."""

    heading: str
    paths: tuple[PagePath, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows of a comparison. All text is cleaned; none is escaped for a format.

    `groups` maps each group to its images, with those that could not be compared; `rows` has a cell
    for each of `columns`.
    """

    heading: str
    sign: str
    headline: str
    places: tuple[str, ...]
    differ: bool
    groups: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[view.Row, ...]
    steps: tuple[PageStep, ...]
    settings: tuple[str, ...]
    ignored: str


def lay_out(report: OutputsReport) -> Page:
    """The comparison as a page has it."""
    headline, places = view.verdict(report)
    return Page(
        heading=HEADING,
        sign=view.verdict_sign(report),
        headline=headline,
        places=tuple(places),
        differ=len(report.groups) > 1,
        groups=tuple(view.groups(report)),
        columns=tuple(group.name for group in view.shown_groups(report)),
        rows=tuple(view.rows(report)),
        steps=_steps(report),
        settings=_settings(report),
        ignored=view.ignored(report),
    )


def markdown(report: OutputsReport) -> list[str]:
    """Lines of Markdown, the verdict first, under a heading of the second level."""
    lines = markdown_head(report)
    for heading, section in markdown_sections(report):
        lines += ["", *([f"### {markdown_text(heading)}", ""] if heading else []), *section]
    return lines


def markdown_head(report: OutputsReport) -> list[str]:
    """The verdict and the groups, under a heading of the second level."""
    page = lay_out(report)
    lines = [f"## {page.heading}", "", f"**{page.sign} {markdown_text(page.headline)}**", ""]
    lines += [f"- {markdown_text(place)}" for place in page.places]
    lines += [""] * bool(page.places)
    lines += [f"{markdown_text(name)} = {markdown_text(images)}  " for name, images in page.groups]
    return lines


def markdown_sections(report: OutputsReport) -> Iterator[tuple[str, list[str]]]:
    """(heading, lines) of what stands below: the table and what is ignored have none. A heading is
    text, lines are Markdown."""
    page = lay_out(report)
    if page.rows:
        headings = ["line", "step", *map(markdown_text, page.columns)]
        yield "", markdown_rows(headings, map(_markdown_row, page.rows))
    for step in page.steps:
        lines = [
            f"- {path.sign} {markdown_code(path.path)} {markdown_text(path.how)}"
            for path in step.paths
        ]
        yield step.heading, [*lines, *([f"- … and {step.more} more"] if step.more else [])]
    if page.settings:
        yield "Configuration", [f"- {markdown_text(setting)}" for setting in page.settings]
    if page.ignored:
        yield "", [markdown_text(page.ignored)]


def _markdown_row(row: view.Row) -> list[str]:
    cells = (markdown_text(cell.text) for cell in row.cells)
    return [str(row.line or ""), markdown_code(row.instruction), *cells]


def _steps(report: OutputsReport) -> tuple[PageStep, ...]:
    shown = view.shown_groups(report)
    baseline = report.groups[0].name if report.groups else ""
    steps: list[PageStep] = []
    for row in view.rows(report):
        rows, more = view.paths(row, shown)
        if rows:
            steps.append(
                PageStep(
                    heading=f"line {row.line} {row.instruction}" if row.line else row.instruction,
                    paths=tuple(_path(path, baseline, len(shown)) for path in rows[:MAX_PATHS]),
                    more=more + max(0, len(rows) - MAX_PATHS),
                )
            )
    return tuple(steps)


def _path(row: view.PathRow, baseline: str, columns: int) -> PagePath:
    groups = ", ".join(row.groups)
    how = view.what(row.difference, baseline, groups) + (f" ({groups})" if columns > 1 else "")
    return PagePath(row.sign, row.path, how)


def _settings(report: OutputsReport) -> tuple[str, ...]:
    """Settings that differ, each with its group."""
    return tuple(
        clean_line(
            f"{setting.name}: {view.setting_value(setting.a)} and "
            f"{view.setting_value(setting.b)} ({group.name})"
        )
        for group in view.shown_groups(report)
        for setting in group.difference.settings
    )
