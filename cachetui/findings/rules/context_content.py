"""What COPY saw differs in bytes, names or links."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from cachetui.findings.audit_again import audit_again
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, LINES
from cachetui.findings.context_claims import ContextClaim, ContextSuspect
from cachetui.findings.context_differences import ContextDifference, files_of, unneeded
from cachetui.findings.context_files import is_of_named, reads_context
from cachetui.findings.ignore_files import ignore_advice, ignored_on_buildkit_alone
from cachetui.findings.record import Evidence, Need
from cachetui.findings.rule import Rule
from cachetui.findings.wording import describe, host_names, join_names


class ContextContent(ContextSuspect, frozen=True, tag="content"):
    """Files of the context, at most 50 of them."""

    paths: tuple[str, ...]


def _title(found: ContextDifference) -> str:
    paths = files_of(found.difference.paths)
    return f"{LINES} sees different files {found.where}: {join_names(paths, 2)}"


def _evidence(case: Case, found: ContextDifference) -> list[Evidence]:
    return [
        Evidence(kind="dockerfile", text=describe(found.instruction)),
        found.evidence(),
        *found.ignored_elsewhere(case),
    ]


def _advice(case: Case, found: ContextDifference) -> str:
    paths = files_of(found.difference.paths)
    idle, build = unneeded(paths), case.document.build
    named = any(map(is_of_named, paths))
    if not named and ignored_on_buildkit_alone(build, found.backend, paths) is not None:
        return ignore_advice(build, found.backend, paths, ", ".join(paths))
    more = ""
    if idle:
        advice = ignore_advice(build, found.backend, idle, ", ".join(idle))
        more = f"; {advice[:1].lower()}{advice[1:]}"
    evidence = case.evidence(found.host)
    if not found.sure and evidence is not None and evidence.checkout is not None:
        folder = evidence.checkout.path
        return (
            f"Bring the checkout on {HOSTS} to the same commit: `git -C {folder} status` and "
            f"`git -C {folder} log -1` there show what it has{more}"
        )
    return (
        "Nothing to do if the change was intended. To rebuild less, first copy only what the steps "
        f"below line {found.instruction.line} need, and {join_names(paths, 1)} after them{more}"
    )


def _suspect(found: ContextDifference) -> ContextContent:
    return ContextContent(found.host, found.difference.paths[:50])


def _brief(found: ContextDifference) -> str:
    """ "line 4: app.py has other content", "line 4: app.py and 2 more differ"."""
    one = found.difference
    first, *others = files_of(one.paths)
    name = posixpath.basename(first)
    if others:
        return f"{LINES}: {name} and {len(others)} more differ"
    new, gone = first in one.added, first in one.removed
    return f"{LINES}: {name} {'is new' if new else 'is gone' if gone else 'has other content'}"


_SHARED = f"{LINES}: files with other content"

CLAIM = ContextClaim("content", _brief, _SHARED, _title, _evidence, _advice, _suspect)


def ask(case: Case) -> Iterator[Need]:
    """What COPY saw before is not known: neither an earlier run's context nor a checkout."""
    hosts: dict[str, None] = {}
    for run in case.runs:
        if not run.kind.as_found:
            continue
        evidence = case.evidence(run.host)
        missed = (chain.cause.id for chain in case.chains[run.id])
        causes = (case.instruction(step) for step in missed if case.before(run, step) is None)
        if evidence is None or evidence.checkout is not None:
            continue
        if any(item is not None and reads_context(item, run.backend) for item in causes):
            hosts[run.host] = None
    if hosts:
        yield Need(
            id="context-content",
            text=f"context_on_host in hosts.toml names the checkout that {host_names([*hosts])} "
            f"{'builds' if len(hosts) == 1 else 'build'} from (context_on_host = "
            '"/path/of/the/checkout" below its [[hosts]]): the next audit then compares its files '
            "with those that were sent",
            command=audit_again(case, hosts, "--as-found"),
            first="set context_on_host in hosts.toml",
            of_misses=True,
        )


RULE = Rule(
    id="context-content",
    order=320,
    title="COPY sees files with other content",
    surprise="Often none: a file changed. It is a surprise when nobody thought the file was part "
    "of the step: COPY . takes everything that .dockerignore does not exclude.",
    needs="The manifest of the context of an earlier run, or of the host's own checkout "
    "(`context_on_host`).",
    applies="A COPY, ADD or bind mount sees a path that was added or removed, or that has other "
    "content, another type or another link target. Files that it does not copy do not count.",
    proves="An earlier run on the host that had the step in its cache, with other content; or an "
    "experiment.",
    advises="Copy files that change often last, and only those that are needed.",
    written=(
        "BuildKit cache/contenthash/checksum.go",
        "moby builder/remotecontext/tarsum.go",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nCOPY . /app\nRUN sleep 2\n",
    try_it="docker build . ; echo >> any-file ; docker build .",
    paid="per-change",
    explain=CLAIM.explain,
    observe=CLAIM.observe,
    ask=ask,
    suspect=ContextContent,
)
