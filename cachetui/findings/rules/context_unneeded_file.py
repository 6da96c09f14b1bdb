"""COPY saw another file that no image needs: .git, a log, what an editor leaves."""

from __future__ import annotations

from cachetui.findings.case import Case
from cachetui.findings.claim import LINES
from cachetui.findings.context_claims import ContextClaim, ContextSuspect
from cachetui.findings.context_differences import ContextDifference, files_of, unneeded
from cachetui.findings.ignore_files import ignore_advice
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import describe, join_names


class UnneededFiles(ContextSuspect, frozen=True, tag="unneeded"):
    """Files of the context, at most 50, and the lines of .dockerignore that leave them out."""

    paths: tuple[str, ...]
    patterns: tuple[str, ...]


def _title(found: ContextDifference) -> str:
    names = unneeded(found.difference.paths)
    return f"{LINES} copies files that no image needs: {join_names(names, 2)}"


def _evidence(case: Case, found: ContextDifference) -> list[Evidence]:
    return [
        Evidence(kind="dockerfile", text=describe(found.instruction)),
        found.evidence(),
        *found.ignored_elsewhere(case),
        Evidence(
            kind="manifest",
            text=f"nothing else that line {found.instruction.line} sees differs",
        ),
    ]


def _advice(case: Case, found: ContextDifference) -> str:
    paths = found.difference.paths
    lines = ", ".join(unneeded(paths))
    return ignore_advice(case.document.build, found.backend, files_of(paths), lines)


def _suspect(found: ContextDifference) -> UnneededFiles:
    paths = found.difference.paths
    return UnneededFiles(found.host, paths[:50], tuple(unneeded(paths)))


def _brief(found: ContextDifference) -> str:
    return f"{LINES}: {unneeded(found.difference.paths)[0]} belongs in .dockerignore"


_SHARED = f"{LINES}: a file that .dockerignore should exclude"

CLAIM = ContextClaim("unneeded", _brief, _SHARED, _title, _evidence, _advice, _suspect)

RULE = Rule(
    id="context-unneeded-file",
    order=340,
    title="COPY takes a file that .dockerignore should exclude",
    surprise="COPY . also takes .git, logs, editor backups and the Dockerfile itself. Then a "
    "commit, a test run or a comment in the Dockerfile is enough to build everything below again.",
    needs="The manifest of the context of an earlier run, or of the host's own checkout "
    "(`context_on_host`).",
    applies="All differences in what a COPY, ADD or bind mount sees are in such files, and the "
    "instruction does not name them.",
    proves="An earlier run on the host that had the step in its cache, with only these files "
    "different; or an experiment without them.",
    advises="Add the lines that are given to the ignore file that the builder reads: "
    "`<Dockerfile>.dockerignore` where there is one, on BuildKit alone; else `.dockerignore`.",
    written=(
        "BuildKit cache/contenthash/checksum.go; docs of .dockerignore",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nCOPY . /app\nRUN sleep 2\n",
    try_it="docker build . ; echo '# a comment' >> Dockerfile ; docker build . : COPY runs again.",
    paid="per-change",
    explain=CLAIM.explain,
    observe=CLAIM.observe,
    suspect=UnneededFiles,
)
