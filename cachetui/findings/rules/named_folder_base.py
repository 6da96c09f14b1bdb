"""A stage stands on a folder of --build-context, which BuildKit finds in no cache."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.claim import HOSTS, Claim, answer
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import describe
from cachetui.records.scenario import BUILDKIT_COLD


def explain(question: Question) -> Claim | None:
    folder, item = question.named_folder, question.instruction
    if folder is None or item is None or item.flag("link") or question.ancestor_step is not None:
        return None
    head = question.case.head(question.step.stage_index)
    shown = tuple(_built_before(question))
    return answer(
        question,
        title=f"line {head.line} is FROM the folder {folder} of --build-context: each build "
        "runs the steps on it again",
        confidence="proved" if shown else "likely",
        evidence=(
            Evidence(kind="dockerfile", text=f"{describe(head)}: {folder} is a named context"),
            *shown,
            Evidence(
                kind="source",
                text="BuildKit knows a folder of the client by the session that sends it, which "
                "no later build has; what COPY takes of it goes by its content",
            ),
        ),
        advice=f"Write `FROM scratch` and `COPY --from={folder} . /` in place of line {head.line}: "
        "then it runs again only when the folder changes",
        merge_key=("named-folder", head.stage_index),
    )


def _built_before(question: Question) -> Iterator[Evidence]:
    """A run of the host that built the very same before: the cold one of this audit, or an earlier
    one of the same files, in which nothing else is known to differ."""
    run, changes = question.run, question.changes
    if not question.as_found:
        for cold in question.case.of(BUILDKIT_COLD, host=run.host):
            if cold.repeat == run.repeat and cold.status == "ok":
                yield Evidence(
                    kind="run",
                    text=f"{BUILDKIT_COLD.name} on {HOSTS} built the same just before, and "
                    f"{run.scenario} did not find it",
                    runs=(cold.id, run.id),
                )
        return
    before, now, then = question.before, changes.now, changes.then
    same = now is not None and then is not None and now.context == then.context
    other = changes.changed or changes.lines.edits_in_key or changes.doubtful
    if before is not None and same and not other and changes.unknown <= {"named context"}:
        yield Evidence(
            kind="earlier",
            text=f"audit {before.run.audit} built the same from the same files on {HOSTS}",
            data={"audit": before.run.audit},
        )


RULE = Rule(
    id="named-folder-base",
    order=390,
    title="A stage that is FROM a folder of --build-context is built again by each build",
    surprise="`--build-context NAME=FOLDER` lets FROM take a folder for a base image. Nothing "
    "changes, and yet all steps of that stage run in each build: BuildKit has no key for the "
    "folder that a later build could find. COPY --from=NAME of the same folder hits.",
    needs="A BuildKit run that should have hit.",
    applies="The first miss is in a stage that is FROM a named context which is a folder.",
    proves="The cold run just before, or an earlier run, built the same from the same files.",
    advises="FROM scratch, and COPY --from=NAME of the folder.",
    written=(
        "BuildKit source/local/source.go, CacheKey: the session's ID",
        "our lab: 26.1, 28.5 and 28.5 with the containerd store; 20.10's client has no "
        "--build-context",
    ),
    example="FROM rootfs\nRUN sleep 2\n",
    try_it="docker build --build-context rootfs=./rootfs . twice: nothing is CACHED.",
    paid="per-build",
    explain=explain,
    untestable="each run of the build shows it: a later one with nothing changed misses the same",
)
