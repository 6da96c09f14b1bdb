"""One build of one scenario on one host: run it, read it as it comes, make its record."""

from __future__ import annotations

import re
import time
import uuid
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from cachetui.audit.redact import Redactor, StreamRedactor
from cachetui.builders.command_line import Build, build_command, client, tag
from cachetui.builders.events import ContextSent, Ended, Event, ImageMade, Log, Message, Started
from cachetui.builders.output_parser import parser_for
from cachetui.builders.step_map import StepMap
from cachetui.config.settings import HostSettings
from cachetui.dockerfile.parse import Dockerfile
from cachetui.hosts.machine import Cancel, Completed, HostError, Machine
from cachetui.records.host import HostFacts
from cachetui.records.run import Image, MountUse, OutputFormat, Run, RunStatus
from cachetui.records.scenario import Planned
from cachetui.records.step import Step, StepId, hit_ratio
from cachetui.store.run_log import LogWriter

INSPECT_SECONDS = 60.0
_LAST_MESSAGES = 20
_DIGEST = re.compile(r"FROM \S+@(sha256:[0-9a-f]{64})")


@dataclass(frozen=True)
class Job:
    """What one run needs to know. `of` is what it is a run of (see `identity`)."""

    audit: str
    host: HostSettings
    facts: HostFacts
    planned: Planned
    build: Build
    dockerfile: Dockerfile
    redactor: Redactor
    of: str = ""
    notes: tuple[str, ...] = ()

    @property
    def output(self) -> OutputFormat:
        """The richest output that the host's client can give."""
        if self.planned.backend == "legacy":
            return "legacy"
        return "rawjson" if self.facts.rawjson else "plain"

    @property
    def tag(self) -> str | None:
        """The image's tag; what is found as it is gets none, as its user would give none."""
        return tag(self.audit, self.planned) if self.planned.kind.controlled else None

    def command(self, *, values: bool = True) -> str:
        """The build's command; without `values`, one to be shown and kept."""
        return build_command(
            self.host.docker,
            self.host.env,
            self.build,
            self.planned,
            self.audit,
            self.output,
            values=values,
        )


@dataclass
class Outcome:
    """A run with the image IDs that it printed, oldest first. `bases` are those that it found on
    the host for a FROM; one that it pulled is not among them."""

    run: Run
    printed_images: list[str] = field(default_factory=list)
    bases: frozenset[str] = frozenset()


