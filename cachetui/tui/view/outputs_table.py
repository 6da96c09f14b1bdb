"""The tree of Outputs: steps and, below each, the paths that differ; groups of equal images in
columns. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from cachetui.compare.groups import fold
from cachetui.outputs.difference import PathDifference, Verdict
from cachetui.outputs.imageconfig import ConfigDifference
from cachetui.outputs.outputs_report import NOT_LOOKED_AT, OutputGroup, OutputsReport
from cachetui.records.scenario import Scenario
from cachetui.report import cells, units
from cachetui.report.outputs import tree, view
from cachetui.tui.view import host_lines, signs
from cachetui.tui.view.column import MORE_SIGN_WIDTH, Column
from cachetui.tui.view.text import Line, Span, Tone, clean_line, line

NAME = "name"
BASELINE = "baseline"
"""The keys of the first two columns; the others are numbers of the groups shown."""

_TONES: dict[Verdict, Tone] = {
    "identical": "muted",
    "times": "muted",
    "metadata": "warn",
    "content": "bad",
    "only-here": "warn",
}

NO_DIFFERENCE: tuple[Line, ...] = (
    line(("= ", "good"), "No differences (timestamps ignored)."),
    line(("a", "key"), " shows all steps, ", ("s", "key"), " compares timestamps too."),
)
NO_DIFFERENCE_STRICT: tuple[Line, ...] = (
    line(("= ", "good"), "No differences. ", ("a", "key"), " shows all steps."),
)


class OutputsTable:
    """A report on images as a tree. `nodes` are the lines shown by key."""

    def __init__(self) -> None:
        self.report: OutputsReport | None = None
        self.everything = False
        self.nodes: dict[Hashable, tree.Node] = {}
        self._closed: set[tree.Key] = set()

    def update_nodes(self) -> None:
        """Choose the lines: all steps, or those that differ, with the paths of the open ones."""
        report = self.report
        nodes = (
            tree.nodes(report, everything=self.everything, closed=self._closed) if report else []
        )
        self.nodes = {node.key: node for node in nodes}

    def toggle(self, node: tree.Node) -> None:
        """Open or close a step."""
        self._closed ^= {node.key}

    @property
    def groups(self) -> tuple[OutputGroup, ...]:
        """The groups of the columns: those that differ from the baseline."""
        report = self.report
        return view.shown_groups(report) if report and len(report.groups) > 1 else ()

    @property
    def compared(self) -> int:
        """How many images were compared."""
        images = self.report.images if self.report else ()
        return sum(image.group is not None for image in images)

    def first_difference(self) -> tuple[tree.Key, int] | None:
        """The key of the first path or setting that differs, and the first group where it does."""
        for node in self.nodes.values():
            if node.kind in ("path", "setting"):
                return node.key, first_side(node) or 0
        return None

    @property
    def not_asked(self) -> bool:
        """Whether no image was compared, and there are some that nobody asked for."""
        images = self.report.images if self.report else ()
        return not self.compared and NOT_LOOKED_AT in {image.reason for image in images}

    # Lines around the tree

    def empty(self, *, running: bool, command: str, width: int) -> tuple[Line, ...]:
        """What stands in place of the tree, in `width` cells; `running`: the audit is under way.
        `command` is what audits the build, to be typed."""
        report = self.report
        if report is None:
            return ()
        if not self.compared and running:
            return (line("Images are read when the builds of their host have ended."),)
        if self.not_asked:
            return _not_read(command)
        if not self.compared:
            return tuple(_unread(report, width))
        if self.compared < 2:
            return (line("There is one image only: nothing to compare."),)
        if len(report.groups) > 1:
            return ()
        return NO_DIFFERENCE_STRICT if report.strict else NO_DIFFERENCE

    def summary(self) -> tuple[Line, ...]:
        """Whether the images are the same, and which were not compared; at most eight lines."""
        report = self.report
        if report is None or not self.compared:
            return ()
        headline, places = view.verdict(report)
        sign: Span = ("= ", "good") if len(report.groups) == 1 else ("≠ ", "bad")
        lines: list[Line] = [line(sign, (headline, "strong"))]
        lines += [line("  ", text) for text in places[:4]]
        for image in report.images:
            if image.group is None and len(lines) < 7:
                lines.append(line(("– ", "muted"), (f"{image.label}: {image.reason}", "muted")))
        ignored = view.ignored(report)
        if ignored:
            lines.append(line((ignored, "muted")))
        return tuple(lines)

    def facts(self, node: tree.Node, side: int | None, width: int) -> list[Line]:
        """A line of the tree in words: its step, and how the group number `side` differs."""
        report = self.report
        if report is None:
            return []
        lines: list[Line] = []
        if node.step is not None:
            text = cells.shorten(node.step.instruction, max(20, width - 12))
            lines.append(line((f"line {node.step.line or '?'}  ", "muted"), text))
        difference = node.sides[side] if side is not None else None
        if isinstance(difference, PathDifference) and side is not None:
            names = (report.groups[0].name, self.groups[side].name)
            lines.append(line((f"/{node.name}  ", "strong"), view.what(difference, *names)))
            if difference.kind == "content":
                lines.append(line(("enter", "key"), " shows how it differs"))
        elif isinstance(difference, ConfigDifference):
            here, there = tree.baseline_text(node), tree.side_text(difference)[1][2:]
            lines.append(line((f"{node.name}  ", "strong"), here, " and ", there))
        elif node.step is not None:
            layers = [cell.step for cell in node.step.cells if cell.step is not None]
            if layers:
                made = units.count(len(layers[0].layers_a), "layer")
                lines.append(line((f"{made} in the baseline", "muted")))
        return lines

    # Columns and cells

    def columns(self, width: int) -> tuple[Column, ...]:
        """The tree, the baseline, then the groups that differ from it, in `width` cells."""
        report = self.report
        if report is None or not report.groups:
            return (Column(NAME, ("", ""), 20, 1),)
        groups = self.groups
        least = 15 if width >= 70 else 9
        room = width - 3 - (least + 2) * min(3, len(groups) + 1) - MORE_SIGN_WIDTH
        columns = [Column(NAME, ("", "  STEP AND FILE"), max(12, min(34, room)), 3, 90)]
        base = self._title(report, report.groups[0])
        columns.append(Column(BASELINE, (f" {base}", " baseline"), least, 1, 30))
        for number, group in enumerate(groups):
            verdict = group.difference.verdict
            titles = (f" {self._title(report, group)}", f" {view.SIGNS[verdict]} {verdict}")
            columns.append(Column(number, titles, least, 1, 30))
        return tuple(columns)

    def _title(self, report: OutputsReport, group: OutputGroup) -> str:
        """Whose images: hosts when they are of one scenario, else scenarios, else how many."""
        images = [image for image in report.images if image.group == group.name]
        compared = [image for image in report.images if image.group is not None]
        scenarios = list(dict.fromkeys(signs.short_scenario(image.scenario) for image in images))
        title = fold(list(dict.fromkeys(image.host for image in images)))
        if len({image.host for image in compared}) == 1:
            title = ",".join(scenarios)
        elif len({image.scenario for image in compared}) > 1:
            backends = {Scenario.of(image.scenario).backend for image in images}
            shared = scenarios[0] if len(scenarios) == 1 else next(iter(backends))
            title += f" {shared}" if len(backends) == 1 else f" ×{len(images)}"
        return clean_line(f"{group.name} {title}")

    def cell(self, key: Hashable, column: Hashable, width: int) -> Line:
        """The name of a line of the tree, or how it is in a group of images."""
        node = self.nodes.get(key)
        if node is None:
            return ()
        if column == NAME:
            return _name_cell(node, width)
        if column == BASELINE:
            return line((f" {tree.baseline_text(node)}", "muted"))
        assert isinstance(column, int)
        if node.kind == "step" and node.step is not None:
            if column >= len(node.step.cells):
                return ()
            cell = node.step.cells[column]
            return line((f" {cell.text}", _TONES[cell.verdict]))
        if node.kind in ("path", "setting") and column < len(node.sides):
            verdict, text = tree.side_text(node.sides[column])
            return line((f" {text}", _TONES[verdict]))
        return ()


def _name_cell(node: tree.Node, width: int) -> Line:
    if node.kind in ("step", "settings"):
        sign = "▾ " if node.open else "▸ "
        number = f"{node.step.line or '':>3} " if node.step else "    "
        text = cells.shorten(node.name, max(4, width - 2 - len(number)))
        differs = node.step is None or node.step.differs
        return line((sign, "muted"), (number, "muted"), (text, "strong" if differs else ""))
    return line("      ", (node.name, "" if node.kind != "more" else "muted"))


def first_side(node: tree.Node) -> int | None:
    """The number of the first group in which a line of the tree differs."""
    return next((number for number, side in enumerate(node.sides) if side is not None), None)


def _unread(report: OutputsReport, width: int) -> Iterator[Line]:
    """Why none of the images could be compared: each reason once, with those it holds for."""
    labels: dict[str, list[str]] = {}
    for image in report.images:
        labels.setdefault(image.reason or "", []).append(image.label)
    yield line(("None of these images can be compared.", "strong"))
    for reason, whose in labels.items():
        text = f"{whose[0]}: {reason}" if len(whose) == 1 else reason
        yield from host_lines.told("–", "muted", text, width)


def _not_read(command: str) -> tuple[Line, ...]:
    """How to get the images of such an audit: with what key now, and with what command."""
    return (
        line(("The images of these runs were not read.", "strong")),
        line("An audit removes its images, and reads them first only when asked to:"),
        line(("r", "key"), " runs this audit again with ", ("outputs", "strong"), " turned on; or"),
        line((f"  {command} --outputs", "accent")),
    )
