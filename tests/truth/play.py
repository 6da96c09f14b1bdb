"""Play a case on the four engines: audit, change one thing, audit again."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cachetui.audit.findings_of import why
from cachetui.config.settings import folder_build
from cachetui.core import Core, Options
from cachetui.findings import Findings
from cachetui.records.document import Document
from tests.audits import core_of
from tests.lab import Lab
from tests.truth import hosts
from tests.truth.case import Case
from tests.truth.model import SALT, Build, write
from tests.truth.truth import HOSTS

SCENARIOS = ("legacy-as-found", "buildkit-as-found")

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Played:
    """What was seen: the audits in order, each with what was found then."""

    audits: tuple[tuple[Document, Findings], ...]
    seconds: float


def new_salt() -> str:
    """A text as long as `SALT`, which no other case within some months has."""
    number, text = time.time_ns() // 10**7, ""
    for _ in SALT:
        number, digit = divmod(number, len(DIGITS))
        text += DIGITS[digit]
    return text


def play(lab: Lab, case: Case, folder: Path) -> Played:
    """Play a case in a folder of its own, which is removed afterwards."""
    started = time.monotonic()
    salt = new_salt()
    core = core_of(lab, folder / "store")
    change = case.change
    audits: list[tuple[Document, Findings]] = []
    try:
        with hosts.bases(lab, salt):
            if change.typed is not None:
                theirs = {name: one for name, one in change.typed.items() if one is not None}
                hosts.everywhere(
                    lambda name: hosts.typed(
                        lab[name], theirs[name], folder / f"{name}-{salt}", salt
                    ),
                    theirs,
                )
            else:
                if case.typed_first:
                    hosts.everywhere(
                        lambda name: hosts.typed(
                            lab[name], case.before, folder / f"{name}-{salt}", salt
                        )
                    )
                audits.append(_audit(core, case.before, folder / f"first-{salt}", salt))
                acts = change.on_hosts
                hosts.everywhere(lambda name: hosts.change(lab[name], acts[name], salt), acts)
            audits.append(_audit(core, change.after, folder / f"last-{salt}", salt))
    finally:
        core.store.close()
        shutil.rmtree(folder, ignore_errors=True)
    return Played(tuple(audits), time.monotonic() - started)


def _audit(core: Core, build: Build, folder: Path, salt: str) -> tuple[Document, Findings]:
    write(build, folder, salt)
    settings = msgspec.structs.replace(
        folder_build(folder),
        name="truth",
        network=build.network,
        target=build.target,
        build_args={name: value.replace(SALT, salt) for name, value in build.build_args.items()},
        docker_args=build.docker_args,
    )
    chosen = [host for host in core.settings.hosts if host.name in HOSTS]
    options = Options(scenarios=SCENARIOS, fresh=True)
    document = core.prepare(settings, chosen, options).run()
    return document, why(document, core.store)
