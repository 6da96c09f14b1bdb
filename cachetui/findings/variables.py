"""What ARG, ENV, USER, WORKDIR and SHELL amount to at a place in a Dockerfile.

Values of build arguments are not kept, only their digests, so a value here is a token: equal
tokens are equal values, and nothing more is known. An ARG's default, too, is a digest of what it
amounts to where that is known: both builders' keys go by the value, given or not (our lab: 20.10,
26.1, 28.5). Rules: BuildKit `frontend/dockerfile/dockerfile2llb/convert.go` (dispatchArg,
dispatchEnv), and for the legacy builder moby `builder/dockerfile/buildargs.go`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from cachetui.dockerfile.instruction import DockerfileError, Instruction, clean_path
from cachetui.dockerfile.parse import Dockerfile
from cachetui.dockerfile.stages import expand
from cachetui.findings.scope import BaseScope, Guess, Scope, references
from cachetui.records.backend import Backend
from cachetui.records.digest import ValueHasher, is_digest

PREDEFINED = frozenset(
    name
    for word in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (word, word.lower())
)
"""Arguments that need no ARG and are in no cache key (BuildKit `convert.go` proxyEnvFromBuildArgs,
moby `buildargs.go` builtinAllowedBuildArgs)."""

SETTINGS = frozenset({"USER", "WORKDIR", "SHELL"})
DEFAULT_SHELL = '["/bin/sh", "-c"]'
"""The value of SHELL where an image has none (BuildKit `dockerfile2llb/defaultshell.go`)."""

_IN_TOKEN = re.compile(r"\('(\w+)', ")


def scope_at(
    dockerfile: Dockerfile,
    given: Mapping[str, str],
    stage_index: int,
    index: int,
    backend: Backend,
    hasher: ValueHasher | None = None,
    guess: Guess | None = None,
    bases: Mapping[str, BaseScope] | None = None,
) -> Scope:
    """What is in force just above an instruction; `given` maps build arguments to digests, and
    `hasher` makes digests of defaults, and tells which of the given are of one. With `guess` every
    variable has a value in `values`: what is given, one that its digest stands for. `bases` maps
    a base image that is known to what it sets.

    A stage FROM another one inherits ENV and settings, and on BuildKit its ARGs too.
    """
    reader = _Reader(dockerfile, given, hasher, guess, backend)
    scope = _inherited(dockerfile, given, stage_index, backend, hasher, guess, bases)
    for item in dockerfile.stages[stage_index].instructions[1:index]:
        reader.take(item, scope)
    return scope


def scopes_of(
    dockerfile: Dockerfile,
    given: Mapping[str, str],
    stage_index: int,
    backend: Backend,
    hasher: ValueHasher | None = None,
    guess: Guess | None = None,
) -> tuple[Scope, ...]:
    """`scope_at` for each instruction of a stage, read once."""
    reader = _Reader(dockerfile, given, hasher, guess, backend)
    scope = _inherited(dockerfile, given, stage_index, backend, hasher, guess)
    found = [scope.copy()]
    for item in dockerfile.stages[stage_index].instructions[1:]:
        found.append(scope.copy())
        reader.take(item, scope)
    return tuple(found)


def _inherited(
    dockerfile: Dockerfile,
    given: Mapping[str, str],
    stage_index: int,
    backend: Backend,
    hasher: ValueHasher | None,
    guess: Guess | None,
    bases: Mapping[str, BaseScope] | None = None,
) -> Scope:
    """What a stage has of the stage or image that it is FROM."""
    stage = dockerfile.stages[stage_index]
    scope = Scope(escape=dockerfile.escape)
    if stage.base_stage is None and stage.base in (bases or {}):
        _set_by_image(scope, (bases or {})[stage.base])
    if stage.base_stage is not None and stage.base_stage < stage_index:
        base = dockerfile.stages[stage.base_stage]
        last = len(base.instructions)
        scope = scope_at(dockerfile, given, base.index, last, backend, hasher, guess, bases)
        if backend == "legacy":
            scope.values = {n: value for n, value in scope.values.items() if n in scope.env}
            scope.args, scope.declared = {}, set()
            scope.order = dict.fromkeys(name for name in scope.order if name in scope.env)
    return scope


def _set_by_image(scope: Scope, base: BaseScope) -> None:
    """Put in force what an image sets. One without a WORKDIR begins in `/` (our lab)."""
    image = base.settings
    scope.complete = True
    scope.env, scope.values = dict(image.env), dict(base.values)
    scope.order = dict.fromkeys(image.env)
    folder = image.folder or "/"
    scope.settings["WORKDIR"] = scope.setting_values["WORKDIR"] = folder
    if image.user:
        scope.settings["USER"] = scope.setting_values["USER"] = image.user
    if image.shell:
        scope.settings["SHELL"] = scope.setting_values["SHELL"] = json.dumps(image.shell)


def global_args(
    dockerfile: Dockerfile, given: Mapping[str, str], hasher: ValueHasher | None = None
) -> dict[str, str]:
    """Tokens of the ARGs before the first FROM."""
    return _Reader(dockerfile, given, hasher).above.args


def from_arguments(dockerfile: Dockerfile, head: Instruction) -> frozenset[str]:
    """Names of the ARGs that a FROM uses, also by way of another's default."""
    defaults = {
        name: default
        for item in dockerfile.meta_args
        for name, _, default in (declaration.partition("=") for declaration in item.args)
    }
    names: set[str] = set()
    waiting = list(references(head.text))
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            waiting += references(defaults.get(name, ""))
    return frozenset(names)


