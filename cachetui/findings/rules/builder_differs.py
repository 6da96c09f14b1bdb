"""Another builder of buildx is another BuildKit, with a cache of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import host_names
from cachetui.records.host import BuildxBuilder, HostFacts

_CHOSEN_BY = {
    "context": "the docker context",
    "use": "docker buildx use, for docker buildx install makes docker build an alias",
    "variable": "BUILDX_BUILDER",
}


def observe(case: Case) -> Iterator[Claim]:
    hosts = {
        run.host: facts
        for run in case.runs
        if run.backend == "buildkit" and (facts := case.facts(run.host)) and facts.builder
    }
    yield from _two_on_a_host(case, hosts)
    kinds: dict[tuple[str, str | None], list[str]] = {}
    for name, facts in hosts.items():
        kinds.setdefault(_kind(facts.builder), []).append(name)
    if len(kinds) < 2:
        return
    usual = max(kinds, key=lambda kind: (kind[0] == "docker", len(kinds[kind])))
    others = kinds.pop(usual)
    for odd in kinds.values():
        builder = hosts[odd[0]].builder
        assert builder is not None
        yield Claim(
            title=f"docker build uses another builder on {HOSTS}, of the driver {builder.driver}, "
            f"than on {host_names(others)}",
            confidence="proved",
            steps=(),
            evidence=tuple(_evidence(hosts[name], name) for name in (*odd, *others)),
            advice="That builder is a separate BuildKit without the cache of docker's engine. "
            f"Build with one builder everywhere: on {HOSTS}, build with --builder default, or "
            "unset BUILDX_BUILDER and undo docker buildx use there",
            hosts=tuple(odd),
            backends=("buildkit",),
            scenarios=_scenarios(case, odd),
            merge_key=_kind(builder),
        )


def _two_on_a_host(case: Case, hosts: dict[str, HostFacts]) -> Iterator[Claim]:
    for name, facts in hosts.items():
        builder, other = facts.builder, facts.buildx_builder
        if builder is None or other is None or _kind(builder) == _kind(other):
            continue
        yield Claim(
            title=f"docker build and docker buildx build use different builders on {HOSTS}",
            confidence="proved",
            steps=(),
            evidence=(
                _evidence(facts, name),
                Evidence(
                    kind="facts",
                    text=f"docker buildx build, bake and compose use {other.text} on {HOSTS}",
                    data={"builder": other.name, "driver": other.driver},
                    hosts=(name,),
                ),
            ),
            advice="What one of them built is not in the cache of the other, and this audit looked "
            "at that of docker build. Give both one builder: docker buildx use default, or "
            f"BUILDX_BUILDER={other.name} in the environment",
            hosts=(name,),
            backends=("buildkit",),
            scenarios=_scenarios(case, (name,)),
            merge_key=("on one host", _kind(builder), _kind(other)),
        )


def _kind(builder: BuildxBuilder | None) -> tuple[str, str | None]:
    """Equal for builders that differ by name alone: docker's own belong to their engines, whose
    versions the facts tell."""
    if builder is None or builder.of_docker:
        return ("docker", None)
    return (builder.driver, builder.buildkit)


def _evidence(facts: HostFacts, host: str) -> Evidence:
    builder = facts.builder
    assert builder is not None
    chosen = f", chosen by {_CHOSEN_BY[facts.builder_choice]}" if facts.builder_choice else ""
    return Evidence(
        kind="facts",
        text=f"docker build uses {builder.text} on {HOSTS}{chosen}",
        data={"builder": builder.name, "driver": builder.driver, "choice": facts.builder_choice},
        hosts=(host,),
    )


def _scenarios(case: Case, hosts: Sequence[str]) -> tuple[str, ...]:
    runs = (run for run in case.runs if run.host in hosts and run.backend == "buildkit")
    return tuple(dict.fromkeys(run.scenario for run in runs))


RULE = Rule(
    id="builder-differs",
    order=425,
    title="docker build uses another builder",
    surprise="buildx has several builders, and each has a cache of its own. Which of them "
    "`docker build` uses is a setting of each host and user: BUILDX_BUILDER, `docker buildx use`, "
    "the docker context. `docker buildx use` counts for `docker buildx build`, bake and compose, "
    "and not for `docker build`, unless `docker buildx install` was run too.",
    needs="What `docker buildx inspect` tells on each host.",
    applies="`docker build` uses builders of different drivers on two hosts, or of different "
    "BuildKit versions where the driver is not docker; or `docker build` and `docker buildx build` "
    "use different ones on one host.",
    proves="What buildx tells of its builders.",
    advises="Use one builder everywhere.",
    written=(
        "docker cli/cmd/docker/builder.go: processBuilder sets BUILDX_BUILDER to the context",
        "docs.docker.com/build/builders",
        "our lab: buildx 0.13 and 0.29, drivers docker and remote",
    ),
    example="FROM busybox\nRUN date > /built\n",
    try_it="docker buildx create --name ci; BUILDX_BUILDER=ci docker build . ; docker build .",
    paid=None,
    observe=observe,
)
