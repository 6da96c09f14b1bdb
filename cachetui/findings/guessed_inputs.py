"""The inputs of a step with a guess of what the Dockerfile alone does not say.

A variable that no line sets may be one of the base image. What is equal by each guess is equal;
what is equal by some of them may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cachetui.dockerfile.instruction import Instruction, clean_path
from cachetui.dockerfile.parse import Dockerfile
from cachetui.findings.scope import BaseScope, Guess, Scope
from cachetui.findings.variables import scope_at
from cachetui.findings.written_forms import CWD, Form, form_in
from cachetui.records.backend import Backend
from cachetui.records.digest import ValueHasher

FOLDER_AS_WRITTEN = "folder as written"
"""The name of an input (`key_inputs`)."""


@dataclass(frozen=True)
class Guessed:
    """The form of a step's instruction, and the values of its inputs by their names, by a guess."""

    form: Form | None = None
    values: Mapping[str, str] = field(default_factory=dict)


def guessed(
    file: Dockerfile,
    instruction: Instruction,
    given: Mapping[str, str],
    backend: Backend,
    hasher: ValueHasher,
    guess: Guess,
    *,
    bases: Mapping[str, BaseScope],
) -> Guessed:
    """An instruction of `file` by a guess; `given` maps build arguments to digests, `bases` a base
    image to what it sets."""
    place = instruction.stage_index, instruction.index
    scope = scope_at(file, given, *place, backend, hasher, guess, bases)
    own = form_in(instruction, backend, scope, guess, stage_of=file.stage_name)
    values = values_of(scope, instruction)
    if instruction.keyword == "WORKDIR":
        below = scope_at(file, given, place[0], place[1] + 1, backend, hasher, guess, bases)
        values |= folder_as_written(below)
    return Guessed(own, values)


def folder_as_written(below: Scope) -> dict[str, str]:
    """The folder that a WORKDIR sets, as the legacy builder of 20.10 has it in its key: with
    variables put in, and not cleaned where it is absolute (moby `builder/dockerfile`,
    normalizeWorkdir; our lab). {} where the Dockerfile alone does not say it."""
    folder = below.setting_values.get(CWD)
    return {} if folder is None else {FOLDER_AS_WRITTEN: folder}


def values_of(scope: Scope, instruction: Instruction) -> dict[str, str]:
    """The values in `scope` by the names of their inputs. A RUN has its folder in its key as it is
    written, other steps the path that it comes to."""
    kinds = (("arg", scope.args), ("env", scope.env))
    known = {
        f"{kind}:{name}": scope.values[name]
        for kind, names in kinds
        for name in names
        if name in scope.values
    }
    settings = {f"setting:{name}": value for name, value in scope.setting_values.items()}
    folder = f"setting:{CWD}"
    if folder in settings and instruction.keyword != "RUN":
        settings[folder] = clean_path(settings[folder])
    return known | settings