class _Reader:
    """Takes instructions into a scope. `above` are the ARGs before the first FROM."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        given: Mapping[str, str],
        hasher: ValueHasher | None,
        guess: Guess | None = None,
        backend: Backend = "legacy",
    ) -> None:
        self.guess = guess
        self.backend = backend
        self.escape = dockerfile.escape
        self.given = given
        self.hasher = hasher
        self.above = Scope()
        for item in dockerfile.meta_args:
            for declaration in item.args:
                self._argument(declaration, item.line, self.above, Scope())

    def take(self, item: Instruction, scope: Scope) -> None:
        if item.keyword == "ARG":
            for declaration in item.args:
                scope.declared.add(declaration.partition("=")[0])
                self._argument(declaration, item.line, scope, self.above)
        elif item.keyword == "ENV":
            known, values = scope.known, dict(scope.values)
            for name, text in zip(item.args[0::3], item.args[1::3], strict=False):
                value = self._value(text, values, item.line, scope)
                name = self._value(name, values, item.line, scope) or name
                _keep(scope.env, scope.values, name, _token(text, known), value)
                scope.lines[name] = item.line
                scope.set_last(name)
        elif item.keyword in SETTINGS:
            own = _token(item.rest, scope.known)
            if item.keyword == "WORKDIR" and not item.rest.startswith("/"):
                own = f"{scope.settings.get('WORKDIR', '')}/{own}"
            scope.settings[item.keyword] = own
            scope.lines[item.keyword] = item.line
            self._set(item, scope)

    def _set(self, item: Instruction, scope: Scope) -> None:
        """Keep what a setting comes to, or forget it where the Dockerfile alone does not say it."""
        if item.keyword == "SHELL":
            scope.setting_values["SHELL"] = json.dumps(item.args)
            return
        value = self._value(item.rest, scope.values, item.line, scope)
        if value is not None and item.keyword == "WORKDIR" and not value.startswith("/"):
            above = scope.setting_values.get("WORKDIR")
            if above is None and self.guess is not None:
                above = self.guess("WORKDIR") or "/"
            value = None if above is None else clean_path(f"{above}/{value}")
        if value is None:
            scope.setting_values.pop(item.keyword, None)
        else:
            scope.setting_values[item.keyword] = value

    def _argument(self, declaration: str, line: int, scope: Scope, above: Scope) -> None:
        name, equals, default = declaration.partition("=")
        scope.lines[name] = line
        given = self.given.get(name)
        value = above.values.get(name)
        if equals:
            value = self._value(default, scope.values, line, scope)
        if given is not None and not self._is(value, given):
            value = None if is_digest(given) and self.guess is None else given
            token: str | None = given
        elif equals:
            token = _token(default, scope.known) if value is None else self._digest(value)
        else:
            token = above.args.get(name)
        if token is not None:
            # To BuildKit both are one variable, which the last to set it has; to the legacy
            # builder an ENV of the name holds against it, wherever it stands (our lab).
            if self.backend == "buildkit":
                scope.env.pop(name, None)
            values = {} if name in scope.env else scope.values
            _keep(scope.args, values, name, token, value)
            scope.set_last(name)

    def _is(self, value: str | None, given: str) -> bool:
        """Whether the digest is known to be that of the value."""
        return value is not None and (
            self.hasher is not None and self.hasher.matches(value, given) is True
        )

    def _digest(self, value: str) -> str:
        return value if self.hasher is None else self.hasher.digest(value)

    def _value(self, text: str, values: Mapping[str, str], line: int, scope: Scope) -> str | None:
        """What a text amounts to; None where that depends on a variable whose value is not
        known: not within single quotes."""
        if self.guess is not None:
            return expand_guessed(text, values, scope.told(self.guess), self.escape, line)
        names = (name for name in references(text) if name not in values)
        unknown = [name for name in names if not scope.is_unset(name)]
        guesses = [{}, *(dict.fromkeys(unknown, value) for value in "ab" if unknown)]
        try:
            found = {expand(text, {**values, **guess}, self.escape, line) for guess in guesses}
        except DockerfileError:
            return None  # no engine builds it
        return found.pop() if len(found) == 1 else None


def expand_guessed(
    text: str, values: Mapping[str, str], guess: Guess, escape: str, line: int
) -> str:
    """A word with its variables put in, with what is guessed of those that are not known."""
    guessed = {name: guess(name) for name in references(text) if name not in values}
    filled = {name: value for name, value in guessed.items() if value is not None}
    try:
        return expand(text, {**values, **filled}, escape, line)
    except DockerfileError:
        return text  # no engine builds it


def _token(text: str, known: Mapping[str, str]) -> str:
    """A text with what its variables stand for: "text" alone when it has none."""
    used = [(name, known.get(name, "")) for name in references(text)]
    return text if not used else f"{text} with {used}"


def _keep(
    tokens: dict[str, str], values: dict[str, str], name: str, token: str, value: str | None
) -> None:
    tokens[name] = token
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value


def arguments_in(token: str) -> frozenset[str]:
    """Names of the variables whose values went into a token, also by way of others."""
    return frozenset(_IN_TOKEN.findall(token))
