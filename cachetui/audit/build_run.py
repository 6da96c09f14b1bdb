"""Run one build on one host and make its record."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from cachetui.audit.bad_names import refused, remedy
from cachetui.audit.build_job import BuildJob
from cachetui.audit.build_recorder import BuildRecorder, step_map
from cachetui.audit.built_image import inspect_image, read_triggers
from cachetui.audit.load_line import LoadLine, telling_load
from cachetui.audit.peeked import UntilStopped, peeked_steps, together
from cachetui.audit.timed_out import stopped_by_user, timed_out, waiting_for
from cachetui.builders.client import client
from cachetui.builders.engine_ended import KILLED, engine_ended
from cachetui.builders.host_troubles import host_trouble, trouble_in_log
from cachetui.builders.legacy_images import LegacyMade
from cachetui.builders.refusals import refusal
from cachetui.builders.step_map import Unended
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.records.run import Image, Run, RunStatus
from cachetui.records.step import Step, hit_ratio

ENGINE_ENDED = "the docker engine ended during the build"
ASK_SECONDS = 20.0
LAST_LINES = 10
"""Lines at the end of a failed step's log that may say why it failed."""

USAGE_ERROR = 125
"""Exit status of docker's client for an option that it does not take; nothing was sent then."""


@dataclass
class BuildOutcome:
    """A run, and what its output tells of the images that it made step by step."""

    run: Run
    made: LegacyMade = field(default_factory=LegacyMade)


def run_build(
    machine: Machine,
    job: BuildJob,
    folder: Path,
    *,
    cancel: Cancel | None,
    on_start: Callable[[BuildRecorder], None],
    on_change: Callable[[BuildRecorder], None],
) -> BuildOutcome:
    """Run the job's build and inspect its image; `folder` gets its log.

    A build that fails, is cancelled or whose host is lost is a run too, with its status and
    reason; nothing is raised for it.
    """
    parts = (job,) if job.parts is None else job.parts
    recorder = BuildRecorder(parts[0] if parts else job, folder, on_change)
    on_start(recorder)
    started_at = time.time()
    begun = time.monotonic()
    seen: list[tuple[Step, ...]] = []
    load, (exit_status, error, stopped) = _stream_parts(machine, parts, recorder, cancel, seen)
    seconds = time.monotonic() - begun
    recorder.close()
    asks = recorder.steps.unknown_triggers and not job.builds_elsewhere
    if asks and (error is None or error.kind != "lost"):
        # What the build pulled is there now; the host's next builds need not ask again.
        job.facts.triggers.update(read_triggers(machine, job.host, recorder.steps.unknown_triggers))
        recorder.steps.learn_triggers(job.facts.triggers)
    status, reason = ("ok", None) if stopped else _verdict(exit_status, error, recorder)
    if exit_status == KILLED and not stopped and not _engine_answers(machine, job):
        status, reason = "lost", ENGINE_ENDED
    if job.bad_names and status == "failed" and refused(reason or "", job.facts.engine):
        reason = f"{remedy(job.bad_names)} ({reason})"
    if status == "failed" and reason:
        reason = _with_host_trouble(reason, recorder)
    steps = _steps(recorder, status, error, stopped)
    if job.parts is not None:
        steps = together(step_map(job).steps(final=True, run_failed=True), (*seen, steps))
    if status == "unsupported":
        steps = _unsupported(steps)
    commands = [part.shown_command for part in parts]
    image: Image | None = None
    name = job.tag or recorder.final_image
    if status == "ok" and name is not None:
        image, command = inspect_image(machine, job.host, name)
        commands.append(command)
    run = msgspec.structs.replace(
        _record(job, status, reason, steps),
        started_at=started_at,
        seconds=seconds,
        image=image,
        output_format=job.output,
        exit_status=exit_status,
        context_bytes=recorder.context_bytes,
        commands=tuple(commands),
        notes=job.notes,
        mounts=job.cache_mounts,
        load=load,
        of=job.of,
        bases=recorder.digests,
        transfers=recorder.transfers,
    )
    return BuildOutcome(run, recorder.made(cut=exit_status is None or stopped))


def _stream_parts(
    machine: Machine,
    parts: Sequence[BuildJob],
    recorder: BuildRecorder,
    cancel: Cancel | None,
    seen: list[tuple[Step, ...]],
) -> tuple[float | None, tuple[int | None, HostError | None, bool]]:
    """Run the parts of a build up to the first that fails: the host's load before them, and how the
    last one ended, as `_stream` has it. The steps of those before it are appended to `seen`."""
    ended: tuple[int | None, HostError | None, bool] = (0, None, False)
    load: float | None = None
    for number, part in enumerate(parts):
        if number:
            seen.append(_steps(recorder, "ok", None, ended[2]))
            recorder.go_on(part)
        before, ended = _stream(machine, part, recorder, cancel)
        load = before if number == 0 else load
        exit_status, _, stopped = ended
        if exit_status != 0 and not stopped:
            break
    return load, ended


