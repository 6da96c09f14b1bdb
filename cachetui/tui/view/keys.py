"""Every key of the app, place by place. The preferences change a key by the id of its binding.

`show` puts a key into the foot of the screen, at most six to a place. The help and the cheat sheet
are made from these descriptions.
"""

from __future__ import annotations

from textual.binding import Binding, BindingType

from cachetui.tui.view.place_names import PLACE_NAMES


def _key(
    id: str,
    keys: str,
    action: str,
    description: str,
    *,
    show: bool = False,
    tip: str = "",
    priority: bool = False,
    display: str | None = None,
) -> Binding:
    return Binding(
        keys,
        action,
        description,
        show=show,
        tooltip=tip,
        id=id,
        priority=priority,
        key_display=display,
    )


APP: list[BindingType] = [
    _key("app.findings", "w", "findings", "Why", show=True, tip="Why: the finding about it"),
    _key("app.help", "question_mark", "help", "Keys", show=True, display="?"),
    _key("app.palette", "ctrl+p", "command_palette", "Every action, by name"),
    _key("app.next_place", "right_square_bracket", "place(1)", "Next place", display="]"),
    _key("app.previous_place", "left_square_bracket", "place(-1)", "Previous place", display="["),
    *(
        _key(f"app.place_{n}", str(n), f"place_number({n})", f"Go to {name}")
        for n, name in enumerate(PLACE_NAMES, start=1)
    ),
    _key("app.peek", "P", "peek", "Peek: where each cache stops hitting, without a build"),
    _key("app.share", "S", "share", "Share caches: what each kind keeps"),
    _key("app.back", "escape", "go_back", "Back"),
    _key("app.copy", "y", "copy", "Copy the command, or what the cursor is on"),
    _key("app.export", "e", "export", "Export as JSON, Markdown or HTML"),
    _key("app.leave", "q", "close_top", "Close; in Fleet, quit"),
    _key("app.interrupt", "ctrl+c,ctrl+q", "leave", "Quit", priority=True),
]

ENTER = "grid.open"
"""The id of the key that opens a row; each place says where that leads (`Place.ENTER`)."""

GRID: list[BindingType] = [
    _key("grid.down", "j,down", "move(1)", "Down"),
    _key("grid.up", "k,up", "move(-1)", "Up"),
    _key("grid.left", "h,left", "move(0, -1)", "Left"),
    _key("grid.right", "l,right", "move(0, 1)", "Right"),
    _key("grid.top", "g,home", "edge(False)", "First row"),
    _key("grid.bottom", "G,end", "edge(True)", "Last row"),
    _key("grid.page_down", "pagedown,ctrl+f", "page(1)", "Page down"),
    _key("grid.page_up", "pageup,ctrl+b", "page(-1)", "Page up"),
    _key("grid.half_down", "ctrl+d", "page(0.5)", "Half a page down"),
    _key("grid.half_up", "ctrl+u", "page(-0.5)", "Half a page up"),
    _key(ENTER, "enter", "open", "Open", show=True),
]

_MARK = _key("fleet.mark", "space", "mark", "Mark", show=True, tip="Mark the cell, or the host")

FLEET: list[BindingType] = [
    _key("fleet.start", "r", "app.start", "Run…", show=True, tip="Start an audit"),
    _key("fleet.stop", "x", "stop", "Stop", show=True, tip="Stop the marked hosts, or all"),
    _key("fleet.odd", "o", "odd", "Open the first difference"),
    _MARK,
    _key("fleet.filter", "slash", "filter", "Filter", show=True, display="/"),
    _key("fleet.mark_all", "a", "mark_all", "Mark all in view"),
    _key("fleet.mark_column", "m", "mark_column", "Mark this scenario on every host in view"),
    _key("fleet.marked_only", "M", "marked_only", "Show marked hosts only"),
    _key("fleet.rerun", "R", "rerun", "Rerun the marked runs, or all that failed"),
    _key("fleet.fold", "f", "fold", "Group identical hosts"),
    _key(
        "fleet.columns", "C", "columns", "Choose columns…", tip="Choose columns: facts, scenarios"
    ),
    _key("fleet.sort", "s", "sort", "Sort by the column under the cursor"),
    _key("fleet.log", "v", "live_log", "Log of the run under the cursor"),
    _key("fleet.timeline", "t", "timeline", "Timeline of the run under the cursor"),
    _key("fleet.commands", "c", "commands", "Commands that ran on the host"),
    _key("fleet.build", "b", "app.choose_build", "Choose another build"),
    _key("fleet.presets", "p", "app.presets", "Compare by a preset"),
    _key("fleet.outputs", "i", "app.outputs", "Are the images the same?"),
    _key("fleet.back", "escape", "go_back", "Clear filter or marks"),
]

