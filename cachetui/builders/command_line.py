"""The command line of a build, so made that the user's own caches are as if it had not run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from cachetui.builders import docker_args
from cachetui.builders.audit_names import tag
from cachetui.builders.client import client, split
from cachetui.builders.registry import builder_named
from cachetui.records.run import OutputFormat
from cachetui.records.scenario import Planned


@dataclass(frozen=True)
class Build:
    """What is built, as a host sees it: absolute paths there. With an `archive`, docker gets that
    tar on its standard input in place of a folder, and `dockerfile` is a path in it."""

    context: str
    dockerfile: str
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    network: str = "default"
    docker_args: Sequence[str] = ()
    named_contexts: Mapping[str, str] = field(default_factory=dict)
    archive: str | None = None

    @property
    def stdin(self) -> str:
        """Shell text that gives docker what it reads."""
        return "" if self.archive is None else f" <{shlex.quote(self.archive)}"


def build_arguments(
    build: Build,
    planned: Planned,
    audit: str,
    output: OutputFormat,
    in_words: Mapping[str, str] | None = None,
) -> list[str]:
    """What follows the client's command: `build …`.

    Each build argument is named without its value, which docker then takes from its environment:
    a command that can be shown, kept and typed again. Only those `in_words` have it.
    """
    words = ["build"]
    if output in ("plain", "rawjson"):
        words.append(f"--progress={output}")
    if build.network != "default":
        words.append(f"--network={build.network}")
    if build.target is not None:
        words += ["--target", build.target]
    for name in build.build_args:
        value = (in_words or {}).get(name)
        words += ["--build-arg", name if value is None else f"{name}={value}"]
    own = build.docker_args
    words += docker_args.without(own, "cache-to") if planned.kind.peeks else own
    for name, folder in build.named_contexts.items():
        words += ["--build-context", f"{name}={folder}"]
    # Last, so that they hold against the same options of the user's.
    words += _scenario_options(build, planned, audit)
    return [*words, "-f", build.dockerfile, build.context if build.archive is None else "-"]


def _scenario_options(build: Build, planned: Planned, audit: str) -> list[str]:
    """The options that make a scenario what it is, and keep its traces apart."""
    if planned.kind.peeks:
        return list(builder_named(planned.backend).no_output)
    if not planned.kind.controlled:
        return []  # not even a tag: its removal could take an image that was there before
    options = ["-t", tag(audit, planned)]
    if planned.kind.cold:
        options.append("--no-cache")
    elif any(option.name == "no-cache" for option in docker_args.options(build.docker_args)):
        options.append("--no-cache=false")
    return options + builder_named(planned.backend).scenario_options(planned, audit)


def shown_command(
    docker: Sequence[str],
    build: Build,
    planned: Planned,
    audit: str,
    output: OutputFormat,
    env: Mapping[str, str] | None = None,
) -> str:
    """The whole build as one shell command to be shown and kept: no value is in it but those of
    `env`."""
    arguments = build_arguments(build, planned, audit, output)
    return f"{_shown(docker, planned, env or {})} {shlex.join(arguments)}{build.stdin}"


def _shown(docker: Sequence[str], planned: Planned, env: Mapping[str, str]) -> str:
    before, words = split(docker)
    given = {**builder_named(planned.backend).environment, **env}
    switch = [f"{name}={value}" for name, value in given.items()]
    return shlex.join([*before, *(["env"] if before else []), *switch, *words])


def build_command(
    docker: Sequence[str],
    env: Mapping[str, str],
    build: Build,
    planned: Planned,
    audit: str,
    output: OutputFormat,
) -> str:
    """The whole build as shell text, for a shell that reads it from its standard input and has
    `env` in its environment.

    The values of build arguments are in the environment of docker's client alone, and no word of
    a list of processes, but those `in_the_clear`.
    """
    clear = {name: build.build_args[name] for name in in_the_clear(build.build_args)}
    given = {name: value for name, value in build.build_args.items() if name not in clear}
    given.update(builder_named(planned.backend).environment)
    arguments = shlex.join(build_arguments(build, planned, audit, output, clear))
    before, words = split(docker)
    if not before or PurePosixPath(before[0]).name == "sudo":
        return f"{client(docker, env, given)} {arguments}{build.stdin}"
    # What is no sudo may pass neither the environment nor names of it on, but it does pass
    # standard input on. printf is a command of the shell itself.
    exports = "".join(
        f"export {name}={shlex.quote(value)}\n" for name, value in {**env, **given}.items()
    )
    return (
        f"printf %s {shlex.quote(exports)} | {shlex.join(before)} sh -c "
        f"""'eval "$(cat)"; exec "$@" <"$0"' {shlex.quote(build.archive or "/dev/null")} """
        f"{shlex.join(words)} {arguments}"
    )


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_OF_THE_SHELL = frozenset(
    [
        "_",
        "BASHOPTS",
        "BASH_VERSINFO",
        "EUID",
        "FUNCNAME",
        "GROUPS",
        "HISTCMD",
        "JOBMAX",
        "KSH_VERSION",
        "LANG",
        "LC_ALL",
        "LINENO",
        "OPTIND",
        "PATH",
        "PPID",
        "RANDOM",
        "SECONDS",
        "SHELLOPTS",
        "SHLVL",
        "TMOUT",
        "UID",
    ]
)
"""Names that dash, bash, busybox or ksh93 refuse to pass on with any value, or use at once."""
_OF_THE_CLIENT = frozenset(
    [
        "BASH_ENV",
        "BUILDKIT_COLORS",
        "BUILDKIT_HOST",
        "BUILDKIT_NO_CLIENT_TOKEN",
        "DOCKER_API_VERSION",
        "DOCKER_BUILDKIT",
        "DOCKER_CERT_PATH",
        "DOCKER_CONFIG",
        "DOCKER_CONTEXT",
        "DOCKER_CUSTOM_HEADERS",
        "DOCKER_DEFAULT_PLATFORM",
        "DOCKER_HOST",
        "DOCKER_TLS",
        "DOCKER_TLS_VERIFY",
        "DOCKER_TMPDIR",
        "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY",
        "GODEBUG",
        "GOGC",
        "GOMAXPROCS",
        "GOMEMLIMIT",
        "GOTRACEBACK",
        "HOME",
        "SSH_AUTH_SOCK",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TMPDIR",
        "TRACEPARENT",
    ]
)
_OF_THE_CLIENT_BEGIN = ("BUILDX_", "DOCKER_CLI_", "DOCKER_CONTENT_TRUST", "LD_", "OTEL_", "XDG_")


def in_the_clear(names: Iterable[str]) -> tuple[str, ...]:
    """Those names of build arguments whose value has to be a word of the command.

    They are no names for a shell, or a shell uses them itself, or docker's client would take the
    value for its own setting. Proxies are no such case: the client takes them up as it does those
    that its user exports.
    """
    return tuple(
        name
        for name in names
        if not _NAME.fullmatch(name)
        or name in _OF_THE_SHELL | _OF_THE_CLIENT
        or name.startswith(_OF_THE_CLIENT_BEGIN)
    )
