"""Another build, or another branch, exported to the reference that a build imports."""

from __future__ import annotations

from cachetui.findings.claim import HOSTS, LINES, Claim, answer
from cachetui.findings.overwritten_caches import Overwritten, overwritten
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.stale_words import day
from cachetui.records.shared_cache import Held

_NOW: dict[Held, str] = {
    "kept": "another result in its place",
    "not-kept": "the step's key without a result",
    "absent": "no such step",
}


def explain(question: Question) -> Claim | None:
    found = overwritten(question)
    return _claim(question, found) if found is not None else None


def _claim(question: Question, found: Overwritten) -> Claim:
    then = found.earlier.document
    name, seen = found.now.name, day(then.started_at, question.run.started_at)
    evidence = [
        Evidence(
            kind="cache",
            text=f"{name} was {found.then.digest} on {seen}, and had the result of "
            f"line {found.then_step.line}, which hit with it on {found.earlier.run.host} "
            f"(audit {then.audit})",
            data={"digest": found.then.digest, "layers": list(found.then_step.layers)},
            runs=(found.earlier.run.id,),
        ),
        Evidence(
            kind="cache",
            text=f"it is {found.now.digest} now, read on {HOSTS}, and has "
            f"{_NOW[found.now_step.held]}",
            data={"digest": found.now.digest, "layers": list(found.now_step.layers)},
            runs=(question.run.id,),
        ),
    ]
    if found.sure:
        evidence.append(
            Evidence(
                kind="run",
                text=f"line {question.step.line} has the inputs that it had then",
                runs=(question.run.id, found.earlier.run.id),
            )
        )
    return answer(
        question,
        title=f"{LINES} misses on {HOSTS}: {name} was overwritten after {seen} by "
        "an export that has another result or none",
        confidence="proved" if found.sure else "likely",
        evidence=evidence,
        advice=_advice(name),
        merge_key=name,
        one_cause=True,
    )


def _advice(name: str) -> str:
    if name.startswith("/"):
        return (
            "Export each build and branch into a folder of its own: --cache-to "
            f"type=local,dest={name}/BRANCH,mode=max, and import several: --cache-from may be "
            "given more than once"
        )
    head, slash, last = name.partition("@")[0].rpartition("/")
    repository = head + slash + last.partition(":")[0]
    mine, main = (f"type=registry,ref={repository}:{tag}" for tag in ("BRANCH", "main"))
    return (
        f"Export each build and branch to a reference of its own: --cache-to {mine},mode=max, and "
        f"import both: --cache-from {mine} --cache-from {main}"
    )


RULE = Rule(
    id="cache-overwritten",
    order=543,
    title="Two builds export to one reference, and the last one wins",
    surprise="A cache that is exported replaces what its reference held: nothing is merged. Where "
    "two branches, or two builds, export to one reference, it has what was exported last, and the "
    "other misses on every fresh machine.",
    needs="A run of buildkit-imported now, and an earlier one, on any host, of the same build and "
    "the same reference.",
    applies="The step hit with the import in the earlier audit, the reference names another "
    "manifest since, which has no result of the step or another one, and the engines make the same "
    "keys.",
    proves="The manifests and their results, then and now, and the step's inputs, all of which are "
    "known and as they were, with engines of one version. Else it is likely.",
    advises="Give each build and branch a reference of its own, and import several.",
    written=(
        "Docker documentation: Cache storage backends, Registry cache",
        "our lab: exported by 28.5 with the containerd store, imported by 26.1 and 28.5",
    ),
    example="FROM busybox\nCOPY package.json .\nRUN sleep 5\n",
    try_it="docker build --cache-to type=registry,ref=REF . on main, then on a branch with another "
    "package.json; on a fresh machine docker build --cache-from REF . of main sleeps.",
    paid="per-fresh-host",
    explain=explain,
    untestable="a reference can only be overwritten, not put back",
)
