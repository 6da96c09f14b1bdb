"""Outputs: are the images the same? A tree of what differs, by step, side by side."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from textual import on
from textual.widget import Widget

from cachetui.compare.groups import fold
from cachetui.outputs.difference import PathDifference, Verdict
from cachetui.outputs.imageconfig import ConfigDifference
from cachetui.outputs.outputs_report import OutputGroup, OutputsReport
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.scenario import Scenario
from cachetui.report import cells, units
from cachetui.report.outputs import tree, view
from cachetui.report.outputs.logs import log_note
from cachetui.tui import keys, signs
from cachetui.tui.screens.file import FileScreen, Opened
from cachetui.tui.screens.outputs_choice import choose_images
from cachetui.tui.screens.place import Place
from cachetui.tui.session import Pick
from cachetui.tui.text import Line, Span, Tone, clean_line, line
from cachetui.tui.widgets.canvas import Plate
from cachetui.tui.widgets.columns import MORE, Column
from cachetui.tui.widgets.grid import Grid

if TYPE_CHECKING:
    from cachetui.outputs.opening import Opener

NAME = "name"
BASELINE = "baseline"
"""The keys of the first two columns; the others are numbers of groups shown."""

_TONES: dict[Verdict, Tone] = {
    "identical": "muted",
    "times": "muted",
    "metadata": "warn",
    "content": "bad",
    "only-here": "warn",
}

_READ = ("cleaning", "done", "failed", "cancelled", "unreachable")
"""States of a host whose images have been read."""

Pair = tuple[Document, Run]


class OutputsPort(Protocol):
    """What this place asks of the core; see `cachetui.core.Core`."""

    def outputs(self, pairs: Sequence[Pair], *, strict: bool) -> OutputsReport: ...
    def opener(self, pairs: Sequence[Pair]) -> Opener: ...


class OutputsPlace(Place):
    """Rows are steps and, below each, the paths that differ; columns are groups of images that
    are the same, the baseline's first."""

    PLACE = "outputs"
    ENTER = "Diff"
    BINDINGS: ClassVar = keys.OUTPUTS
    CSS_PATH = "outputs.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.everything = False
        self.strict = False
        self.report: OutputsReport | None = None
        self._pairs: list[Pair] = []
        self._first: str | None = None
        self._shut: set[tree.Key] = set()
        self._lines: dict[Hashable, tree.Node] = {}
        self._of: object = None
        self._opener: Opener | None = None
        self._error = ""

    def body(self) -> Iterator[Widget]:
        yield Plate(id="summary")
        yield Grid(cell=self._cell, cells=True, fixed=2, id="tree")
        yield Plate(id="facts")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()

    def on_unmount(self) -> None:
        self._drop_opener()

    # From the session

    @property
    def core(self) -> OutputsPort:
        return cast(OutputsPort, cast(Any, self.home.core))

    def update_place(self) -> None:
        pairs = self._chosen()
        # Images are read when a host's builds have ended, and then there is more to compare.
        snapshot = self.session.snapshot
        states = tuple(host.state in _READ for host in snapshot.hosts) if snapshot else ()
        of = (tuple(run.id for _, run in pairs), self.strict, states)
        if of != self._of:
            self._of = of
            self._pairs = pairs
            self.report = None
            self._error = ""
            self._drop_opener()
            if len(pairs) > 1:
                self._compare(of, pairs)
        self._show()

    def _chosen(self) -> list[Pair]:
        """The runs to compare: as chosen, else all of the audit; the baseline first."""
        session = self.session
        found: list[Pair] = []
        for pick in session.outputs:
            run = session.run(pick)
            document = session.documents.get(pick.audit) or session.current()
            if run is not None and document is not None:
                found.append((document, run))
        document = session.current()
        if not found and document is not None:
            found = [(document, run) for run in document.runs if run.status == "ok"]
        return sorted(found, key=lambda pair: pair[1].id != self._first)

    def _compare(self, of: object, pairs: list[Pair]) -> None:
        """Compare in a thread: images can have many files."""
        strict = self.strict

        def body() -> None:
            report: OutputsReport | None = None
            error = ""
            try:
                report = self.core.outputs(pairs, strict=strict)
            except Exception as caught:  # it must end in words, whatever it is
                error = str(caught) or repr(caught)
            self.app.call_later(self._compared, of, report, error)

        threading.Thread(target=body, daemon=True, name="outputs").start()

    def _compared(self, of: object, report: OutputsReport | None, error: str) -> None:
        if of != self._of or not self.is_mounted:
            return
        self.report, self._error = report, error
        self._show()
        self._stand_on_first()

    def _stand_on_first(self) -> None:
        """Put the cursor on the first path that differs, in the first group where it does."""
        for node in self._lines.values():
            if node.kind in ("path", "setting"):
                number = next((n for n, one in enumerate(node.sides) if one is not None), 0)
                self.query_one(Grid).move_to_key(node.key, number)
                return

    def _drop_opener(self) -> None:
        if self._opener is not None:
            threading.Thread(target=self._opener.close, daemon=True).start()
            self._opener = None

    # Drawing

    def _show(self) -> None:
        grid = self.query_one(Grid)
        report = self.report
        found = tree.nodes(report, everything=self.everything, closed=self._shut) if report else []
        self._lines = {node.key: node for node in found}
        grid.empty = self._empty()
        grid.show(list(self._lines), self._columns())
        self.query_one("#summary", Plate).show(*self._summary())
        self._show_facts()

    @property
    def _compared_images(self) -> int:
        images = self.report.images if self.report else ()
        return sum(image.group is not None for image in images)

    def _empty(self) -> tuple[Line, ...]:
        if self._error:
            return (line(("✗ ", "bad"), self._error),)
        if self.report is None:
            if len(self._pairs) > 1:
                return (line(("Comparing…", "muted")),)
            return (line("No two runs have ended that made an image."),)
        if not self._compared_images and self.session.running:
            return (line("Images are read when the builds of their host have ended."),)
        if not self._compared_images:
            return (
                line(("The images of these runs were not looked at.", "strong")),
                line("An audit removes its images. It reads them first when it is asked to:"),
                line(("r", "key"), " with ", ("outputs", "strong"), " turned on, or "),
                line(("  cachetui run BUILD --outputs", "accent")),
            )
        if self._compared_images < 2:
            return (line("There is one image only: nothing to compare."),)
        if len(self.report.groups) > 1:
            return ()
        return (
            line(("= ", "good"), "Nothing differs that is minded. "),
            line(("a", "key"), " shows all steps, ", ("s", "key"), " minds times too."),
        )

    def _summary(self) -> tuple[Line, ...]:
        report = self.report
        if report is None or not self._compared_images:
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

    def _columns(self) -> tuple[Column, ...]:
        report = self.report
        if report is None or not report.groups:
            return (Column(NAME, ("", ""), 20, 1),)
        groups = view.shown_groups(report) if len(report.groups) > 1 else ()
        least = 15 if self.size.width >= 70 else 9
        room = self.size.width - 3 - (least + 2) * min(3, len(groups) + 1) - MORE
        columns = [Column(NAME, ("", "  STEP AND FILE"), max(12, min(34, room)), 3, 90)]
        base = report.groups[0]
        columns.append(Column(BASELINE, (f" {self._title(base)}", " baseline"), least, 1, 30))
        for number, group in enumerate(groups):
            words = f" {view.SIGNS[group.difference.verdict]} {group.difference.verdict}"
            columns.append(Column(number, (f" {self._title(group)}", words), least, 1, 30))
        return tuple(columns)

    def _title(self, group: OutputGroup) -> str:
        """Whose images: hosts where they are of one scenario, else scenarios, else how many."""
        report = self.report
        assert report is not None
        images = [image for image in report.images if image.group == group.name]
        compared = [image for image in report.images if image.group is not None]
        hosts = list(dict.fromkeys(image.host for image in images))
        scenarios = list(dict.fromkeys(signs.short_scenario(image.scenario) for image in images))
        words = fold(hosts)
        if len({image.host for image in compared}) == 1:
            words = ",".join(scenarios)
        elif len({image.scenario for image in compared}) > 1:
            backends = {Scenario.of(image.scenario).backend for image in images}
            shared = scenarios[0] if len(scenarios) == 1 else next(iter(backends))
            words += f" {shared}" if len(backends) == 1 else f" ×{len(images)}"
        return clean_line(f"{group.name} {words}")

    def _cell(self, key: Hashable, column: Hashable, width: int) -> Line:
        node = self._lines.get(key)
        if node is None:
            return ()
        if column == NAME:
            return self._label(node, width)
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

    def _label(self, node: tree.Node, width: int) -> Line:
        if node.kind in ("step", "settings"):
            fold_sign = "▾ " if node.open else "▸ "
            number = f"{node.step.line or '':>3} " if node.step else "    "
            text = cells.shorten(node.name, max(4, width - 2 - len(number)))
            differs = node.step is None or node.step.differs
            return line(
                (fold_sign, "muted"), (number, "muted"), (text, "strong" if differs else "")
            )
        return line(("      ", ""), (node.name, "" if node.kind != "more" else "muted"))

    # What the cursor is on

    @property
    def node(self) -> tree.Node | None:
        """The line under the cursor."""
        at = self.query_one(Grid).cursor
        return self._lines.get(at[0]) if at else None

    @property
    def _side(self) -> int | None:
        """The group under the cursor by number; on the first columns the first that differs."""
        at, node = self.query_one(Grid).cursor, self.node
        if at is None or node is None:
            return None
        if isinstance(at[1], int) and at[1] < len(node.sides) and node.sides[at[1]] is not None:
            return at[1]
        return next((n for n, one in enumerate(node.sides) if one is not None), None)

    @on(Grid.Moved, "#tree")
    def _moved(self) -> None:
        self._show_facts()

    def _show_facts(self) -> None:
        plate, node = self.query_one("#facts", Plate), self.node
        report = self.report
        if node is None or report is None:
            plate.show()
            return
        lines: list[Line] = []
        number = self._side
        one = node.sides[number] if number is not None else None
        if node.step is not None:
            width = max(20, self.size.width - 12)
            text = cells.shorten(node.step.instruction, width)
            lines.append(line((f"line {node.step.line or '?'}  ", "muted"), text))
        if isinstance(one, PathDifference) and number is not None:
            names = (report.groups[0].name, view.shown_groups(report)[number].name)
            lines.append(line((f"/{node.name}  ", "strong"), view.what(one, *names)))
            if one.kind == "content":
                lines.append(line(("enter", "key"), " shows how it differs"))
        elif isinstance(one, ConfigDifference):
            lines.append(
                line(
                    (f"{node.name}  ", "strong"),
                    tree.baseline_text(node),
                    " and ",
                    tree.side_text(one)[1][2:],
                )
            )
        elif node.step is not None and node.step.cells:
            layers = [cell.step for cell in node.step.cells if cell.step is not None]
            if layers:
                made = units.count(len(layers[0].layers_a), "layer")
                lines.append(line((f"{made} in the baseline", "muted")))
        plate.show(*lines)

    # Keys

    @on(Grid.Opened, "#tree")
    def _opened(self) -> None:
        node = self.node
        if node is None:
            return
        if node.kind in ("step", "settings"):
            self._shut ^= {node.key}
            self._show()
        elif node.kind == "path":
            self._open_file(node)

    def _open_file(self, node: tree.Node) -> None:
        report, number = self.report, self._side
        if report is None or number is None:
            return
        one = node.sides[number]
        assert isinstance(one, PathDifference)
        group = view.shown_groups(report)[number]
        a, b = self._run_of(report.groups[0]), self._run_of(group)
        if a is None or b is None:
            return
        if self._opener is None:
            self._opener = self.core.opener(self._pairs)
        opener, store = self._opener, cast(Any, self.home.core.store)
        step = next((s.id for s in group.difference.steps if one in s.paths), None)
        opened = Opened(
            path=node.name,
            what=view.what(one, report.groups[0].name, group.name),
            a=f"{a.host} {a.scenario}",
            b=f"{b.host} {b.scenario}",
            step=f"line {node.step.line} {node.step.instruction}" if node.step else "",
            fetch=lambda: opener.difference(one, a, b),
            log=lambda: log_note(store, a, b, step) if step is not None else "",
        )
        self.app.push_screen(FileScreen(opened), self._file_closed)

    def _run_of(self, group: OutputGroup) -> Run | None:
        """The first run of a group."""
        report = self.report
        images = report.images if report else ()
        ids = [image.run for image in images if image.group == group.name]
        return next((run for _, run in self._pairs if ids and run.id == ids[0]), None)

    def _file_closed(self, by: int | None) -> None:
        if by:
            self.action_difference(by)
            node = self.node
            if node is not None and node.kind == "path":
                self._open_file(node)

    def action_difference(self, by: int) -> None:
        """Go to the next path that differs, or the previous; around the end."""
        grid = self.query_one(Grid)
        listed = list(self._lines.values())
        places = [n for n, node in enumerate(listed) if node.kind in ("path", "setting")]
        if not places:
            self.home.tell("No file differs.")
            return
        after = [n for n in places if n > grid.row] if by > 0 else []
        before = [n for n in places if n < grid.row] if by < 0 else []
        grid.move_to((after or places)[0] if by > 0 else (before or places)[-1])

    def action_toggle_all(self) -> None:
        """Show all steps, or only those that differ."""
        self.everything = not self.everything
        self._show()

    def action_strict(self) -> None:
        """Mind times and the builder's bookkeeping too, or not."""
        self.strict = not self.strict
        self.home.tell("Times are minded." if self.strict else "Times are ignored, and counted.")
        self.update_place()

    def action_choose(self) -> None:
        """Choose which images to compare."""

        def chosen(picks: tuple[Pick, ...]) -> None:
            self.session.outputs = picks
            self._first = None
            self.refresh_place()

        choose_images(self.home, chosen)

    def action_baseline_here(self) -> None:
        """Compare with the group under the cursor instead."""
        at, report = self.query_one(Grid).cursor, self.report
        if at is None or report is None or not isinstance(at[1], int):
            return
        run = self._run_of(view.shown_groups(report)[at[1]])
        if run is not None:
            self._first = run.id
            self.refresh_place()

    def copy_text(self) -> str | None:
        node = self.node
        return node.name if node else None
