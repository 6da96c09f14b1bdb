"""Read what the images of a host's runs hold, as long as they are there: an audit removes them."""

from __future__ import annotations

from collections.abc import Iterable

from cachetui.audit.redact import Redactor
from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.outputs.gather_contents import gather_contents
from cachetui.outputs.run_contents import keep_contents, keep_problem
from cachetui.records.host import HostFacts
from cachetui.records.run import Run
from cachetui.store.database import Store


def read_images(
    machine: Machine,
    host: HostSettings,
    facts: HostFacts,
    runs: Iterable[Run],
    store: Store,
    redactor: Redactor,
    cancel: Cancel,
) -> tuple[int, list[str]]:
    """Keep what the images of these runs hold; the bytes that were copied on the host, and what
    could not be read, a sentence each. Raises `HostError` when the host is lost, or on `cancel`."""
    base = {layer for layers in facts.bases.values() for layer in layers or ()}
    copied = 0
    troubles: list[str] = []
    for run in runs:
        if run.status != "ok" or run.image is None:
            continue
        try:
            contents = gather_contents(
                machine,
                host,
                run.image.id,
                store,
                cancel=cancel,
                redact=redactor.image,
                copy_to=f"{facts.cache_folder}/layers",
                base=base,
            )
        except HostError as error:
            if error.kind in ("cancelled", "lost"):
                raise
            keep_problem(store, run.id, error.reason)
            troubles.append(f"{host.name} {run.scenario}: {error.reason}")
            continue
        keep_contents(store, run.id, contents)
        copied += contents.copied_bytes
    return copied, troubles
