"""What a host has of its own build: the checkout that it builds from, and the image it made."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from cachetui.audit.task import AuditTask
from cachetui.config.settings import HostSettings
from cachetui.context.manifest import Entry
from cachetui.findings.context_files import ROOT, context_of
from cachetui.hosts.asked_ahead import Question
from cachetui.hosts.checkout import list_question, read_checkout
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.outputs.foreign_files import builder_of, copied_files
from cachetui.outputs.gather_contents import gather_contents
from cachetui.outputs.layers import LayerError, lines_of
from cachetui.records.host import MAX_FOREIGN, Checkout, ForeignFile, HostFacts, OwnImage
from cachetui.store.database import Store

ASK_SECONDS = 60.0


@dataclass(frozen=True)
class OwnBuild:
    """Both are None where hosts.toml names none. `problems` say what could not be read."""

    checkout: Checkout | None = None
    image: OwnImage | None = None
    problems: tuple[str, ...] = ()


def own_build_questions(host: HostSettings, task: AuditTask) -> tuple[Question, ...]:
    """What `read_own_build` asks first."""
    folder = host.context_on_host or task.settings.context_on_host
    if folder is None:
        return ()
    return (list_question(host.name, folder, task.record.dockerfile),)


def read_own_build(
    machine: Machine,
    host: HostSettings,
    facts: HostFacts,
    task: AuditTask,
    store: Store,
    cancel: Cancel,
) -> OwnBuild:
    """Read the checkout (`context_on_host`), whose manifest is kept, and what the image
    (`image_on_host`) has that the checkout has not. Nothing on the host is changed. Raises
    `HostError` when the host is lost, or on `cancel`."""
    folder = host.context_on_host or task.settings.context_on_host
    ref = host.image_on_host or task.settings.image_on_host
    if folder is None:
        why = f"image_on_host {ref}: context_on_host names no checkout to hold it against"
        return OwnBuild(problems=(why,) if ref is not None else ())
    checkout, entries = read_checkout(machine, folder, task.record.dockerfile, cancel=cancel)
    if checkout.digest is None:
        return OwnBuild(checkout, None, (f"context_on_host {folder}: {checkout.problem}",))
    store.keep_manifest(checkout.digest, entries)
    if ref is None:
        return OwnBuild(checkout)
    image = _read_image(machine, host, facts, task, ref, checkout, entries, store, cancel)
    problems = (f"image_on_host {ref}: {image.problem}",) if image.problem is not None else ()
    return OwnBuild(checkout, image, problems)


def _read_image(
    machine: Machine,
    host: HostSettings,
    facts: HostFacts,
    task: AuditTask,
    ref: str,
    checkout: Checkout,
    entries: Sequence[Entry],
    store: Store,
    cancel: Cancel,
) -> OwnImage:
    text = checkout.dockerfile_text
    if text is not None and text != task.record.dockerfile_text:
        return OwnImage(ref=ref, problem="the checkout has another Dockerfile than was audited")
    try:
        contents = gather_contents(
            machine, host, ref, store, cancel=cancel, redact=task.redactor.image
        )
        copied = copied_files(
            contents,
            task.record,
            task.dockerfile,
            context_of(entries, task.record, checkout.ignores),
            lambda digest: lines_of(store, digest),
            facts.bases,
        )
        foreign = _with_times(machine, checkout.path, copied.foreign[:MAX_FOREIGN])
    except HostError as error:
        if error.kind in ("cancelled", "lost"):
            raise
        return OwnImage(ref=ref, problem=error.reason)
    except LayerError as error:
        return OwnImage(ref=ref, problem=str(error))
    return OwnImage(
        ref=ref,
        id=contents.id,
        backend=builder_of(contents),
        compared=copied.compared,
        foreign=foreign,
    )


def _with_times(
    machine: Machine, folder: str, foreign: Sequence[ForeignFile]
) -> tuple[ForeignFile, ...]:
    """The same with the times of their sources in the checkout."""
    names = [file.source.removeprefix(f"{ROOT}/") for file in foreign if file.source is not None]
    if not names:
        return tuple(foreign)
    ask = f"cd {shlex.quote(folder)} && stat -c '%Y' -- {shlex.join(names)}"
    done = machine.run(ask, timeout=ASK_SECONDS)
    lines = done.text.split()
    if done.status != 0 or len(lines) != len(names) or not all(map(str.isdigit, lines)):
        return tuple(foreign)
    times = iter(map(int, lines))
    return tuple(
        msgspec.structs.replace(file, source_mtime=next(times)) if file.source is not None else file
        for file in foreign
    )
