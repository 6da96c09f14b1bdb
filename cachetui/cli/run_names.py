"""The stored runs that arguments name: AUDIT/HOST/SCENARIO#REPEAT, or a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from cachetui.cli.runs_there import runs_there
from cachetui.cli.stored import load_audit
from cachetui.core import UserError
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.scenario import SCENARIO_NAMES
from cachetui.store.database import Store

RUN_FORMS = (
    "AUDIT, AUDIT/HOST, AUDIT/HOST/SCENARIO or HOST/SCENARIO, with #2 at the end for the second "
    "repeat"
)

Pair = tuple[Document, Run]
"""A run with its audit."""


def named_runs(store: Store, arguments: Sequence[str]) -> list[Pair]:
    """The runs that the arguments name, each once, in their order. Raises `UserError`.

    HOST and SCENARIO may be globs. An audit or a host stands for those of its runs that ended
    well.
    """
    documents: dict[str, Document] = {}
    pairs: dict[str, Pair] = {}
    for argument in arguments or ("last",):
        audit, host, scenario, repeat = _parts(store, argument)
        document = documents[audit] = documents.get(audit) or load_audit(store, audit)
        runs = [
            run
            for run in document.runs
            if fnmatchcase(run.host, host)
            and fnmatchcase(run.scenario, scenario)
            and repeat in (None, run.repeat)
        ]
        if not runs:
            there = runs_there(document)
            raise UserError(f"{argument!r} is not a run of {document.audit}; there are: {there}")
        if len(runs) > 1 or "/" not in argument:
            runs = [run for run in runs if run.status == "ok"]
        pairs.update({run.id: (document, run) for run in runs})
    if not pairs:
        raise UserError("no run of the audit ended well, so there is no image to compare")
    return list(pairs.values())


def _parts(store: Store, argument: str) -> tuple[str, str, str, int | None]:
    """Audit, host, scenario and repeat that an argument names; "*" or None for what it omits."""
    name, hash_, number = argument.partition("#")
    parts = name.split("/")
    if (hash_ and not number.isdigit()) or len(parts) > 3 or not all(parts):
        raise UserError(f"{argument!r} names no run; expected {RUN_FORMS}")
    repeat = int(number) if hash_ else None
    if len(parts) == 3:
        return parts[0], parts[1], parts[2], repeat
    if len(parts) == 1:
        return parts[0], "*", "*", repeat
    is_scenario = parts[1] != "*" and any(fnmatchcase(name, parts[1]) for name in SCENARIO_NAMES)
    if is_scenario or store.resolve(parts[0]) is None:
        return "last", parts[0], parts[1], repeat
    return parts[0], parts[1], "*", repeat
