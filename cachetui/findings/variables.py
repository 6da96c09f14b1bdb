"""What ARG, ENV, USER, WORKDIR and SHELL amount to at a place in a Dockerfile.

Values of build arguments are not kept, only their digests, so a value here is a token: equal
tokens are equal values, and nothing more is known. Rules: BuildKit
`frontend/dockerfile/dockerfile2llb/convert.go` (dispatchArg, dispatchEnv), and for the legacy
builder moby `builder/dockerfile/buildargs.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.backend import Backend

PREDEFINED = frozenset(
    name
    for word in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (word, word.lower())
)
"""Arguments that need no ARG and are in no cache key (BuildKit `convert.go` proxyEnvFromBuildArgs,
moby `buildargs.go` builtinAllowedBuildArgs)."""

SETTINGS = frozenset({"USER", "WORKDIR", "SHELL"})

Digest = Callable[[str], str]
"""Makes the digest of an ARG's default, as the Dockerfile has it."""

_IN_TOKEN = re.compile(r"\('(\w+)', ")
_REFERENCE = re.compile(r"(?<!\\)\$(?:\{([A-Za-z_]\w*)[^}]*\}|([A-Za-z_]\w*))")


@dataclass
class Scope:
    """`args` and `env` map a name to its token, `lines` a name to the line that set it last,
    `settings` USER, WORKDIR and SHELL to what they were set to."""

    args: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)

    def copy(self) -> Scope:
        return Scope(
            dict(self.args),
            dict(self.env),
            dict(self.settings),
            dict(self.lines),
            set(self.declared),
        )


def references(text: str) -> tuple[str, ...]:
    """Names of the variables that a text uses, each once."""
    return tuple(dict.fromkeys(a or b for a, b in _REFERENCE.findall(text)))


def scope_at(
    dockerfile: Dockerfile,
    given: Mapping[str, str],
    stage_index: int,
    index: int,
    backend: Backend,
    digest: Digest | None = None,
) -> Scope:
    """What is in force just above an instruction; `given` maps build arguments to digests. With
    `digest`, defaults of ARGs that use no variable are digests too: a value that is given and
    equals the default is the same to a cache key (our lab, all engines).

    A stage FROM another one inherits ENV and settings, and on BuildKit its ARGs too.
    """
    stage = dockerfile.stages[stage_index]
    scope = Scope()
    if stage.base_stage is not None and stage.base_stage < stage_index:
        base = dockerfile.stages[stage.base_stage]
        scope = scope_at(dockerfile, given, base.index, len(base.instructions), backend, digest)
        if backend == "legacy":
            scope.args, scope.declared = {}, set()
    above = global_args(dockerfile, given, digest)
    for item in stage.instructions[1:index]:
        _take(item, scope, given, above, digest)
    return scope


def global_args(
    dockerfile: Dockerfile, given: Mapping[str, str], digest: Digest | None = None
) -> dict[str, str]:
    """Tokens of the ARGs before the first FROM. `digest`: see `scope_at`."""
    tokens: dict[str, str] = {}
    for item in dockerfile.meta_args:
        for declaration in item.args:
            name, equals, default = declaration.partition("=")
            if name in given:
                tokens[name] = given[name]
            elif equals:
                tokens[name] = _default(default, tokens, digest)
    return tokens


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


def _take(
    item: Instruction,
    scope: Scope,
    given: Mapping[str, str],
    above: Mapping[str, str],
    digest: Digest | None,
) -> None:
    known = {**scope.args, **scope.env}
    if item.keyword == "ARG":
        for declaration in item.args:
            name, equals, default = declaration.partition("=")
            scope.declared.add(name)
            if name in given:
                scope.args[name] = given[name]
            elif equals:
                scope.args[name] = _default(default, known, digest)
            elif name in above:
                scope.args[name] = above[name]
            scope.lines[name] = item.line
    elif item.keyword == "ENV":
        for name, value in zip(item.args[0::3], item.args[1::3], strict=False):
            scope.env[name] = _token(value, known)
            scope.lines[name] = item.line
    elif item.keyword in SETTINGS:
        own = _token(item.rest, known)
        if item.keyword == "WORKDIR" and not item.rest.startswith("/"):
            own = f"{scope.settings.get('WORKDIR', '')}/{own}"
        scope.settings[item.keyword] = own
        scope.lines[item.keyword] = item.line


def arguments_in(token: str) -> frozenset[str]:
    """Names of the variables whose values went into a token, also by way of others."""
    return frozenset(_IN_TOKEN.findall(token))


def _default(text: str, known: Mapping[str, str], digest: Digest | None) -> str:
    if digest is None or references(text):
        return _token(text, known)
    return digest(text)


def _token(text: str, known: Mapping[str, str]) -> str:
    """A text with what its variables stand for: "text" alone when it has none."""
    used = [(name, known.get(name, "")) for name in references(text)]
    return text if not used else f"{text} with {used}"
