"""The output of one build as it comes: its log to disk, steps and images in memory."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from cachetui.audit.build_job import BuildJob
from cachetui.audit.redact import StreamRedactor
from cachetui.builders.docker_args import options
from cachetui.builders.events import (
    ContextSent,
    Ended,
    Event,
    ImageMade,
    LayerPull,
    Log,
    Message,
    Started,
)
from cachetui.builders.layer_pulls import LayerPulls
from cachetui.builders.legacy_images import LegacyImages, LegacyMade
from cachetui.builders.registry import parser_for
from cachetui.builders.step_map import StepMap, Unended
from cachetui.builders.transfers import Transfers
from cachetui.records.share import CacheTransfer
from cachetui.records.step import Step, StepId
from cachetui.store.log_writer import LogWriter

_LAST_MESSAGES = 20
_DIGEST = re.compile(r"FROM \S+@(sha256:[0-9a-f]{64})")


class BuildRecorder:
    """Takes a build's output as it comes: parses it, follows the steps, writes their logs.

    Values of build arguments are taken out before anything is written. What was printed is not
    kept as it came: a value can be cut there at any place, in base64, between other steps' lines.
    The file `log` (see `LogWriter`) is below `folder`. `on_change` is called when a step changed,
    with this recorder. When the log cannot be written the build is followed all the same, and
    `trouble` says why it is not whole.
    """

    def __init__(
        self, job: BuildJob, folder: Path, on_change: Callable[[BuildRecorder], None]
    ) -> None:
        self.job = job
        self.steps = step_map(job)
        self.log = LogWriter(folder / "log")
        self.images: LegacyImages | None = None  # that each step leaves
        if job.builder.leaves_step_images:
            restores = any(option.name == "cache-from" for option in options(job.build.docker_args))
            self.images = LegacyImages(self.steps.dockerfile, self.steps.step_of, restores)
        self.digests: dict[str, str] = {}  # a FROM's reference → what BuildKit resolved it to
        self.final_image: str | None = None
        self.context_bytes: int | None = None
        self._transfers = Transfers()
        self.pulls = LayerPulls()
        self.messages: list[str] = []
        self.other_error: str | None = None  # what failed that is no step of the Dockerfile
        self.doing = ""
        self._parser = parser_for(job.output)
        self._redactor = job.redactor
        self._told = job.redactor.log(timed=True)  # messages, of which many can be one text
        self._line = ""  # of a message that has not ended
        self._step_redactors: dict[StepId | None, StreamRedactor] = {}
        self._on_change = on_change
        self._began = time.monotonic()
        self._names: dict[str, str] = {}
        self._closed = False

    def output(self, data: bytes, arrived: float) -> None:
        """A block of output and `time.monotonic()` of its arrival."""
        self._take(self._parser.feed(data, arrived - self._began))

    def go_on(self, job: BuildJob) -> None:
        """What comes now is the output of the next part of the same run."""
        self._take(self._parser.close(time.monotonic() - self._began))
        self.job, self.steps = job, step_map(job)
        self._parser, self._transfers, self._names = parser_for(job.output), Transfers(), {}
        self.pulls = LayerPulls()

    def close(self) -> None:
        """The output ended, whatever way."""
        if self._closed:
            return
        self._closed = True
        self._take(self._parser.close(time.monotonic() - self._began))
        self._tell(self._told.close())
        for step in self._step_redactors:
            self._end_log(step)
        self.log.close()

    @property
    def trouble(self) -> OSError | None:
        """Why the log is not whole, None where it is."""
        return self.log.trouble

    def _tell(self, data: bytes) -> None:
        """Write more of the build's messages, without values, and note the last ones."""
        if data:
            self.log.write(None, data)
            *lines, self._line = (self._line + data.decode("utf-8", "replace")).split("\n")
            self.messages = [*self.messages, *lines][-_LAST_MESSAGES:]

    def _end_log(self, step: StepId | None) -> None:
        """Write what was held back of a step's log: it is no build argument's value."""
        if step in self._step_redactors:
            self.log.write(step, self._step_redactors[step].close())

    def _take(self, events: Iterable[Event]) -> None:
        changed = False
        for event in events:
            changed |= self._follow(event)
        if changed:
            self._on_change(self)

    def _follow(self, event: Event) -> bool:
        """Take in one event; returns whether a step changed."""
        self.steps.apply(event)
        self._transfers.apply(event)
        self.pulls.apply(event)
        if self.images is not None:
            self.images.apply(event)
        match event:
            case LayerPull():
                return False
            case Log(key=key, data=data):
                step = self.steps.step_of(key)
                redactor = self._step_redactors.setdefault(step, self._redactor.log())
                self.log.write(step, redactor.feed(data))
                return False
            case Started(key=key, name=name):
                self.doing = self._redactor.string(name)
                self._names[key] = self.doing
                self._note_digest(key, name)
            case ImageMade(id=image, final=True):
                self.final_image = image
            case ContextSent(bytes=size):
                self.context_bytes = size
            case Message(text=text):
                shown = self._redactor.string(text).encode("utf-8", "replace")
                self._tell(self._told.feed(shown + b"\n"))
            case Ended(key=key):
                self._end_log(self.steps.step_of(key))
                if event.outcome == "failed" and event.error and not self.steps.step_of(key):
                    error = self._redactor.string(event.error)
                    self.other_error = f"{self._names.get(key, key)}: {error}"
        return True

    def _note_digest(self, key: str, name: str) -> None:
        """Note the digest that BuildKit found behind a FROM, which it prints as part of it."""
        step = self.steps.step_of(key)
        digest = _DIGEST.search(name)
        if digest is not None and step is not None and step.index == 0 and step.stage_index >= 0:
            self.digests[self.job.dockerfile.stages[step.stage_index].base] = digest[1]

    @property
    def transfers(self) -> tuple[CacheTransfer, ...]:
        """The imports and exports of caches so far."""
        clean = self._redactor.string
        return tuple(
            msgspec.structs.replace(one, error=clean(one.error)) if one.error else one
            for one in self._transfers.all
        )

    def made(self, *, cut: bool) -> LegacyMade:
        """The images that the steps left; `cut`: see `LegacyImages.made`."""
        if self.images is None:
            return LegacyMade()
        return self.images.made(self.steps.triggers_of, cut=cut)

    def finished(
        self, *, ended: bool, failed: bool, unended: Unended | None = None
    ) -> tuple[Step, ...]:
        """The steps as they are now: `ended` when the build is over, `failed` when it failed;
        `unended` as in `StepMap.steps`."""
        return tuple(
            msgspec.structs.replace(
                step,
                log_lines=self.log.lines(step.id),
                error=None if step.error is None else self._redactor.string(step.error),
            )
            for step in self.steps.steps(final=ended, run_failed=failed, unended=unended)
        )


def step_map(job: BuildJob) -> StepMap:
    """The steps of a build of which nothing is known yet."""
    return StepMap(
        job.dockerfile,
        job.build.target,
        job.planned.backend,
        job.build.build_args,
        job.facts.triggers_of(job.planned.backend),
    )