class Recorder:
    """Takes a build's output as it comes: keeps it raw, takes it apart, follows the steps."""

    def __init__(self, job: Job, folder: Path, on_change: Callable[[Recorder], None]) -> None:
        self.job = job
        self.steps = StepMap(
            job.dockerfile, job.build.target, job.planned.backend, job.build.build_args
        )
        self.log = LogWriter(folder / "log")
        self.raw_path = folder / "raw"
        self.images: list[str] = []
        self.bases: dict[str, str] = {}  # key of a FROM → the image that it printed first
        self.digests: dict[str, str] = {}  # a FROM's reference → what BuildKit resolved it to
        self.final_image: str | None = None
        self.context_bytes: int | None = None
        self.messages: list[str] = []
        self.elsewhere: str | None = None  # what failed that is no step of the Dockerfile
        self.doing = ""
        self._parser = parser_for(job.output)
        self._raw = self.raw_path.open("wb")
        self._pack = zlib.compressobj(1)
        self._redact = job.redactor
        self._hide = job.redactor.stream()
        self._hide_log: dict[StepId | None, StreamRedactor] = {}
        self._on_change = on_change
        self._began = time.monotonic()
        self._names: dict[str, str] = {}

    def output(self, data: bytes, arrived: float) -> None:
        """A block of output and `time.monotonic()` of its arrival."""
        self._raw.write(self._pack.compress(self._hide.feed(data)))
        self._take(self._parser.feed(data, arrived - self._began))

    def close(self) -> None:
        """The output ended, whatever way."""
        if self._raw.closed:
            return
        self._take(self._parser.close(time.monotonic() - self._began))
        self._raw.write(self._pack.compress(self._hide.close()) + self._pack.flush())
        self._raw.close()
        for step in self._hide_log:
            self._end_log(step)
        self.log.close()

    def _end_log(self, step: StepId | None) -> None:
        """Write what was held back of a step's log: it is no build argument's value."""
        if step in self._hide_log:
            self.log.write(step, self._hide_log[step].close())

    def _take(self, events: object) -> None:
        changed = False
        for event in events:  # type: ignore[attr-defined]
            changed |= self._event(event)
        if changed:
            self._on_change(self)

    def _event(self, event: Event) -> bool:
        """Follow one event; says whether a step changed."""
        self.steps.apply(event)
        match event:
            case Log(key=key, data=data):
                step = self.steps.step_of(key)
                hide = self._hide_log.setdefault(step, self._redact.log())
                self.log.write(step, hide.feed(data))
                return False
            case Started(key=key, name=name):
                self.doing = self._redact.string(name)
                self._names[key] = self.doing
                self._resolved(key, name)
            case ImageMade(key=of, id=image, final=final):
                step = self.steps.step_of(of) if of else None
                if of and step is not None and step.index == 0 and image not in self.images:
                    self.bases.setdefault(of, image)
                self.images.append(image)
                if final:
                    self.final_image = image
            case ContextSent(bytes=size):
                self.context_bytes = size
            case Message(text=text):
                shown = self._redact.string(text)
                self.log.write(None, shown.encode("utf-8", "replace") + b"\n")
                self.messages = [*self.messages[1 - _LAST_MESSAGES :], shown]
            case Ended(key=key):
                self._end_log(self.steps.step_of(key))
                if event.fetched:
                    self.bases.pop(key, None)
                if event.outcome == "failed" and event.error and not self.steps.step_of(key):
                    error = self._redact.string(event.error)
                    self.elsewhere = f"{self._names.get(key, key)}: {error}"
        return True

    def _resolved(self, key: str, name: str) -> None:
        """Note the digest that BuildKit found behind a FROM, which it prints as part of it."""
        step = self.steps.step_of(key)
        found = _DIGEST.search(name)
        if found is not None and step is not None and step.index == 0 and step.stage_index >= 0:
            self.digests[self.job.dockerfile.stages[step.stage_index].base] = found[1]

    def finished(self, *, ended: bool, failed: bool) -> tuple[Step, ...]:
        """The steps as they are now: `ended` when the build is over, `failed` when it failed."""
        return tuple(
            msgspec.structs.replace(
                step,
                log_lines=self.log.lines(step.id),
                error=None if step.error is None else self._redact.string(step.error),
            )
            for step in self.steps.steps(final=ended, run_failed=failed)
        )


def run_build(
    machine: Machine,
    job: Job,
    folder: Path,
    *,
    load: float | None,
    cancel: Cancel | None,
    on_start: Callable[[Recorder], None],
    on_change: Callable[[Recorder], None],
) -> Outcome:
    """Run the job's build and inspect its image; files of the run are `log` and `raw` in `folder`.

    A build that fails, is cancelled or whose host is lost is a run too, with its status and
    reason; nothing is raised for it.
    """
    recorder = Recorder(job, folder, on_change)
    on_start(recorder)
    started_at = time.time()
    begun = time.monotonic()
    exit_status: int | None = None
    trouble: HostError | None = None
    try:
        exit_status = machine.stream(
            job.command(), recorder.output, timeout=job.host.build_timeout, cancel=cancel
        )
    except HostError as error:
        trouble = error
    seconds = time.monotonic() - begun
    recorder.close()
    status, reason = _verdict(exit_status, trouble, recorder)
    commands = [job.command(values=False)]
    image = None
    if status == "ok":
        image, inspect = _inspect(machine, job, recorder)
        commands += inspect
    steps = recorder.finished(ended=True, failed=status != "ok")
    run = Run(
        id=uuid.uuid4().hex,
        audit=job.audit,
        host=job.host.name,
        scenario=job.planned.scenario,
        repeat=job.planned.repeat,
        status=status,
        reason=reason,
        started_at=started_at,
        seconds=seconds,
        hit_ratio=hit_ratio(steps),
        steps=steps,
        image=image,
        output_format=job.output,
        exit_status=exit_status,
        context_bytes=recorder.context_bytes,
        commands=tuple(commands),
        notes=job.notes,
        mounts=mounts_of(job.dockerfile) if job.planned.backend == "buildkit" else (),
        load=load,
        engine=job.facts.engine,
        of=job.of,
        bases=recorder.digests,
    )
    return Outcome(run, recorder.images, frozenset(recorder.bases.values()))


