"""The key is the same, and the cache no longer, or never, held it."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.audit_again import audit_again
from cachetui.findings.build_command import build_on
from cachetui.findings.build_options import build_options, forbids_cache
from cachetui.findings.cache_contents import (
    hits_of_other_builder,
    holds_none_of,
    records_of_command,
)
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim, answer
from cachetui.findings.key_inputs import words_of
from cachetui.findings.legacy_cache import no_parent_chain
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence, Need
from cachetui.findings.rule import Rule
from cachetui.findings.suspect import Suspect
from cachetui.findings.unexpected_misses import unexpected_misses
from cachetui.findings.wording import BUILDER_WORDS, host_names, join_names
from cachetui.records.backend import Backend
from cachetui.records.run import Run
from cachetui.records.scenario import BUILDKIT_COLD
from cachetui.records.step import StepId


class EvictedResult(Suspect, frozen=True, tag="evicted"):
    """A result that the host's cache no longer holds: the step's, in the host's run of `audit`."""

    audit: str


_THEN = {"hit": "hit", "miss": "was built"}
_CACHE_OF: dict[Backend, str] = {"legacy": "the legacy builder's", "buildkit": "BuildKit's"}


def explain(question: Question) -> Claim | None:
    if question.instruction is None or not question.as_found or question.named_folder:
        return None
    if forbids_cache(question.case.document.build.docker_args) or no_parent_chain(question):
        return None
    if question.run.kind.imports and any(not one.error for one in question.run.transfers):
        return None  # the host need not have held it: `import-missed` asks why it did not come
    if question.before is None:
        return _never(question)
    return (
        _evicted(question)
        if question.changes.step_before is not None
        else _not_needed_then(question)
    )


def _evicted(question: Question) -> Claim | None:
    """It was there, and every input of its key was looked at and is as it was."""
    before = question.before
    if before is None:
        return None
    if question.ancestor_step is not None or question.changes.inputs_unchanged is not True:
        return None
    if any(one.changes.inputs_unchanged is not True for one in question.builds_on):
        return None  # not the same chain, or not known to be
    item = question.instruction
    assert item is not None
    host = question.run.host
    step = question.changes.step_before
    assert step is not None
    evidence = [
        Evidence(
            kind="earlier",
            text=f"this step {_THEN.get(step.status, 'was there')} on {HOSTS} in audit "
            f"{before.run.audit}, and its key is the same by all that was compared: "
            f"{join_names(sorted(_known(question)), 6)}",
            data={"audit": before.run.audit, "status": step.status},
            hosts=(host,),
        ),
        *records_of_command(question.case.evidence(host), question),
        *_pressure(question),
    ]
    return answer(
        question,
        title=f"the cache key of line {item.line} is the same, but the cache on {HOSTS} "
        "no longer holds the result",
        brief=f"line {item.line} is gone from the cache",
        confidence="likely",
        evidence=evidence,
        advice=_keep(question),
        merge_key="evicted",
        suspect=EvictedResult(before.run.audit),
    )


def _not_needed_then(question: Question) -> Claim | None:
    """The earlier run had the same instruction and did not build it: its target did not need it,
    or it did not come that far."""
    before = question.before
    edit = before.edit_at(question.step.id) if before else None
    if before is None or edit is None or edit.kind != "same":
        return None
    then, now = before.document.build.target, question.case.document.build.target
    targets = f" (target then: {then or 'the last stage'}; now: {now or 'the last stage'})"
    return answer(
        question,
        title=f"the earlier run on {HOSTS} did not build line {question.step.line}",
        brief=f"line {question.step.line} was not built before",
        confidence="likely",
        evidence=(
            Evidence(
                kind="earlier",
                text=f"audit {before.run.audit} did not need the stage of that line"
                + (targets if then != now else ""),
                data={"audit": before.run.audit, "target": then},
            ),
        ),
        advice="Nothing to do: it is in the cache from now on",
        merge_key="not-needed-then",
    )


