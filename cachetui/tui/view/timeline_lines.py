"""The bars of Timeline, its axis, and a step in words. Pure."""

from __future__ import annotations

from cachetui.compare.timeline import Bar, Timeline
from cachetui.report import units
from cachetui.report.pulled import pulled
from cachetui.report.signs import CRITICAL
from cachetui.tui.view import signs
from cachetui.tui.view.charts import bar_on_axis
from cachetui.tui.view.text import Line, Span, Tone, joined, line


def run_heading(name: str, role: str, drawn: Timeline, width: int) -> Line:
    """The heading of a run's bars: how long it took and what decided that, as far as it fits."""
    parts: list[Line] = [line((f"{name} ", "title"), (units.seconds(drawn.wall), "strong"))]
    if role:
        parts.append(((role, "muted"),))
    if drawn.share is not None and drawn.critical:
        share = f"{CRITICAL} critical path {units.percent(drawn.share)}"
        at_work = units.seconds(drawn.critical_seconds)
        long = line((share, "accent"), (f" of it ({at_work} at work)", "muted"))
        parts.append(long if width >= 100 else ((share, "accent"),))
    if drawn.lanes > 1:
        parts.append(((f"up to {units.count(drawn.lanes, 'step')} at once", "muted"),))
    elif drawn.bars:
        parts.append((("one step at a time", "muted"),))
    if drawn.untimed:
        parts.append(((f"{units.count(len(drawn.untimed), 'step')} without times", "muted"),))
    return joined(width, parts)


def track(bar: Bar, scale: float, width: int) -> Line:
    """A step's bar on the axis: dots while it waited for its turn, blocks while it ran."""
    left, text = bar_on_axis(bar.start, bar.end, scale, width)
    text = text[: width - left]
    waited_from = int(max(0.0, bar.start - bar.waited) / scale * width) if scale > 0 else 0
    dots = left - min(waited_from, left) if bar.waited >= scale / max(1, width) else 0
    tone: Tone = "accent" if bar.critical else "muted"
    if bar.step.status == "failed":
        tone = "bad"
    elif bar.step.status == "hit":
        tone = "good"
    return line(" " * (left - dots), ("·" * dots, "muted"), (text, tone))


def axis(scale: float, width: int) -> str:
    """The time axis: ticks at round numbers of seconds."""
    if width < 8 or scale <= 0:
        return ""
    max_ticks = max(1, width // 9)
    step = next(
        (
            s
            for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200)
            if scale / s <= max_ticks
        ),
        scale,
    )
    text = [" "] * width
    count = int(scale / step) + 1
    for number in range(count):
        at = int(number * step / scale * width)
        seconds = number * step
        label = "│" + (units.seconds(seconds) if step < 1 or seconds >= 60 else f"{seconds:.0f}s")
        if at + len(label) <= width:
            text[at : at + len(label)] = label
    return "".join(text).rstrip()


def bar_facts(bar: Bar, drawn: Timeline) -> list[Line]:
    """A step in words: when it ran, what it waited for, and why it started early if it did; at most
    four lines."""
    step = bar.step
    lines_of = {other.step.id: other.step.line for other in drawn.bars}
    head: list[str | Span] = [(f"line {step.line} ", "muted"), (step.instruction, "strong")]
    when: list[str | Span] = [*signs.step_status(step)]
    when.append(f" from {units.seconds(bar.start)} to {units.seconds(bar.end)}")
    if pulled(step):
        when.append(f" · {pulled(step)}")
    if bar.needs:
        needed = ", ".join(str(lines_of[need]) for need in bar.needs if need in lines_of)
        when.append((f" · builds on line {needed}", "muted"))
    if bar.waited >= 0.05:
        when.append((f" · waited {units.seconds(bar.waited)} more", "muted"))
    if bar.critical:
        when.append((f" · {CRITICAL} on the critical path", "accent"))
    lines = [line(*head), line(*when)]
    for early in drawn.early:
        if early.step == step.id:
            before = ", ".join(str(lines_of[other]) for other in early.overtaken)
            lines.append(line((f"started before line {before}: ", "muted"), early.reason))
    return lines[:4]