def _verdict(
    exit_status: int | None, trouble: HostError | None, recorder: Recorder
) -> tuple[RunStatus, str | None]:
    if trouble is not None:
        if trouble.trouble == "cancelled":
            return "cancelled", "stopped"
        if trouble.trouble == "timeout":
            return "failed", trouble.reason
        return "lost", trouble.reason
    if exit_status == 0:
        return "ok", None
    said = [message for message in recorder.messages if message.strip()]
    last = next((m for m in reversed(said) if "ERROR" in m or "rror:" in m), None)
    last = last or (said[-1] if said else f"docker build ended with {exit_status}")
    failed = [s for s in recorder.finished(ended=True, failed=True) if s.status == "failed"]
    if failed:
        return "failed", f"line {failed[0].line}: {failed[0].error or last}"
    return "failed", recorder.elsewhere or last


def _inspect(machine: Machine, job: Job, recorder: Recorder) -> tuple[Image | None, list[str]]:
    """The image's identity on the host, where it has a name to be found by."""
    name = job.tag or recorder.final_image
    if name is None:
        return None, []
    words = f"image inspect --format '{{{{json .}}}}' {name}"
    done: Completed | None = None
    with suppress(HostError):
        done = machine.run(
            f"{client(job.host.docker, job.host.env)} {words}", timeout=INSPECT_SECONDS
        )
    shown = [f"{client(job.host.docker)} {words}"]
    if done is None or done.status != 0:
        return None, shown
    with suppress(msgspec.MsgspecError):
        found = msgspec.json.decode(done.stdout, type=_Inspected)
        return Image(id=found.Id, layers=tuple(found.RootFS.Layers or ()), bytes=found.Size), shown
    return None, shown


class _RootFs(msgspec.Struct):
    Layers: list[str] | None = None


class _Inspected(msgspec.Struct):
    """What we read of `docker image inspect`."""

    Id: str
    RootFS: _RootFs
    Size: int = 0


def mounts_of(dockerfile: Dockerfile) -> tuple[MountUse, ...]:
    """The cache mounts that the Dockerfile's RUN steps name."""
    return tuple(
        MountUse(
            stage_index=instruction.stage_index,
            index=instruction.index,
            target=mount.target,
            id=mount.id or mount.target,
            sharing=mount.sharing or "shared",
        )
        for instruction in dockerfile.instructions
        for mount in instruction.cache_mounts
    )


def unsupported_run(job: Job, steps: Sequence[Step], reason: str) -> Run:
    """The record of a run that was not tried, because this host's backend cannot build it."""
    return Run(
        id=uuid.uuid4().hex,
        audit=job.audit,
        host=job.host.name,
        scenario=job.planned.scenario,
        repeat=job.planned.repeat,
        status="unsupported",
        reason=reason,
        started_at=time.time(),
        seconds=0.0,
        steps=tuple(msgspec.structs.replace(step, status="unsupported") for step in steps),
        engine=job.facts.engine,
    )
