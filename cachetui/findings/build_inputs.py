"""What of a step's key comes with the build: its options, arguments, client and engine.

What is in which key was measured on the engines of our lab (20.10, 26.1, 28.5): see `key_inputs`.
Between two of them that differ nothing is known; such an input is a doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile
from cachetui.findings.build_options import build_options
from cachetui.findings.flag_values import option_values, platform
from cachetui.findings.option_keys import part_of_key
from cachetui.findings.scope import Scope
from cachetui.findings.variables import PREDEFINED
from cachetui.records.backend import Backend
from cachetui.records.digest import ValueHasher
from cachetui.records.document import BuildRecord
from cachetui.records.host import ClientSettings, HostFacts
from cachetui.records.versions import version_key

OLD, MID, NEW = (20, 11), (26, 1), (28, 5)
"""Generations of engines: 20.10 is below the first, the others begin with 26.1 and 28.5."""

EPOCH = "SOURCE_DATE_EPOCH"
_ALL_PROXY = frozenset({"ALL_PROXY", "all_proxy"})
_OF_BUILDKIT = frozenset(
    f"BUILDKIT_{name}"
    for name in (
        *("BUILDINFO", "BUILD_NAME", "CONTEXT_KEEP_GIT_DIR", "DOCKERFILE_CHECK"),
        *("INLINE_CACHE", "MULTI_PLATFORM"),
    )
)
"""Arguments that BuildKit goes by without an ARG, and that are in no key."""


@dataclass
class BuildInputs:
    """`tokens` are in the key, `doubts` may be, by their names in `key_inputs`; `unknown` are
    inputs that were not looked at."""

    tokens: dict[str, str] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)


def given_arguments(
    build: BuildRecord, backend: Backend, facts: HostFacts | None
) -> dict[str, str]:
    """Name → digest of all arguments that are given to the build: its own, and those that the
    client adds (its own proxies; with buildx SOURCE_DATE_EPOCH of the environment)."""
    settings = facts.client_settings if facts else None
    added: dict[str, str] = {}
    if settings is not None and backend == "legacy":
        added = dict(settings.proxies)
    elif settings is not None and facts is not None and facts.buildx is not None:
        added = {n: value for n, value in settings.environment.items() if n == EPOCH}
    return {**added, **build.build_args}


def build_inputs(
    build: BuildRecord,
    dockerfile: Dockerfile,
    backend: Backend,
    facts: HostFacts | None,
    instruction: Instruction,
    scope: Scope,
    hasher: ValueHasher,
    triggers_known: bool = False,
) -> BuildInputs:
    """The inputs of one step; `scope` is what is in force above it. `triggers_known`: those of
    the image that it stands on are in the Dockerfile."""
    found = BuildInputs()
    settings = facts.client_settings if facts else None
    if facts is None:
        found.unknown |= {"platform", "engine", "client"}
    else:
        found.doubts["engine"] = f"{facts.engine} {facts.store} {facts.engine_id}"
        found.doubts["client"] = f"{facts.client} {facts.buildx}"
        platform = platform_of(build, facts, hasher)
        if platform is None:
            found.unknown.add("platform")
        else:
            found.tokens["platform"] = platform
    if settings is None:
        found.unknown.add("client settings")
    _options(found, build, backend, facts, instruction)
    if not triggers_known:
        _could_be_declared(found, build, dockerfile, backend, facts, scope)
    if backend == "buildkit":
        _by_themselves(found, build, facts, instruction, scope.declared)
    if backend == "legacy":
        _legacy_prefix(found, build, facts, instruction, scope)
    else:
        _frontend(found, build, dockerfile)
        _epoch(found, build, facts, instruction)
        if settings is not None:
            _client(found, settings, scope, instruction)
    return found


def platform_of(build: BuildRecord, facts: HostFacts, hasher: ValueHasher) -> str | None:
    """What the build is for; the host's own platform is the same whoever names it. None where the
    digest of what was named cannot be read."""
    wanted = build_options(build.docker_args).get("--platform")
    if wanted is not None:
        return platform(wanted[-1], facts.platform)
    settings = facts.client_settings
    set_there = settings.environment.get("DOCKER_DEFAULT_PLATFORM") if settings else None
    if set_there is None:
        return facts.platform
    own = hasher.matches(facts.platform, set_there)
    return None if own is None else facts.platform if own else set_there


def _options(
    found: BuildInputs,
    build: BuildRecord,
    backend: Backend,
    facts: HostFacts | None,
    instruction: Instruction,
) -> None:
    options = build_options(build.docker_args)
    found.unknown |= {"cache-from"} if "--cache-from" in options else set()
    found.unknown |= {"inherited argument" for v in options.get("--build-arg", ()) if "=" not in v}
    buildkit_run = backend == "buildkit" and instruction.keyword == "RUN"
    for option, values in options.items():
        part = part_of_key(option.removeprefix("--"), backend)
        if part in ("none", "an input of its own"):
            continue
        token = " ".join(option_values(option, values))
        name = f"option:{option}"
        if part == "not known":
            found.doubts[name] = token
            continue
        generation = is_since(MID, facts) if part == "RUN from 26.1 on" else True
        if buildkit_run and generation is not False:
            (found.tokens if generation else found.doubts)[name] = token
    if buildkit_run:
        own = options.get("--network", (build.network,))[-1]
        found.tokens["network"] = instruction.flag("network") or own


def _could_be_declared(
    found: BuildInputs,
    build: BuildRecord,
    dockerfile: Dockerfile,
    backend: Backend,
    facts: HostFacts | None,
    scope: Scope,
) -> None:
    """Arguments that no ARG declares, and a trigger of the base image could (ONBUILD ARG)."""
    declared = scope.declared.union(_declared(dockerfile))
    for name, value in build.build_args.items():
        if backend == "legacy":
            needs_none = name in PREDEFINED and _builtin(name, facts)
        else:
            needs_none = name in PREDEFINED | {EPOCH} or name.startswith("BUILDKIT_")
        if not needs_none and name not in declared:
            found.doubts[f"undeclared:{name}"] = value


def _by_themselves(
    found: BuildInputs,
    build: BuildRecord,
    facts: HostFacts | None,
    instruction: Instruction,
    declared: Collection[str],
) -> None:
    """Arguments that BuildKit goes by without an ARG."""
    for name, value in build.build_args.items():
        if name in declared or not name.startswith("BUILDKIT_"):
            continue
        in_key = _in_key_by_itself(name, facts, instruction)
        if in_key is not False:
            (found.tokens if in_key else found.doubts)[f"undeclared:{name}"] = value


def _in_key_by_itself(name: str, facts: HostFacts | None, instruction: Instruction) -> bool | None:
    """Whether it is in the step's key; None where that is not known."""
    if name in _OF_BUILDKIT:
        return False
    if name == "BUILDKIT_CACHE_MOUNT_NS":
        mounts = instruction.cache_mounts
        named = any("id" in dict(mount.options) for mount in mounts)
        return None if named else bool(mounts)
    if name == "BUILDKIT_SANDBOX_HOSTNAME":
        return instruction.keyword == "RUN" and is_since(MID, facts)
    return None


