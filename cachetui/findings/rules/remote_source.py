"""ADD of a URL or a git reference: the file behind the name changed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim, answer
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence, Need
from cachetui.findings.rule import Rule
from cachetui.findings.suspect import Suspect
from cachetui.findings.wording import describe, join_names
from cachetui.records.scenario import COLD, Scenario


class RemoteSources(Suspect, frozen=True, tag="remote"):
    """What ADD fetches: URLs and git references."""

    sources: tuple[str, ...]


_COMMIT = re.compile(r"#(?:refs/[^:]*)?[0-9a-f]{40}(?::|$)")


def explain(question: Question) -> Claim | None:
    item = question.instruction
    if item is None or not loose(item):
        return None
    cold = _just_built(question)
    if cold is None and question.changes.step_before is None:
        return None
    if question.changes.lines.edits or question.changes.changed:
        return None  # something else changed as well
    sources = loose(item)
    since = f"minutes before, in {cold}" if cold else "in an earlier, stored run"
    return answer(
        question,
        title=f"what line {item.line} fetches has changed: {join_names(sources, 1)}",
        confidence="proved" if cold else "likely",
        evidence=(
            Evidence(
                kind="dockerfile", text=f"{describe(item, 90)}: {_pinned_by(item)} is missing"
            ),
            Evidence(
                kind="run",
                text=f"{question.run.scenario} on {HOSTS} hit all steps above it, "
                f"fetched it and got another answer than {since}: with the same bytes and "
                "Last-Modified the step would have hit",
                data={"sources": list(sources)},
                hosts=(question.run.host,),
                runs=(question.run.id,),
            ),
        ),
        advice=_advice(item),
        suspect=RemoteSources(sources),
    )


def _just_built(question: Question) -> str | None:
    """The cold run of the same audit whose result this one should have found."""
    if question.as_found:
        return None
    cold = Scenario(question.run.backend, COLD)
    for run in question.case.of(cold, host=question.run.host):
        if run.repeat == question.run.repeat and run.status == "ok":
            return cold.name
    return None


def loose(item: Instruction) -> tuple[str, ...]:
    """Remote sources whose content can change under the same text."""
    if item.flag("checksum"):
        return ()
    return tuple(s for s in item.remote_sources if not _COMMIT.search(s))


def _is_git(source: str) -> bool:
    return not source.startswith(("http://", "https://")) or ".git" in source


def _pinned_by(item: Instruction) -> str:
    return "a commit" if _is_git(loose(item)[0]) else "a --checksum"


def _advice(item: Instruction) -> str:
    source = loose(item)[0]
    if _is_git(source):
        return (
            f"Name the commit in line {item.line}: ADD {source.partition('#')[0]}#<40 hex digits> "
            f"… (`git ls-remote {source.partition('#')[0]}` shows it)"
        )
    return (
        f"Pin it in line {item.line}: ADD --checksum=sha256:… {source} … (`curl -sL {source} | "
        "sha256sum` shows it; needs Engine 24 or `# syntax=docker/dockerfile:1`)"
    )


def ask(case: Case) -> Iterator[Need]:
    for item in case.instructions("ADD"):
        if loose(item):
            yield Need(
                id="remote-source",
                text=f"line {item.line} fetches {loose(item)[0]}, which can change under its name; "
                "nothing shows that it has",
            )


RULE = Rule(
    id="remote-source",
    order=370,
    title="The content behind an ADD's URL or git reference changed",
    surprise="ADD of a URL or a git branch asks the server every time. Dockerfile and context are "
    "the same, and yet the step runs again, or gives another result on another host, because the "
    "content on the server has changed.",
    needs="A warm run right after a cold one, or an as-found run after an earlier one.",
    applies="The first miss is an ADD of a URL without --checksum, or of a git reference that is "
    "not a commit, and no other known input changed.",
    proves="The warm run minutes after the cold one: if the server's answer is equal, ADD hits.",
    advises="Add --checksum, or name the commit.",
    written=(
        "BuildKit source/http/source.go and source/git/source.go, CacheKey",
        "moby builder/dockerfile/copy.go, remote sources",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nADD https://example.com/latest.txt /\nRUN sleep 2\n",
    try_it="docker build . before and after the file changes on the server.",
    paid="per-change",
    explain=explain,
    ask=ask,
    suspect=RemoteSources,
    untestable="the server's earlier content cannot be brought back",
)