def _steps(
    recorder: BuildRecorder, status: RunStatus, error: HostError | None, stopped: bool
) -> tuple[Step, ...]:
    """The steps of a build that ended."""
    unended = "stopped" if stopped else _unended(status, error)
    steps = recorder.finished(ended=True, failed=status != "ok", unended=unended)
    return peeked_steps(steps) if stopped else steps


def _stream(
    machine: Machine, job: BuildJob, recorder: BuildRecorder, cancel: Cancel | None
) -> tuple[float | None, tuple[int | None, HostError | None, bool]]:
    """Run the build to its end: the host's load before it; its exit status, or the error that ended
    it, and whether the host stopped it at the first RUN."""
    timeout = job.host.build_timeout
    until = UntilStopped(job.audit, recorder.output)
    take = until.output if job.planned.kind.peeks else recorder.output
    first = LoadLine(take)
    command = telling_load(job.command)
    status: int | None = None
    failed: HostError | None = None
    try:
        status = machine.stream(command, first.output, timeout=timeout, cancel=cancel)
    except HostError as error:
        failed = error
    finally:
        first.close(time.monotonic())
        until.close(time.monotonic())
    return first.load, (status, failed, until.stopped and failed is None)


def unsupported_run(job: BuildJob, steps: Sequence[Step], reason: str) -> Run:
    """The record of a run that was not tried, because this host's builder cannot build it."""
    return _record(job, "unsupported", reason, _unsupported(steps))


def _unsupported(steps: Sequence[Step]) -> tuple[Step, ...]:
    return tuple(msgspec.structs.replace(step, status="unsupported") for step in steps)


def _with_host_trouble(reason: str, recorder: BuildRecorder) -> str:
    """The reason of a failed build with the trouble of the host that it names, or that the step
    which failed printed at its end."""
    trouble = host_trouble(reason)
    if trouble is not None:
        return f"{trouble} ({reason})"
    steps = recorder.finished(ended=True, failed=True)
    failed = next((step for step in steps if step.status == "failed"), None)
    if failed is None:
        return reason
    with suppress(OSError), recorder.log.so_far() as log:
        trouble = trouble_in_log(line.text for line in log.step(failed.id).tail(LAST_LINES))
    return f"{reason}; {trouble}" if trouble else reason


def _unended(status: RunStatus, error: HostError | None) -> Unended | None:
    """What a step is that was at work when the build ended."""
    if status == "lost":
        return "lost"
    return "stopped" if error is not None else None


def _engine_answers(machine: Machine, job: BuildJob) -> bool:
    ask = f"{client(job.host.docker, job.host.env)} version --format '{{{{.Server.Version}}}}'"
    try:
        return machine.run(f"{ask} 2>/dev/null", timeout=ASK_SECONDS).status == 0
    except HostError:
        return False


def _record(job: BuildJob, status: RunStatus, reason: str | None, steps: tuple[Step, ...]) -> Run:
    """A run of the job that took no time, and of which nothing but its steps is known."""
    return Run(
        id=uuid.uuid4().hex,
        audit=job.audit,
        host=job.host.name,
        scenario=job.planned.scenario,
        repeat=job.planned.repeat,
        status=status,
        reason=reason,
        started_at=time.time(),
        seconds=0.0,
        hit_ratio=hit_ratio(steps),
        steps=steps,
        engine=job.facts.engine,
    )


def _verdict(
    exit_status: int | None, error: HostError | None, recorder: BuildRecorder
) -> tuple[RunStatus, str | None]:
    """The run's status and, unless it is ok, the reason: what the builder refused before any
    step, else the step that failed with its error, else what else failed, else the last message
    that looks like an error."""
    if error is not None:
        waiting = waiting_for(recorder.steps, recorder.transfers, recorder.pulls)
        if error.kind == "cancelled":
            return "cancelled", stopped_by_user(waiting)
        if error.kind == "timeout":
            host = recorder.job.host
            told = waiting and timed_out(waiting, host.name, host.build_timeout)
            return "failed", told or error.reason
        return "lost", error.reason
    if exit_status == 0:
        return "ok", None
    messages = [message for message in recorder.messages if message.strip()]
    gone = engine_ended(messages)
    if gone is not None:
        return "lost", f"{ENGINE_ENDED}: {gone}"
    last = next((m for m in reversed(messages) if "ERROR" in m or "rror:" in m), None)
    if exit_status == USAGE_ERROR:  # what follows the sentence is how to get help
        last = next((m for m in messages if "flag" in m), last)
    last = last or (messages[-1] if messages else f"docker build ended with {exit_status}")
    steps = recorder.finished(ended=True, failed=True)
    refused = refusal(messages)
    if refused is not None and not any(step.counts for step in steps):
        return "unsupported", refused
    failed = next((step for step in steps if step.status == "failed"), None)
    if failed is not None:
        return "failed", f"line {failed.line}: {failed.error or last}"
    return "failed", recorder.other_error or last
