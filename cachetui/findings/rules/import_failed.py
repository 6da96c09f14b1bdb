"""A cache was not imported, and the build went on without it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cachetui.builders.registry_words import RegistryTrouble, registry_trouble
from cachetui.findings.build_options import build_options
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.records.run import Run
from cachetui.records.share import CacheTransfer

_SILENT = (
    "the registry did not answer",
    "Try `docker pull` of a small image of that registry on {hosts}: a name, a firewall or a "
    "proxy is in the way, or the registry is down",
)
_NOT_THERE = (
    "it is not there",
    "Look for it with `cachetui cache`: its name, its tag, or whether it was removed. It is "
    "there once a build with --cache-to has ended",
)
_OF_REGISTRY: dict[RegistryTrouble, tuple[str, str]] = {
    "login": (
        "the registry requires a login",
        "Run `docker login` on {hosts} as the user who builds there. The name may be wrong, too: "
        "some registries say the same of what is not there",
    ),
    "tls": (
        "the registry's certificate is not accepted",
        "Give the engine on {hosts} the registry's CA in /etc/docker/certs.d, or name the registry "
        "in insecure-registries of its daemon.json",
    ),
    "full": ("a disk is full", "Make room on {hosts}, or where the registry keeps its data"),
    "silent": _SILENT,
    "unreachable": _SILENT,
    "failing": _SILENT,
    "missing": _NOT_THERE,
}
"""What the registry's trouble is → what it means for a build, and what helps."""

_OF_CLIENT = (
    (
        r"invalid reference format",
        "the docker client reads it as the name of an image",
        "Without buildx, `docker build` on {hosts} takes an image alone: --cache-from REF. Install "
        "Docker's buildx plugin for type=…",
    ),
    (r"no such file|cannot find", *_NOT_THERE),
    (
        r"no cache config|not a cache|unsupported|invalid|unexpected|unknown|mismatch|failed to",
        "it cannot be read as a cache",
        "Look at it with `cachetui cache`, and export it again",
    ),
)
"""Else a pattern of BuildKit's own words, what they mean, and what helps. The first counts."""

_OTHER = ("BuildKit says why", "Look at it with `cachetui cache` on {hosts}")


def observe(case: Case) -> Iterator[Claim]:
    if case.document.share is not None:
        return  # `share` says itself what was not imported
    for run in case.runs:
        if run.backend == "buildkit":
            for transfer in run.transfers:
                if transfer.direction == "import" and transfer.error:
                    yield _claim(run, transfer, _as_given(case, transfer.name), transfer.error)


def _as_given(case: Case, name: str) -> str:
    """The option that a cache is named by: the client of 20.10, without buildx, splits it at its
    commas, and asks for a cache of each piece."""
    given = build_options(case.document.build.docker_args).get("--cache-from", ())
    return next((value for value in given if name in value.split(",")), name)


def _claim(run: Run, transfer: CacheTransfer, name: str, error: str) -> Claim:
    reason, advice = _why(error)
    return Claim(
        title=f"the cache {name} was not imported on {HOSTS}: {reason}",
        confidence="proved",
        steps=(),
        evidence=(
            Evidence(
                kind="run",
                text=f"importing cache manifest from {transfer.name} on {HOSTS}: {error}",
                data={"error": error},
                hosts=(run.host,),
                runs=(run.id,),
            ),
            Evidence(
                kind="source",
                text="to BuildKit a failed import is not an error: the build goes on without it",
            ),
        ),
        advice=advice.format(hosts=HOSTS),
        hosts=(run.host,),
        backends=("buildkit",),
        scenarios=(run.scenario,),
        merge_key=(name, reason),
    )


def _why(error: str) -> tuple[str, str]:
    """What BuildKit's words mean, and what helps."""
    trouble = registry_trouble(error)
    if trouble is not None:
        return _OF_REGISTRY[trouble]
    for pattern, reason, advice in _OF_CLIENT:
        if re.search(pattern, error, re.IGNORECASE):
            return reason, advice
    return _OTHER


RULE = Rule(
    id="import-failed",
    order=540,
    title="A cache was not imported",
    surprise="A build whose --cache-from cannot be read prints an error among its lines, goes on "
    "without the cache, and exits with 0. Nobody notices, and the build is slow.",
    needs="A build with --cache-from, run with BuildKit.",
    applies="BuildKit ended an import with an error, or its client found no folder. With the "
    "containerd image store, BuildKit asks the registry even for an image that the host has.",
    proves="BuildKit's own words.",
    advises="Do what the words ask for: a login, a certificate, a name, a network; `cachetui "
    "cache` reads the cache on a host without building.",
    written=(
        "BuildKit solver/llbsolver/bridge.go, client/solve.go",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nRUN sleep 5\n",
    try_it="docker build --cache-from 127.0.0.1:1/nothing . prints ERROR, and ends well.",
    paid="per-fresh-host",
    observe=observe,
    untestable="the engine's own record is the proof",
)