def _never(question: Question) -> Claim | None:
    """The host's cache has nothing of the first RUN from the step that missed on."""
    host, line = question.run.host, question.step.line
    evidence = question.case.evidence(host)
    instructions = (question.case.instruction(step.id) for step in question.chain.steps)
    command = next((item for item in instructions if item and item.keyword == "RUN"), None)
    if evidence is None or command is None:
        return None
    text = holds_none_of(evidence, command, question.run.backend, question.case.hasher)
    if text is None:
        return None
    peers = f"; it hit on {host_names([p.host for p in question.peers])}" if question.peers else ""
    filled = question.run.kind.warms and not _searches_named_images(question)
    builder = BUILDER_WORDS[question.run.backend]
    return answer(
        question,
        title=f"the cache of {builder} on {HOSTS} has no step of this build from line {line} on: "
        "never built there, or removed",
        brief=f"{_CACHE_OF[question.run.backend]} cache has nothing from line {line} on",
        confidence="likely",
        evidence=(
            Evidence(kind="cache", text=f"{text} on {HOSTS}", hosts=(host,)),
            Evidence(kind="run", text=f"on {HOSTS} line {line} missed first{peers}", hosts=(host,)),
            *hits_of_other_builder(question),
            *_pressure(question),
        ),
        advice=_FILLED if filled else _build_it(question),
        commands=() if filled else build_on(question.case, host, question.run.backend),
        merge_key=("never", question.run.backend, _first_miss(question)),
        one_cause=True,
    )


_FILLED = (
    "Nothing to do: the as-found build of this audit filled the cache. To spare a new host its "
    "first build, share a cache (`--cache-from`; `cachetui share` shows what it saves)"
)


def _searches_named_images(question: Question) -> bool:
    """Whether the host's next build does not look at what this one left there."""
    return question.run.backend == "legacy" and _names_caches(question)


def _names_caches(question: Question) -> bool:
    return "--cache-from" in build_options(question.case.document.build.docker_args)


def _build_it(question: Question) -> str:
    once = f"Build it once on {HOSTS}"
    if _searches_named_images(question):
        return f"{once} and name that image in --cache-from: no other image is searched then"
    if _names_caches(question):
        return f"{once}, or export a cache that has these steps: what --cache-from names lacks them"
    return f"{once} as its user does, or take the cache of a host that has it (`--cache-from`)"


def _first_miss(question: Question) -> StepId:
    """Of the run, not of the chain: where hosts have nothing from the same place on, they share "
    "one finding."""
    return question.case.chains[question.run.id][0].cause.id


def _pressure(question: Question) -> Iterator[Evidence]:
    """What could have removed it: little room, garbage collection's limits."""
    facts = question.case.facts(question.run.host)
    evidence = question.case.evidence(question.run.host)
    if facts is not None and facts.free_bytes is not None and facts.df:
        held = facts.df.get("Build Cache")
        text = f"on {HOSTS} {facts.free_bytes / 1e9:.1f} GB are free on the disk"
        if held is not None:
            text += f", the build cache holds {held / 1e9:.2f} GB"
        yield Evidence(
            kind="facts",
            text=text,
            data={"free_bytes": facts.free_bytes, "cache_bytes": held},
            hosts=(question.run.host,),
        )
    if evidence is not None and evidence.gc:
        yield Evidence(
            kind="facts",
            text=f"garbage collection policy on {HOSTS}: {'; '.join(evidence.gc[:3])}",
            data={"gc": list(evidence.gc)},
            hosts=(question.run.host,),
        )


def _known(question: Question) -> set[str]:
    """What of the step's key was compared, in words."""
    assert question.changes.now is not None
    names = set(question.changes.now.tokens) | ({"files"} if question.changes.now.files else set())
    return {words_of(name) for name in names}


def _keep(question: Question) -> str:
    if question.run.backend == "legacy":
        return (
            "Keep the images of builds that should be reused: the legacy builder's cache is made "
            "of images, and `docker image prune` and `docker rmi` remove them"
        )
    return (
        "Give the cache more room: builder.gc.defaultKeepStorage in daemon.json (`docker buildx "
        "inspect` shows the limits), and look for a `docker builder prune` or `docker system "
        f"prune` in a timer on {HOSTS}"
    )


