"""The command line of a build, so made that the user's own caches are as if it had not run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cachetui.builders.audit_names import tag
from cachetui.builders.client import client as hosts_client
from cachetui.builders.client import split
from cachetui.builders.registry import builder_named
from cachetui.dockerfile.instruction import is_remote
from cachetui.records.run import OutputFormat
from cachetui.records.scenario import Planned

REFUSED = (
    *("--tag", "--file", "--output", "--push", "--quiet", "--progress", "--iidfile"),
    *("--metadata-file", "--builder", "--help", "--call", "--check", "--print"),
)
"""Options of `docker build` that `docker_args` must not hold: see `refused_argument`."""


@dataclass(frozen=True)
class Build:
    """What is built, as a host sees it: absolute paths there."""

    context: str
    dockerfile: str
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    network: str = "default"
    docker_args: Sequence[str] = ()


def client(
    docker: Sequence[str],
    env: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> str:
    """The client's command as shell text, with `extra` in its environment.

    Where the client is not the first word ("sudo -n docker") the environment would be dropped
    on the way, so `env NAME=VALUE` stands right before the client.
    """
    before, _ = split(docker)
    slot = " ".join(f"{name}={shlex.quote(value)}" for name, value in (extra or {}).items())
    if slot and before and not env:
        slot = f"env {slot}"
    return hosts_client(docker, env or {}, slot)


def build_arguments(
    build: Build, planned: Planned, audit: str, output: OutputFormat, *, values: bool = True
) -> list[str]:
    """What follows the client's command: `build …`.

    With `values` false each build argument is named without its value, which docker then takes
    from the environment: a command that can be shown, kept and typed again.
    """
    words = ["build"]
    if output in ("plain", "rawjson"):
        words.append(f"--progress={output}")
    if build.network != "default":
        words.append(f"--network={build.network}")
    if build.target is not None:
        words += ["--target", build.target]
    for name, value in build.build_args.items():
        words += ["--build-arg", f"{name}={value}" if values else name]
    words += build.docker_args
    # Last, so that they hold against the same options of the user's.
    words += _scenario_options(build, planned, audit)
    return [*words, "-f", build.dockerfile, build.context]


def _scenario_options(build: Build, planned: Planned, audit: str) -> list[str]:
    """The options that make a scenario what it is, and keep its traces apart."""
    if not planned.kind.controlled:
        return []  # not even a tag: its removal could take an image that was there before
    options = ["-t", tag(audit, planned)]
    if planned.kind.cold:
        options.append("--no-cache")
    elif any(word.startswith("--no-cache") for word in build.docker_args):
        options.append("--no-cache=false")
    return options + builder_named(planned.backend).scenario_options(planned, audit)


def refused_argument(docker_args: Sequence[str]) -> str | None:
    """The first of the user's own arguments that would spoil an audit or their machine, None
    when all are fine: a name for the image would move from what they built to what we build."""
    for word in docker_args:
        option = word.partition("=")[0]
        short = word[:2] if word[:1] == "-" and word[:2] != "--" else ""
        if option in REFUSED or short in ("-t", "-f", "-o", "-q"):
            return word
    return None


def named_folder(docker_args: Sequence[str]) -> str | None:
    """The first named context that is a folder (`--build-context NAME=FOLDER`), None without any:
    only the build's own context is sent to hosts. What buildx fetches is none: images, URLs, git
    references and other targets (buildx `build/opt.go`, loadInputs)."""
    words = iter(docker_args)
    for word in words:
        option, equals, value = word.partition("=")
        if option == "--build-context":
            context = value if equals else next(words, "")
            source = context.partition("=")[2]
            fetched = source.startswith(("docker-image://", "target:")) or is_remote(source)
            if source and not fetched:
                return context
    return None


def build_command(
    docker: Sequence[str],
    env: Mapping[str, str],
    build: Build,
    planned: Planned,
    audit: str,
    output: OutputFormat,
    *,
    values: bool = True,
) -> str:
    """The whole build as one shell command."""
    switch = builder_named(planned.backend).environment
    arguments = build_arguments(build, planned, audit, output, values=values)
    return f"{client(docker, env if values else {}, switch)} {shlex.join(arguments)}"
