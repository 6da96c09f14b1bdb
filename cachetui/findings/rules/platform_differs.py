"""Hosts that build for different platforms share nothing."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.build_options import build_options
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import host_names
from cachetui.records.step import StepId


def observe(case: Case) -> Iterator[Claim]:
    build = case.document.build
    if "--platform" in build_options(build.docker_args):
        return
    platforms: dict[str, list[str]] = {}
    set_there: dict[str, str] = {}
    ran = {run.host for run in case.runs}
    for host in case.document.hosts:
        if host.facts is None or host.name not in ran:
            continue
        wanted = host.evidence.default_platform if host.evidence else None
        if wanted:
            set_there[host.name] = wanted
        platforms.setdefault(wanted or host.facts.platform, []).append(host.name)
    if len(platforms) < 2 or not _minds(case):
        return
    usual = min(platforms, key=lambda name: (-len(platforms[name]), name))
    rivals = [name for name, hosts in platforms.items() if len(hosts) == len(platforms[usual])]
    odd = [
        h for name, hosts in platforms.items() if name != usual or len(rivals) > 1 for h in hosts
    ]
    heads = [s.instructions[0] for s in case.dockerfile.stages if s.index in case.needed]
    yield Claim(
        title="hosts build for different platforms: "
        + ", ".join(f"{name} on {host_names(hosts)}" for name, hosts in platforms.items()),
        confidence="proved",
        steps=tuple(StepId(head.stage_index, 0) for head in heads[:1]),
        evidence=(
            *(
                Evidence(
                    kind="facts",
                    text=f"{HOSTS}: {name}",
                    data={"platform": name},
                    hosts=tuple(hosts),
                )
                for name, hosts in platforms.items()
            ),
            *(
                Evidence(
                    kind="facts",
                    text=f"DOCKER_DEFAULT_PLATFORM is {value} on {HOSTS}",
                    data={"DOCKER_DEFAULT_PLATFORM": value},
                    hosts=(host,),
                )
                for host, value in set_there.items()
            ),
        ),
        advice="Compare hosts of one platform with `cachetui run -w HOSTS`. Or build for one "
        f'everywhere, with docker_args = ["--platform={usual}"] in hosts.toml: hosts of another '
        "platform then emulate it, which is slow, and need the base image of that platform",
        hosts=tuple(odd),
        backends=tuple(dict.fromkeys(run.backend for run in case.runs if run.host in odd)),
        scenarios=tuple(dict.fromkeys(run.scenario for run in case.runs if run.host in odd)),
    )


def _minds(case: Case) -> bool:
    """Whether any stage takes the platform of the machine: not one with a fixed --platform."""
    for stage in case.dockerfile.stages:
        if stage.index not in case.needed or stage.base_stage is not None:
            continue
        if stage.platform is None or "$" in stage.platform:
            return True
    return False


RULE = Rule(
    id="platform-differs",
    order=450,
    title="Hosts build for different platforms",
    surprise="The platform is part of every step's cache key, and the base image differs as well. "
    "A step cached for one platform never hits on another, and the images differ.",
    needs="The engines' platforms, and DOCKER_DEFAULT_PLATFORM on the hosts.",
    applies="Two hosts build for different platforms, and neither the build (`--platform`) nor "
    "every FROM names one.",
    proves="The platforms that the engines report.",
    advises="Compare hosts of one platform; or name the platform, which other hosts then emulate.",
    written=(
        "BuildKit solver/pb/ops.proto: Op.platform is in the digest of every operation",
        "our lab, with DOCKER_DEFAULT_PLATFORM: 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nRUN uname -m\n",
    try_it="docker build . on an amd64 and an arm64 machine.",
    paid=None,
    observe=observe,
)