def observe(case: Case) -> Iterator[Claim]:
    """BuildKit takes WORKDIR from its cache where it is there, even in a cold run."""
    runs: dict[int, list[Run]] = {}
    for run in case.of(BUILDKIT_COLD):
        runs.setdefault(run.repeat, []).append(run)
    for repeat, members in runs.items():
        for item in case.instructions("WORKDIR"):
            place = StepId(item.stage_index, item.index)
            status = {r.host: s.status for r in members for s in r.steps if s.id == place}
            had = [host for host, what in status.items() if what == "hit"]
            built = [host for host, what in status.items() if what == "miss"]
            if not had or not built:
                continue
            yield Claim(
                title=f"line {item.line}: BuildKit takes WORKDIR from its cache even with "
                f"--no-cache, and {HOSTS} did not have it",
                confidence="likely",
                steps=(place,),
                evidence=(
                    Evidence(
                        kind="run",
                        text=f"buildkit-cold{_repeat(repeat)}: hit on {host_names(had)}, "
                        f"built on {host_names(built)}",
                        data={"hit": had, "built": built},
                        hosts=(*had, *built),
                    ),
                ),
                advice="Nothing to do: it costs next to nothing, and no other kind of step does "
                "so in a cold run",
                hosts=tuple(built),
                backends=("buildkit",),
                scenarios=(BUILDKIT_COLD.name,),
                merge_key="workdir",
            )


def _repeat(number: int) -> str:
    return f" #{number}" if number > 1 else ""


def ask(case: Case) -> Iterator[Need]:
    """Steps that may have been evicted, where an earlier run, or what is known of it, is missing
    to tell."""
    first: dict[str, None] = {}
    undecided: dict[tuple[StepId, tuple[str, ...]], dict[str, None]] = {}
    for question in unexpected_misses(case):
        if not question.as_found or explain(question) is not None:
            continue
        if question.before is None:
            first[question.run.host] = None
        elif what := _undecided(question):
            undecided.setdefault((question.step.id, what), {})[question.run.host] = None
    if first:
        yield Need(
            id="evicted-or-never-built",
            text=f"the next audit of {host_names([*first])} will tell, where they miss again, what "
            "has changed, and what the cache no longer holds, by comparing with this one",
            command=audit_again(case, first, "--as-found"),
            of_misses=True,
        )
    for (step, what), hosts in undecided.items():
        yield Need(
            id="evicted-or-never-built",
            text=f"{case.line(step)} missed on {host_names([*hosts])}: to tell whether the cache "
            f"lost the result or the key changed, this would have to be known: {', '.join(what)}",
            of_misses=True,
        )


def _undecided(question: Question) -> tuple[str, ...]:
    """What keeps the rule from saying that the key is the same, where nothing in it is known to
    have changed."""
    steps = [question.changes, *(one.changes for one in question.builds_on)]
    if forbids_cache(question.case.document.build.docker_args) or any(
        step.inputs_unchanged is False for step in steps
    ):
        return ()
    doubtful = sorted({words_of(name) for step in steps for name in step.doubtful})
    return (*question.not_compared, *(f"whether {what} is in the key" for what in doubtful))


RULE = Rule(
    id="evicted-or-never-built",
    order=430,
    title="The cache key is the same, but the cache does not hold the result",
    surprise="Nothing differs, and yet the step runs. Garbage collection, a prune or a full disk "
    "removed the result; or this machine never had it and cannot get it from another.",
    needs="An earlier as-found run on the host; or a list of what its caches held before this run.",
    applies="Evicted: every input of the key (listed in docs/findings.md) was compared "
    "with an earlier run that had the step, and is equal; so are those of all steps that it builds "
    "on. Never built there, or removed: the earlier run did not need the step's stage, or no "
    "record or image in the cache is of the first RUN from the first miss on.",
    proves="That it was evicted: an experiment that builds the step twice in a cache of its own, "
    "with what the host has now. If it hits the second time, nothing in its key changes by itself; "
    "else the finding is withdrawn.",
    advises="Give the cache more room, or share one between machines.",
    written=(
        "BuildKit cache/manager.go, Prune; util/gcpolicy defaults",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nRUN sleep 2\n",
    try_it="docker build . ; docker builder prune -f ; docker build .",
    paid="once",
    explain=explain,
    observe=observe,
    ask=ask,
    suspect=EvictedResult,
)
