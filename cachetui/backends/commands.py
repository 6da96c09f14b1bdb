"""The command line of a scenario, so made that the user's own caches are as if it had not run.

Found in our lab on Docker Engine 20.10, 26.1 and 28.5 (graph driver and containerd store):

- `--no-cache` empties the cache mounts of the build's RUN steps (BuildKit
  `solver/llbsolver/vertex.go`), so every controlled BuildKit run has a
  `BUILDKIT_CACHE_MOUNT_NS` of its audit: only the mounts of that namespace are touched.
- `--no-cache` results replace those that the user's next build would reuse, and extra host
  names are part of a RUN step's cache key: a unique `--add-host` gives the cold run's results
  keys of their own, the warm run the same name finds them again, and another name runs every
  RUN again with the mounts as they are.
- The legacy builder knows neither; its cold run is undone by removing the images it made.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cachetui.hosts.docker import client as hosts_client
from cachetui.hosts.docker import split
from cachetui.plan import Planned
from cachetui.record import OutputFormat

REPOSITORY = "cachetui"
"""The repository of every tag we make on a host."""


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


def tag(audit: str, planned: Planned) -> str:
    """The tag of a run's image: `cachetui:<audit>-<scenario>-<repeat>`."""
    return f"{REPOSITORY}:{audit}-{planned.scenario}-{planned.repeat}"


def mount_namespace(audit: str) -> str:
    """The namespace of the audit's cache mounts."""
    return f"cachetui-{audit}"


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
    words += _scenario_options(planned, audit)
    if build.network != "default":
        words.append(f"--network={build.network}")
    if build.target is not None:
        words += ["--target", build.target]
    for name, value in build.build_args.items():
        words += ["--build-arg", f"{name}={value}" if values else name]
    words += build.docker_args
    return [*words, "-f", build.dockerfile, build.context]


def _scenario_options(planned: Planned, audit: str) -> list[str]:
    """The options that make a scenario what it is, and keep its traces apart."""
    if planned.scenario == "legacy-as-found":
        return []  # a tag would have to go again, and with it the step that the user's build made
    own_tag = ["-t", tag(audit, planned)]
    if planned.scenario == "buildkit-as-found":
        return own_tag
    if planned.backend == "legacy":
        cold = ["--no-cache"] if planned.scenario == "legacy-cold" else []
        return [*cold, "--force-rm", *own_tag]
    name = f"r{planned.repeat}-{'b' if planned.scenario == 'buildkit-mounts-warm' else 'a'}"
    options = ["--no-cache"] if planned.scenario == "buildkit-cold" else []
    options += ["--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={mount_namespace(audit)}"]
    options += ["--add-host", f"{name}.{audit}.cachetui.invalid:127.0.0.1"]
    return options + own_tag


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
    switch = {"DOCKER_BUILDKIT": "0" if planned.backend == "legacy" else "1"}
    arguments = build_arguments(build, planned, audit, output, values=values)
    return f"{client(docker, env if values else {}, switch)} {shlex.join(arguments)}"
