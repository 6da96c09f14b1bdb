"""A cache was imported, and yet a step missed that it could have spared."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.builders.features import NEWER_RUN_KEYS
from cachetui.findings.base_images import layers_on
from cachetui.findings.claim import HOSTS, Claim, answer
from cachetui.findings.overwritten_caches import overwritten
from cachetui.findings.question import Question
from cachetui.findings.record import Confidence, Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import host_names
from cachetui.records.host import HostFacts
from cachetui.records.shared_cache import CachedStep, SharedCache
from cachetui.records.versions import version_key

SAME_MOUNT_KEYS = (28,)
"""From this engine on, a RUN with a cache mount of what 28.5 exported is reused (our lab)."""

_Reason = tuple[Confidence, str, str, tuple[Evidence, ...]]
"""How sure it is, why the step missed, what helps, and what else shows it."""


def explain(question: Question) -> Claim | None:
    run = question.run
    if not run.kind.imports or question.ancestor_step is not None:
        return None
    came = {one.name for one in run.transfers if one.direction == "import" and not one.error}
    if not came or question.instruction is None or overwritten(question) is not None:
        return None
    held = list(_held(run.imports, question))
    reason = next(_reasons(question, held), None)
    if reason is None:
        return None
    confidence, why, advice, evidence = reason
    names = ", ".join(sorted(cache.name for cache, _ in held)) or ", ".join(sorted(came))
    line = question.step.line
    return answer(
        question,
        title=f"line {line} missed on {HOSTS} although {names} was imported: {why}",
        confidence=confidence,
        evidence=(
            Evidence(
                kind="run",
                text=f"{names} was imported on {HOSTS}, and line {line} missed first",
                data={"imported": sorted(came)},
                runs=(run.id,),
            ),
            *evidence,
        ),
        advice=advice,
        merge_key=(names, why),
    )


def _held(
    caches: tuple[SharedCache, ...], question: Question
) -> Iterator[tuple[SharedCache, CachedStep]]:
    """What each cache that could be read has of the step."""
    for cache in caches:
        for step in cache.steps or ():
            if (step.stage_index, step.index) == (question.step.stage_index, question.step.index):
                yield cache, step


def _reasons(question: Question, held: list[tuple[SharedCache, CachedStep]]) -> Iterator[_Reason]:
    """Those that hold, the surest first."""
    facts = question.case.facts(question.run.host)
    if facts is None:
        return
    yield from _platform(question, facts)
    if question.instruction is not None and question.instruction.keyword == "RUN":
        yield from _generation(question, facts)
    yield from _mode(held)
    yield from _cache_mounts(question, held)
    yield from _base(question)
    yield from _content(question, held)


def _platform(question: Question, facts: HostFacts) -> Iterator[_Reason]:
    told = {platform for cache in question.run.imports for platform in cache.platforms}
    if not told or any(one in facts.platform or facts.platform in one for one in told):
        return
    yield (
        "likely",
        f"it was built for {', '.join(sorted(told))}, and the host is {facts.platform}",
        f"Export a cache from a host of {facts.platform}, too, to a reference of its own, and "
        "name both: --cache-from may be given several times",
        (),
    )


def _generation(question: Question, facts: HostFacts) -> Iterator[_Reason]:
    older = version_key(facts.engine) < NEWER_RUN_KEYS
    others = [
        run.host
        for run in question.peers
        if (peer := question.case.facts(run.host)) is not None
        and (version_key(peer.engine) < NEWER_RUN_KEYS) != older
    ]
    if not older and not others:
        return
    shown = f"; the same step hit on {host_names(others)}" if others else ""
    yield (
        "likely" if older else "possible",
        f"Docker Engine {facts.engine} makes other keys of RUN steps than "
        + ("Engine 23.0 and newer" if older else "engines before 23.0"),
        "Import what an engine of the same generation exported, or upgrade Docker Engine",
        (
            Evidence(
                kind="source",
                text=f"20.10 reads what newer engines export and reuses no RUN of it{shown}",
            ),
        ),
    )


def _mode(held: list[tuple[SharedCache, CachedStep]]) -> Iterator[_Reason]:
    if not held or any(step.held != "not-kept" for _, step in held):
        return
    inline = all(cache.kind == "inline" for cache, _ in held)
    kind = "an inline cache has no stage but the last" if inline else "it was exported as mode=min"
    yield (
        "likely",
        f"the cache knows the step and has no result of it: {kind}",
        "Export it with mode=max: --cache-to type=registry,ref=REF,mode=max",
        tuple(_read(cache, "the step's key without a result") for cache, _ in held),
    )


def _cache_mounts(
    question: Question, held: list[tuple[SharedCache, CachedStep]]
) -> Iterator[_Reason]:
    """Of a RUN with a cache mount that 28.5 exported, 26.1 reuses nothing (our lab: registry and
    inline)."""
    item, facts = question.instruction, question.case.facts(question.run.host)
    if item is None or facts is None or not item.cache_mounts:
        return
    if not all(step.held == "kept" for _, step in held):
        return
    engine = version_key(facts.engine)
    others = [
        run.host
        for run in question.peers
        if (peer := question.case.facts(run.host)) is not None and version_key(peer.engine) > engine
    ]
    if not others and engine >= SAME_MOUNT_KEYS:
        return
    shown = f"; with a newer engine it hit on {host_names(others)}" if others else ""
    yield (
        "likely" if others else "possible",
        f"Docker Engine {facts.engine} makes another key of a RUN with a cache mount than newer "
        "engines",
        "Import what an engine of the same version exported, or upgrade Docker Engine",
        (
            Evidence(
                kind="source",
                text="26.1 reuses no RUN with a cache mount of what 28.5 exported, which 28.5 "
                f"does{shown}",
            ),
        ),
    )


def _base(question: Question) -> Iterator[_Reason]:
    """The step stands on an image that the host has, and BuildKit did not look up in a registry: it
    prints the digests of those that it did."""
    run = question.run
    ref = question.case.base(question.step.stage_index)
    if not question.first_in_stage or ref in run.bases:
        return
    if not layers_on(question.case, run.host, ref):
        return
    peers = [other for other in question.case.runs if other.scenario == run.scenario]
    if not any(other.bases for other in peers):
        return  # nothing shows that these engines print digests
    yield (
        "possible",
        f"the host has {ref} as an image of its own, of which BuildKit on a graph driver makes "
        "another key than of one that it finds in a registry",
        "Build with --pull, here and where the cache is exported. Where no registry has "
        f"{ref}, push it to one first, and name it so in FROM",
        (),
    )


def _content(question: Question, held: list[tuple[SharedCache, CachedStep]]) -> Iterator[_Reason]:
    steps = [step for _, step in held]
    item = question.instruction
    if not steps or item is None or any(step.held == "unknown" for step in steps):
        return
    if all(step.held == "absent" for step in steps):
        yield (
            "likely",
            "the cache has no such step: it was exported by a build of another Dockerfile, or of "
            "another target",
            "Export the cache again from this Dockerfile, with the target that is built here",
            tuple(_read(cache, "no key where the step stands") for cache, _ in held),
        )
        return
    evidence = tuple(
        _read(cache, "a result at the step's place") for cache, step in held if step.held == "kept"
    )
    if not evidence:
        return
    if item.keyword in ("COPY", "ADD") and item.copy_from is None:
        yield (
            "likely",
            "the files that it copies are others than those of the build that was exported",
            "Nothing, where they were meant to change. Else compare the two contexts: files that "
            "the build does not need belong into .dockerignore",
            evidence,
        )
    elif item.keyword == "RUN":
        yield (
            "possible",
            "its text, an argument or environment variable, its network or its mounts are others "
            "than those of the build that was exported",
            "Compare the two builds: Dockerfile, --build-arg, --network, --add-host, --platform",
            evidence,
        )


def _read(cache: SharedCache, what: str) -> Evidence:
    """A fact that was read from a cache on a host."""
    return Evidence(
        kind="cache",
        text=f"{cache.name}, read on {HOSTS}, has {what}, by how its keys stand on each other",
        data={"cache": cache.name, "digest": cache.digest},
        hosts=(cache.host,),
    )


RULE = Rule(
    id="import-missed",
    order=545,
    title="A cache was imported, and yet a step missed",
    surprise="--cache-from worked, the log shows no error, and yet a step runs: what was exported "
    "has another key for it, or no result.",
    needs="A run of buildkit-imported, and buildx on the host: it reads what the cache has of the "
    "step.",
    applies="The cache was imported, and the first step that missed is one of which the cache has "
    "no result (mode=min, inline), or none at all (another Dockerfile or target); or it has one, "
    "and the step's files, the engine's generation, the platform or a base image that this host "
    "has itself differ.",
    proves="Nothing here: keys are digests, and name no instruction. The cause is inferred from "
    "how keys depend on each other, and from what is known of host and engine.",
    advises="Export with mode=max; build one Dockerfile and target with engines of one generation; "
    "take the base image from a registry, with --pull.",
    written=(
        "BuildKit solver/llbsolver/ops/exec.go: what is in the key of a RUN",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox AS deps\nRUN sleep 5 && echo deps > /deps\n"
    "FROM busybox\nCOPY src /src\nCOPY --from=deps /deps /\n",
    try_it="docker build --cache-to type=registry,ref=REF,mode=min . on one machine; on another "
    "change src, and docker build --cache-from REF . runs the sleep again.",
    paid="per-fresh-host",
    explain=explain,
    untestable="`cachetui share` is the experiment: it shows what each kind of cache keeps",
)