COMPARE: list[BindingType] = [
    _key(
        "compare.all",
        "a",
        "toggle_all",
        "All steps",
        show=True,
        tip="All steps, or those that differ",
    ),
    _key("compare.next", "n", "difference(1)", "Next", show=True, tip="Next difference"),
    _key("compare.baseline", "b", "baseline", "Baseline", show=True, tip="Choose the baseline"),
    _key("compare.presets", "p", "app.presets", "Compare by a preset"),
    _key("compare.previous", "N", "difference(-1)", "Previous difference"),
    _key("compare.timeline", "t", "timeline", "Timeline of these runs"),
    _key("compare.commands", "c", "commands", "Commands of the run under the cursor"),
    _key("compare.outputs", "i", "app.outputs", "Images of these runs, file by file"),
    _key("compare.sort", "s", "sort", "Sort by the column under the cursor"),
    _key("compare.columns", "C", "columns", "Choose columns…", tip="Choose which runs are shown"),
    _key("compare.drop", "d", "drop", "Drop the run under the cursor"),
    _key("compare.baseline_here", "B", "baseline_here", "Make the run under the cursor baseline"),
]

STEP: list[BindingType] = [
    _key("step.diff", "d", "diff", "Diff", show=True, tip="What differs in the logs, or the logs"),
    _key("step.search", "slash", "search", "Search", show=True, display="/", tip="Search the logs"),
    _key(
        "step.view",
        "v",
        "view",
        "As printed",
        show=True,
        tip="The whole log as printed, or by step",
    ),
    _key("step.pane", "tab", "pane(1)", "Pane", show=True, tip="Next pane"),
    _key("step.matches_only", "f", "matches_only", "Filter: only lines that match, or all"),
    _key("step.next", "n", "next(1)", "Next match or difference"),
    _key("step.previous", "N", "next(-1)", "Previous match or difference"),
    _key("step.step_down", "J,shift+down", "step(1)", "Next step"),
    _key("step.step_up", "K,shift+up", "step(-1)", "Previous step"),
    _key("step.pane_back", "shift+tab", "pane(-1)", "Previous pane"),
    _key("step.commands", "c", "commands", "Commands of this run"),
    _key("step.back", "escape", "go_back", "Leave the search, or back"),
]

LOG: list[BindingType] = [
    _key("log.down", "j,down", "scroll_by(1)", "Down"),
    _key("log.up", "k,up", "scroll_by(-1)", "Up"),
    _key("log.left", "h,left", "scroll_by(0, -8)", "Left"),
    _key("log.right", "l,right", "scroll_by(0, 8)", "Right"),
    _key("log.top", "g,home", "edge(False)", "First line"),
    _key("log.bottom", "G,end", "edge(True)", "Last line; stay there while it grows"),
    _key("log.page_down", "pagedown,ctrl+f,space", "page(1)", "Page down"),
    _key("log.page_up", "pageup,ctrl+b", "page(-1)", "Page up"),
    _key("log.half_down", "ctrl+d", "page(0.5)", "Half a page down"),
    _key("log.half_up", "ctrl+u", "page(-0.5)", "Half a page up"),
]

