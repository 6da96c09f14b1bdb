"""Outputs: are the images the same? A tree of what differs, by step, side by side."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.widget import Widget

from cachetui.outputs.difference import PathDifference
from cachetui.outputs.outputs_report import OutputGroup, OutputsReport
from cachetui.records.run import Run
from cachetui.report.outputs import tree, view
from cachetui.report.outputs.logs import log_note
from cachetui.tui.background import run_in_background
from cachetui.tui.core_port import RunOfDocument, whole_store
from cachetui.tui.screens.choose_runs import choose_images
from cachetui.tui.screens.file_diff import DifferingFile, FileDiffScreen
from cachetui.tui.screens.place import TO_RUN_OR_OPEN, Place
from cachetui.tui.view import keys
from cachetui.tui.view.outputs_table import OutputsTable, first_side
from cachetui.tui.view.picks import Pick
from cachetui.tui.view.text import Line, line
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel

if TYPE_CHECKING:
    from cachetui.outputs.opening import Opener

_IMAGES_READ = ("cleaning", "done", "failed", "cancelled", "unreachable")
"""States of a host whose images have been read."""


class OutputsPlace(Place):
    """Rows are steps and, below each, the paths that differ; columns are groups of images that
    are the same, the baseline's first."""

    PLACE = "outputs"
    ENTER = "Diff"
    BINDINGS: ClassVar = keys.OUTPUTS
    CSS_PATH = "outputs.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._table = OutputsTable()
        self._strict = False
        self._pairs: list[RunOfDocument] = []
        self._baseline_run: str | None = None
        self._compared_for: object = None
        self._opener: Opener | None = None
        self._error = ""

    @property
    def report(self) -> OutputsReport | None:
        """How the images compare; None until they have been compared."""
        return self._table.report

    def body(self) -> Iterator[Widget]:
        yield TextPanel(id="summary")
        yield Grid(cell=self._table.cell, cells=True, fixed=2, id="tree")
        yield TextPanel(id="facts")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()

    def on_unmount(self) -> None:
        self._close_opener()

    # From the session

    def update_place(self) -> None:
        pairs = self._runs_to_compare()
        # Images are read when a host's builds have ended; then there is more to compare.
        snapshot = self.session.snapshot
        read = tuple(host.state in _IMAGES_READ for host in snapshot.hosts) if snapshot else ()
        wanted = (tuple(run.id for _, run in pairs), self._strict, read)
        if wanted != self._compared_for:
            self._compared_for = wanted
            self._pairs = pairs
            self._table.report = None
            self._error = ""
            self._close_opener()
            if len(pairs) > 1:
                self._compare(wanted, pairs)
        self._show()

    def _runs_to_compare(self) -> list[RunOfDocument]:
        """The chosen runs, else all of the audit that built; the baseline first."""
        session = self.session
        pairs: list[RunOfDocument] = []
        for pick in session.outputs:
            run = session.run(pick)
            document = session.documents.get(pick.audit) or session.current()
            if run is not None and document is not None:
                pairs.append((document, run))
        document = session.current()
        if not pairs and document is not None:
            pairs = [(document, run) for run in document.runs if run.status == "ok"]
        return sorted(pairs, key=lambda pair: pair[1].id != self._baseline_run)

    def _compare(self, wanted: object, pairs: list[RunOfDocument]) -> None:
        """Compare in a thread: images can have many files."""
        core, strict = self.typed_app.core, self._strict

        def ended(report: OutputsReport | None, error: str) -> None:
            if wanted == self._compared_for and self.is_mounted:
                self._table.report, self._error = report, error
                self._show()
                self._move_to_first_difference()

        run_in_background(
            self.typed_app,
            "outputs",
            lambda: core.outputs(pairs, strict=strict),
            lambda report: ended(report, ""),
            lambda error: ended(None, str(error) or repr(error)),
        )

    def _move_to_first_difference(self) -> None:
        first = self._table.first_difference()
        if first is not None:
            self.query_one(Grid).move_to_key(*first)

    def _close_opener(self) -> None:
        """Close the connections to the hosts, in a thread: that can take a while."""
        if self._opener is not None:
            threading.Thread(target=self._opener.close, daemon=True).start()
            self._opener = None

    def _show(self) -> None:
        self._table.update_nodes()
        grid = self.query_one(Grid)
        grid.empty = self._empty()
        grid.show(list(self._table.nodes), self._table.columns(self.size.width))
        self.query_one("#summary", TextPanel).show(*self._table.summary())
        self._show_facts()

    def _empty(self) -> tuple[Line, ...]:
        if self._error:
            return (line(("✗ ", "bad"), self._error),)
        if self.report is not None:
            return self._table.empty(
                running=self.session.running, command=self._command(), width=self.size.width - 3
            )
        if len(self._pairs) > 1:
            return (line(("Comparing…", "muted")),)
        told = line(("No two runs have ended that made an image.", "strong"))
        return (told,) if self.session.snapshot is not None else (told, TO_RUN_OR_OPEN)

    def _command(self) -> str:
        """What audits the build of the runs, to be typed: with its folder where hosts.toml does not
        name it."""
        import shlex

        from cachetui.config.hosts_option import hosts_option

        snapshot, build = self.session.snapshot, self.session.build
        settings = self.typed_app.core.settings
        name = snapshot.build if snapshot else build.name if build else "BUILD"
        if build is not None and build.name == name and name not in settings.builds:
            name = build.fetched_from or str(build.context)
        return f"cachetui run {hosts_option(settings.path)}{shlex.quote(name)}"

    # What the cursor is on

    @property
    def node(self) -> tree.Node | None:
        """The line of the tree under the cursor."""
        at = self.query_one(Grid).cursor
        return self._table.nodes.get(at[0]) if at else None

    @property
    def _side(self) -> int | None:
        """The number of the group under the cursor; in the first columns the first that differs."""
        at, node = self.query_one(Grid).cursor, self.node
        if at is None or node is None:
            return None
        if isinstance(at[1], int) and at[1] < len(node.sides) and node.sides[at[1]] is not None:
            return at[1]
        return first_side(node)

    @on(Grid.Moved, "#tree")
    def _show_facts(self) -> None:
        node = self.node
        facts = self._table.facts(node, self._side, self.size.width) if node is not None else []
        self.query_one("#facts", TextPanel).show(*facts)

    # Opening files

    @on(Grid.Opened, "#tree")
    def _opened(self) -> None:
        node = self.node
        if node is None:
            return
        if node.kind in ("step", "settings"):
            self._table.toggle(node)
            self._show()
        elif node.kind == "path":
            self._open_file(node)

    def _open_file(self, node: tree.Node) -> None:
        report, number = self.report, self._side
        if report is None or number is None:
            return
        difference = node.sides[number]
        assert isinstance(difference, PathDifference)
        group = self._table.groups[number]
        a, b = self._run_of(report.groups[0]), self._run_of(group)
        if a is None or b is None:
            return
        if self._opener is None:
            self._opener = self.typed_app.core.opener(self._pairs)
        opener, store = self._opener, whole_store(self.typed_app.core)
        steps = group.difference.steps
        step = next((each.id for each in steps if difference in each.paths), None)
        file = DifferingFile(
            path=node.name,
            what=view.what(difference, report.groups[0].name, group.name),
            a=f"{a.host} {a.scenario}",
            b=f"{b.host} {b.scenario}",
            step=f"line {node.step.line} {node.step.instruction}" if node.step else "",
            fetch=lambda: opener.difference(difference, a, b),
            log=lambda: log_note(store, a, b, step) if step is not None else "",
        )
        self.app.push_screen(FileDiffScreen(file), self._file_closed)

    def _run_of(self, group: OutputGroup) -> Run | None:
        """The first run of a group."""
        images = self.report.images if self.report else ()
        ids = [image.run for image in images if image.group == group.name]
        return next((run for _, run in self._pairs if ids and run.id == ids[0]), None)

    def _file_closed(self, by: int | None) -> None:
        if by:
            self.action_difference(by)
            node = self.node
            if node is not None and node.kind == "path":
                self._open_file(node)

    # Keys

    def action_difference(self, by: int) -> None:
        """Go to the next path that differs, or the previous; wraps around."""
        nodes = self._table.nodes
        differing = [key for key, node in nodes.items() if node.kind in ("path", "setting")]
        if not self.query_one(Grid).move_to_next(differing, by):
            self.typed_app.tell("No file differs.")

    def action_toggle_all(self) -> None:
        """Show all steps, or only those that differ."""
        self._table.everything = not self._table.everything
        self._show()

    def action_strict(self) -> None:
        """Also compare timestamps and builder metadata, or not."""
        self._strict = not self._strict
        compared = "Timestamps are compared." if self._strict else "Timestamps are only counted."
        self.typed_app.tell(compared)
        self.update_place()

    def action_choose(self) -> None:
        """Choose which images to compare."""

        def chosen(picks: tuple[Pick, ...]) -> None:
            self.session.outputs = picks
            self._baseline_run = None
            self.refresh_place()

        choose_images(self.typed_app, chosen)

    def action_read_images(self) -> None:
        """Ask what to run, with the images of the runs to be read."""
        from cachetui.tui.screens.start_audit import ask_what_to_run

        ask_what_to_run(self.typed_app, outputs=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        to_compare = len(self._pairs) > 1
        nothing = not self._table.compared if self.report is not None else not to_compare
        if action == "read_images":
            possible = not self.session.running and self.session.build is not None
            return self._table.not_asked and possible
        if action == "choose":
            return to_compare or self.report is not None
        return not (nothing and action in ("difference", "toggle_all", "strict"))

    def action_baseline_here(self) -> None:
        """Compare with the group under the cursor instead."""
        at = self.query_one(Grid).cursor
        if at is None or not isinstance(at[1], int):
            return
        run = self._run_of(self._table.groups[at[1]])
        if run is not None:
            self._baseline_run = run.id
            self.refresh_place()

    def copy_text(self) -> str | None:
        node = self.node
        return node.name if node else None
