"""Every input of a cache key that is known, of both builders: what is compared and what is not.

Measured in our lab on 20.10, 26.1, 28.5 and 28.5 with the containerd store, one input changed at a
time; read in BuildKit's `solver/llbsolver/ops` and `source`, in moby's `builder/dockerfile` and
`image/cache`. That a key is the same is only said where each input that a step has was compared
and is equal: `InputChanges.inputs_unchanged`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Treated = Literal["compared", "doubt", "not looked at", "in no key"]
"""`compared`: read, and in the key: a difference explains a miss. `doubt`: read, but whether it is
in the key depends on what is not known: with a difference nothing is claimed. `not looked at`:
where a build has it, nothing is claimed. `in no key`: it is no input."""


@dataclass(frozen=True, slots=True)
class KeyInput:
    """An input by its name, that before the colon in `Inputs`. `words` name it in a sentence;
    `legacy` and `buildkit` are the instructions whose key has it ("" for none), with the engines
    where not all have; `source` is where it is read."""

    name: str
    words: str
    treated: Treated
    legacy: str
    buildkit: str
    source: str


KEY_INPUTS = (
    KeyInput(
        "text",
        "the text of the instruction",
        "compared",
        "every",
        "RUN, COPY, ADD, WORKDIR",
        "the Dockerfile; heredocs on BuildKit alone",
    ),
    KeyInput(
        "arg",
        "ARG",
        "compared",
        "RUN below; where used",
        "RUN below; where used",
        "the Dockerfile and digests of the build arguments; on BuildKit the platforms that "
        "it gives TARGETARCH and similar ones by itself; proxies of docker's configuration for "
        "the legacy builder; SOURCE_DATE_EPOCH of the environment where the client is buildx",
    ),
    KeyInput(
        "env", "ENV", "compared", "a step of its own", "RUN below; where used", "the Dockerfile"
    ),
    KeyInput(
        "order",
        "the order of ARG and ENV",
        "compared",
        "steps of their own",
        "RUN below",
        "the Dockerfile, as each was set last",
    ),
    KeyInput(
        "folder as written",
        "the folder of WORKDIR with its slashes and dots as written",
        "compared",
        "WORKDIR on 20.10",
        "",
        "the Dockerfile; between 20.10 and 26.1 a doubt. A RUN of BuildKit has it in its key as it "
        "is written, on all engines",
    ),
    KeyInput(
        "flag as written",
        "a variable in a flag",
        "doubt",
        "",
        "RUN --mount on 20.10; COPY --chmod, ADD --chmod before 28.5",
        "the Dockerfile",
    ),
    KeyInput(
        "platform argument",
        "an ARG of a platform above the first FROM, without a value",
        "doubt",
        "",
        "on 26.1 it takes the automatic value away, on 28.5 not",
        "the Dockerfile",
    ),
    KeyInput(
        "stage argument",
        "ARG TARGETSTAGE",
        "doubt",
        "",
        "on 28.5 the stage that is built, on 26.1 only what is given",
        "the Dockerfile, the arguments and the target",
    ),
    KeyInput(
        "exec form",
        'the exec form ["/bin/sh", "-c", …] in place of the shell form',
        "doubt",
        "RUN, CMD, ENTRYPOINT over an image with another SHELL",
        "RUN over an image with another SHELL",
        "the Dockerfile, where it sets no SHELL",
    ),
    KeyInput(
        "setting",
        "USER, WORKDIR, SHELL",
        "compared",
        "steps of their own",
        "RUN; USER in WORKDIR, WORKDIR in COPY and ADD",
        "the Dockerfile",
    ),
    KeyInput(
        "base",
        "the base image",
        "compared",
        "every, by its ID",
        "every, by its layers; with --pull by its digest",
        "images of the host, read before the runs and after them; the digest that BuildKit prints",
    ),
    KeyInput(
        "base id",
        "the ID of the base image",
        "compared",
        "every",
        "with the containerd store every, by its manifest; else what the image sets (ENV, USER, "
        "WORKDIR, SHELL), as if the Dockerfile did",
        "images of the host and their configuration, values of ENV as keyed digests. With a graph "
        "driver CMD, LABEL, EXPOSE and the date are in no key of BuildKit",
    ),
    KeyInput(
        "from",
        "the image that it copies from",
        "compared",
        "COPY --from",
        "COPY --from",
        "as the base image",
    ),
    KeyInput(
        "mount", "the image that it mounts", "compared", "", "RUN --mount=from", "as the base image"
    ),
    KeyInput(
        "files",
        "the files that it sees",
        "compared",
        "COPY, ADD",
        "COPY, ADD, RUN --mount=type=bind",
        "the context's manifest (path, type, mode, bytes, link target) less what the builder's "
        "ignore file excludes; links followed as the builder does. Times and owners are in no key",
    ),
    KeyInput(
        "platform",
        "the platform",
        "compared",
        "every",
        "every",
        "--platform, also of FROM, DOCKER_DEFAULT_PLATFORM, the engine",
    ),
    KeyInput(
        "network",
        "the network of the build",
        "compared",
        "",
        "RUN",
        "the build's settings, RUN --network",
    ),
    KeyInput(
        "option",
        "an option of the build",
        "compared",
        "",
        "RUN: names of --add-host; from 26.1 on --shm-size, --ulimit, --cgroup-parent",
        "`docker_args`, by the table in `findings/option_keys.py`: in no key are those of memory, "
        "CPUs and containers, --no-cache, --label, --secret and what is exported; an option of "
        "which nothing is known is a doubt where it changed",
    ),
    KeyInput(
        "proxies",
        "whether a proxy argument is given",
        "compared",
        "RUN, whatever the value",
        "",
        "build arguments, proxies of docker's configuration; ALL_PROXY from 26.1 on",
    ),
    KeyInput(
        "undeclared",
        "build argument without ARG",
        "doubt",
        "RUN, if a trigger of the base declares it that is not known",
        "the same; BUILDKIT_CACHE_MOUNT_NS (RUN with a cache mount) and BUILDKIT_SANDBOX_HOSTNAME "
        "(RUN, from 26.1 on) are compared",
        "digests of the build arguments",
    ),
    KeyInput(
        "epoch",
        "SOURCE_DATE_EPOCH",
        "compared",
        "",
        "WORKDIR, on 28.5",
        "build arguments, the client's environment; between 26.1 and 28.5 a doubt",
    ),
    KeyInput(
        "proxy",
        "a declared proxy of docker's configuration",
        "doubt",
        "",
        "RUN",
        "docker's configuration on the host",
    ),
    KeyInput(
        "environment",
        "the client's variable",
        "doubt",
        "",
        "every",
        "BUILDX_…, BUILDKIT_…, EXPERIMENTAL_BUILDKIT_… (source policies) of the client's "
        "environment",
    ),
    KeyInput(
        "engine",
        "the engine (version, store, identity)",
        "doubt",
        "every",
        "every",
        "the host's facts",
    ),
    KeyInput(
        "client", "the docker client and buildx", "doubt", "every", "every", "the host's facts"
    ),
    KeyInput(
        "frontend",
        "the frontend of # syntax=",
        "not looked at",
        "",
        "every",
        "compared where it is pinned by a digest",
    ),
    KeyInput("remote", "what a URL or git reference answers", "not looked at", "ADD", "ADD", ""),
    KeyInput("cache-from", "the cache of --cache-from", "not looked at", "every", "every", ""),
    KeyInput(
        "named context",
        "the named context",
        "not looked at",
        "",
        "what reads it",
        "URLs and git references; a folder that a FROM names. Other folders are compared as the "
        "context is, images as base images",
    ),
    KeyInput(
        "inherited argument",
        "an argument from the environment of the host (--build-arg NAME)",
        "not looked at",
        "as ARG",
        "as ARG",
        "",
    ),
    KeyInput("device", "the device of RUN --device", "not looked at", "", "RUN --device", ""),
    KeyInput(
        "stage's files",
        "the files of the stage that it copies from",
        "not looked at",
        "COPY --from",
        "",
        "BuildKit also goes by the key of the stage's step, which is compared",
    ),
    KeyInput(
        "client settings",
        "docker's configuration and environment on the host",
        "not looked at",
        "RUN",
        "every",
        "read with the host's facts, where `sh` and `awk` may run as the client does",
    ),
    KeyInput(
        "times",
        "times and owners of files, extended attributes",
        "in no key",
        "",
        "",
        "the context that is sent has no extended attributes",
    ),
    KeyInput(
        "contents",
        "contents of secrets and cache mounts, what the network answers, the clock",
        "in no key",
        "",
        "",
        "",
    ),
    KeyInput(
        "kernel", "kernel, DNS, seccomp and cgroup defaults of the engine", "in no key", "", "", ""
    ),
    KeyInput(
        "words",
        "comments, names of stages, # escape=, # check=, --target, addresses of --add-host",
        "in no key",
        "",
        "",
        "",
    ),
)

_BY_NAME = {one.name: one for one in KEY_INPUTS}


def words_of(name: str) -> str:
    """An input in words: "ARG NODE" for "arg:NODE"."""
    kind, _, rest = name.partition(":")
    words = _BY_NAME[kind].words
    if kind == "setting":
        return rest
    if kind == "option":
        return f"docker_args {rest}"
    return f"{words} {rest}" if rest else words