LINES: list[BindingType] = [
    _key("lines.down", "j,down", "scroll_by(1)", "Down"),
    _key("lines.up", "k,up", "scroll_by(-1)", "Up"),
    _key("lines.top", "g,home", "edge(False)", "Top"),
    _key("lines.bottom", "G,end", "edge(True)", "Bottom"),
    _key("lines.page_down", "pagedown,ctrl+f,space", "page(1)", "Page down"),
    _key("lines.page_up", "pageup,ctrl+b", "page(-1)", "Page up"),
]

TIMELINE: list[BindingType] = [
    _key(
        "timeline.order", "s", "sort", "Order", show=True, tip="Dockerfile order, or by their start"
    ),
    _key(
        "timeline.critical",
        "a",
        "critical",
        "Critical path",
        show=True,
        tip="The critical path alone, or all steps",
    ),
    _key(
        "timeline.runs",
        "b",
        "choose",
        "Other run",
        show=True,
        tip="Choose the run beside the first",
    ),
    _key("timeline.presets", "p", "app.presets", "Presets", show=True, tip="Compare by a preset"),
    _key("timeline.commands", "c", "commands", "Commands of this run"),
]

MOUNTS: list[BindingType] = [
    _key(
        "mounts.sort", "s", "sort", "Sort", show=True, tip="Sort by what is saved, by size, by host"
    ),
]

FINDINGS: list[BindingType] = [
    _key("findings.prove", "p", "prove", "Prove…", show=True, tip="Prove it by an experiment"),
    _key("findings.details", "tab", "details", "List / details", show=True),
]

SHARE: list[BindingType] = [
    _key("share.start", "r", "app.share", "Share…", show=True, tip="Share caches of a build"),
    _key("share.stop", "x", "stop", "Stop", show=True, tip="Stop the experiment"),
    _key("share.commands", "c", "commands", "Commands of the build under the cursor"),
]

HISTORY: list[BindingType] = [
    _key("history.mark", "space", "mark", "Mark", show=True, tip="Mark the audit to compare"),
    _key(
        "history.compare",
        "c",
        "compare",
        "Compare",
        show=True,
        tip="Compare the marked audits, or this one with the audit that is open",
    ),
    _key("history.delete", "d,delete", "delete", "Delete", show=True, tip="Delete the audit"),
    _key("history.pin", "p", "pin", "Pin", tip="Pin the audit: never removed to make room"),
    _key(
        "history.trend", "tab", "trend", "Trends", show=True, tip="Trends of this build, or audits"
    ),
    _key("history.sort", "s", "sort", "Sort"),
    _key("history.back", "escape", "go_back", "Back to the audits, or back"),
]

OUTPUTS: list[BindingType] = [
    _key("outputs.next", "n", "difference(1)", "Next file", show=True),
    _key(
        "outputs.all",
        "a",
        "toggle_all",
        "All steps",
        show=True,
        tip="All steps, or those that differ",
    ),
    _key(
        "outputs.strict",
        "s",
        "strict",
        "Timestamps",
        show=True,
        tip="Also compare timestamps and builder metadata",
    ),
    _key("outputs.choose", "b", "choose", "Other images", show=True),
    _key(
        "outputs.read",
        "r",
        "read_images",
        "Read images",
        show=True,
        tip="Run again, and read the images",
    ),
    _key("outputs.previous", "N", "difference(-1)", "Previous file"),
    _key("outputs.baseline_here", "B", "baseline_here", "Make the group under the cursor baseline"),
]

FILE: list[BindingType] = [
    _key("file.next", "n", "next(1)", "Next file"),
    _key("file.previous", "N", "next(-1)", "Previous file"),
    _key("file.copy", "y", "copy", "Copy the diff"),
    _key("file.close", "escape,q,enter", "close", "Back"),
]

COMMAND: list[BindingType] = [
    _key("command.copy", "y", "copy", "Copy all", show=True),
    _key("command.close", "escape,q,c", "close", "Back", show=True),
]

DIALOG: list[BindingType] = [
    _key("dialog.close", "escape,q", "close", "Close"),
]