def _legacy_prefix(
    found: BuildInputs,
    build: BuildRecord,
    facts: HostFacts | None,
    instruction: Instruction,
    scope: Scope,
) -> None:
    """The legacy builder puts `|0` before a RUN's command where any argument is given that needs
    no ARG, whatever its value (moby `builder/dockerfile/dispatchers.go`, prependEnvOnCmd)."""
    if instruction.keyword != "RUN":
        return
    given = given_arguments(build, "legacy", facts)
    free = {name for name in given if name in PREDEFINED and _builtin(name, facts)}
    if free - set(scope.env) or set(scope.args) - set(scope.env):
        found.tokens["proxies"] = "given"


def _frontend(found: BuildInputs, build: BuildRecord, dockerfile: Dockerfile) -> None:
    """The image that reads the Dockerfile: known by a digest, else looked up by each build."""
    chosen = build.build_args.get("BUILDKIT_SYNTAX")
    if chosen is None and dockerfile.syntax is None:
        return
    found.doubts["frontend"] = chosen or dockerfile.syntax or ""
    if chosen is not None or "@sha256:" not in found.doubts["frontend"]:
        found.unknown.add("frontend")


def _epoch(
    found: BuildInputs, build: BuildRecord, facts: HostFacts | None, instruction: Instruction
) -> None:
    """SOURCE_DATE_EPOCH without an ARG: 28.5 gives the folder of a WORKDIR its time, and has it in
    that step's key alone (our lab: in no COPY's, ADD's or RUN's)."""
    if instruction.keyword != "WORKDIR":
        return
    value = given_arguments(build, "buildkit", facts).get(EPOCH)
    sure = is_since(NEW, facts, MID)
    if value is None or sure is False:
        return
    (found.tokens if sure else found.doubts)["epoch"] = value


def _client(
    found: BuildInputs, settings: ClientSettings, scope: Scope, instruction: Instruction
) -> None:
    for name, value in settings.environment.items():
        if name not in (EPOCH, "DOCKER_DEFAULT_PLATFORM"):
            found.doubts[f"environment:{name}"] = value
    if instruction.keyword == "RUN":
        for name in scope.declared & set(settings.proxies):
            found.doubts[f"proxy:{name}"] = settings.proxies[name]


def _declared(dockerfile: Dockerfile) -> Iterator[str]:
    for item in dockerfile.instructions:
        if item.keyword == "ARG":
            yield from (word.partition("=")[0] for word in item.args)


def _builtin(name: str, facts: HostFacts | None) -> bool:
    """Whether the legacy builder takes the argument without an ARG: ALL_PROXY since 26.1, of
    what was measured."""
    return name not in _ALL_PROXY or is_since(MID, facts) is True


def is_since(
    first: tuple[int, int], facts: HostFacts | None, last_without: tuple[int, int] = OLD
) -> bool | None:
    """Whether the engine is of a generation that has something: True from `first` on, False up to
    `last_without`, None between them."""
    if facts is None:
        return None
    version = version_key(facts.engine)[:2]
    return True if version >= first else False if version <= last_without else None
