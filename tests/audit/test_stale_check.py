"""What an imported run's image holds beside that of the run without the import."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from cachetui.audit.stale_check import checked
from cachetui.outputs.opening import Opener
from cachetui.records.document import Document
from cachetui.records.shared_cache import CachedStep, SharedCache
from cachetui.records.stale import StaleCheck
from cachetui.records.step import Origin
from tests.outputs.audits import Fleet
from tests.outputs.tars import tar

MADE = 1_700_000_000.0


def layer(version: str) -> bytes:
    text = f"Package: openssl\nVersion: {version}\n".encode()
    return tar(("var", None), ("var/lib/dpkg/status", text))


def check(
    folder: Path, imported: str, anew: str, *, origin: Origin | None = "imported", read: bool = True
) -> StaleCheck:
    """The two runs are made on two hosts of the fleet, and are one's in the document."""
    fleet = Fleet(folder, {"a": layer(imported), "b": layer(anew)}, copies=True)
    first, second = fleet.document.runs
    steps = tuple(
        msgspec.structs.replace(step, status="hit", origin=origin) if step.index else step
        for step in first.steps
    )
    held = tuple(
        CachedStep(
            stage=None,
            stage_index=0,
            index=step.index,
            line=step.line,
            instruction=step.instruction,
            held="kept",
            created=MADE + step.index,
        )
        for step in steps
        if step.index
    )
    cache = SharedCache(name="r", host="a", kind="registry", digest="sha256:1", steps=held)
    first = msgspec.structs.replace(
        first, scenario="buildkit-imported", steps=steps, imports=(cache,)
    )
    second = msgspec.structs.replace(second, host="a" if read else "c")
    document: Document = msgspec.structs.replace(fleet.document, runs=(first, second))
    settings = [host.settings for host in fleet.hosts.values()]
    opener = Opener(
        fleet.store,
        settings,
        lambda host, _cancel: fleet.hosts[host.name].machine(),
        [(document, run) for run in document.runs],
    )
    (found,) = checked(document, fleet.store, opener, threading.Event()).stale
    return found


def test_the_package_that_differs_is_named(tmp_path: Path) -> None:
    found = check(tmp_path, "3.0.14", "3.0.15")
    assert (found.reason, found.hits, found.oldest, found.sound) == (None, 2, MADE + 1, False)
    (step,) = found.steps
    assert (step.line, step.made, step.files) == (3, MADE + 2, 1)
    assert [(one.name, one.imported, one.anew) for one in step.packages] == [
        ("openssl", "3.0.14", "3.0.15")
    ]


def test_the_same_is_sound(tmp_path: Path) -> None:
    found = check(tmp_path, "3.0.14", "3.0.14")
    assert (found.reason, found.steps, found.sound) == (None, (), True)


def test_a_hit_of_the_hosts_own_cache_is_not_asked(tmp_path: Path) -> None:
    found = check(tmp_path, "3.0.14", "3.0.15", origin="here")
    assert (found.hits, found.steps) == (0, ())


def test_without_the_other_run_it_says_so(tmp_path: Path) -> None:
    found = check(tmp_path, "3.0.14", "3.0.15", read=False)
    assert found.reason == "the build without the import: it was not made"
    assert not found.sound
