"""`--no-cache` empties the cache mounts of the steps it runs."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.dockerfile.instruction import Instruction, Mount
from cachetui.findings.build_options import forbids_cache, uncached_stages
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.suspect import Suspect
from cachetui.findings.wording import describe, join_names
from cachetui.records.step import StepId
from cachetui.records.versions import version_key


class NoCacheOption(Suspect, frozen=True, tag="no-cache"):
    """The option of the build that empties mounts."""

    option: str


ALL_MOUNTS_SINCE = (27, 3)
"""Engines with BuildKit 0.16 or later; before, mounts with uid, gid or mode were spared."""

_OWNED = ("uid", "gid", "mode")


def observe(case: Case) -> Iterator[Claim]:
    option, stages = _option(case)
    if option is None:
        return
    own = "BUILDKIT_CACHE_MOUNT_NS" in case.document.build.build_args
    mounts = [
        (item, mount)
        for item in case.instructions("RUN", stages=stages)
        for mount in item.cache_mounts
    ]
    for host in case.document.hosts:
        if host.facts is None or "buildkit" not in host.facts.backends:
            continue
        hit = [pair for pair in mounts if _emptied(pair[1], host.facts.engine)]
        if hit:
            yield _claim(case, host.name, option, hit, own)


def _option(case: Case) -> tuple[str | None, frozenset[int]]:
    """The option of the build that empties mounts, and of which stages."""
    args = case.document.build.docker_args
    names = uncached_stages(args)
    if forbids_cache(args):
        every = "--no-cache-filter without a stage" if names == {""} else "--no-cache"
        return every, case.needed
    if not names:
        return None, frozenset()
    stages = [stage.index for stage in case.dockerfile.stages if stage.name in names]
    return f"--no-cache-filter={','.join(sorted(names))}", case.needed & frozenset(stages)


def _emptied(mount: Mount, engine: str) -> bool:
    owned = any(key in _OWNED for key, _ in mount.options)
    return not owned or version_key(engine) >= ALL_MOUNTS_SINCE


def _claim(
    case: Case,
    host: str,
    option: str,
    mounts: list[tuple[Instruction, Mount]],
    own: bool,
) -> Claim:
    ids = list(dict.fromkeys(mount.id for _, mount in mounts))
    engine = case.hosts[host].engine or ""
    return Claim(
        title=f"{option} empties the cache {'mount' if len(ids) == 1 else 'mounts'} "
        f"{join_names(ids)} each time",
        confidence="likely",
        steps=tuple(dict.fromkeys(StepId(i.stage_index, i.index) for i, _ in mounts)),
        evidence=(
            Evidence(kind="dockerfile", text=f"the build's own options include {option}"),
            *(Evidence(kind="dockerfile", text=describe(item)) for item, _ in mounts[:3]),
            Evidence(
                kind="source",
                text="in our lab --no-cache empties the cache mounts of the steps it runs",
            ),
            *(
                [
                    Evidence(
                        kind="source",
                        text=f"Engine {engine} on {HOSTS} spares mounts with uid, gid or mode",
                        data={"engine": engine},
                        hosts=(host,),
                    )
                ]
                if version_key(engine) < ALL_MOUNTS_SINCE
                else []
            ),
            *(
                [
                    Evidence(
                        kind="dockerfile",
                        text="only mounts of the build's own BUILDKIT_CACHE_MOUNT_NS",
                    )
                ]
                if own
                else []
            ),
        ),
        advice=f"Remove {option} from docker_args, and make RUN steps run again with a build "
        "argument: `ARG FRESH` above them and --build-arg FRESH=$(date +%s); or protect your "
        "mounts with --build-arg BUILDKIT_CACHE_MOUNT_NS=fresh",
        hosts=(host,),
        backends=("buildkit",),
        scenarios=(),
        suspect=NoCacheOption(option),
    )


RULE = Rule(
    id="no-cache-empties-mounts",
    order=230,
    title="The build's own options empty its cache mounts",
    surprise="`--no-cache` not only runs the steps again. It also removes what their cache mounts "
    "hold, for every other build that uses them too. Cold layers with warm mounts are not "
    "possible with it.",
    needs="The build's options, the Dockerfile and the engines' versions.",
    applies="The build has --no-cache, or --no-cache-filter for a stage with cache mounts. Engines "
    "before BuildKit 0.16 spare mounts with uid, gid or mode.",
    proves="An experiment with a mount of its own.",
    advises="Use an argument above the steps, or a mount namespace of its own.",
    written=(
        "BuildKit solver/llbsolver/vertex.go, detectPrunedCacheID; moby#40508, buildkit#4250",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\n"
    "RUN --mount=type=cache,target=/cache ls /cache | wc -l && touch /cache/$(date +%s)\n",
    try_it="docker build --progress=plain --no-cache . again and again: it counts 0 each time.",
    paid="per-build",
    observe=observe,
    parts_hosts=False,
    suspect=NoCacheOption,
    untestable="it is about what an option of the build would do, which is known of every engine",
)
