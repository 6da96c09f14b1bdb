"""With --cache-from the legacy builder passes over what it has built itself."""

from __future__ import annotations

from cachetui.builders.docker_args import options
from cachetui.findings.claim import HOSTS, LINES, Claim, answer
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import join_names
from cachetui.records.run import Run
from cachetui.records.scenario import COLD, WARM, Scenario


def explain(question: Question) -> Claim | None:
    args = question.case.document.build.docker_args
    named = [option.value for option in options(args) if option.name == "cache-from"]
    cold = _cold(question) if named else None
    if cold is None:
        return None
    images = join_names(named)
    return answer(
        question,
        title=f"{LINES} ran again on {HOSTS} though it had just run there: with --cache-from the "
        f"legacy builder uses only the steps of {images}",
        confidence="likely",
        evidence=(
            Evidence(
                kind="run",
                text=f"{cold.scenario} ran the step on {HOSTS}, and {question.run.scenario} right "
                "after it, with the same options but --no-cache, did not take it",
                runs=(cold.id, question.run.id),
            ),
            Evidence(
                kind="source",
                text="a step in the host's own cache is a hit only if an image of --cache-from "
                "was built on it; a name that is not an image there, as that of a cache that "
                "BuildKit exported, is silently skipped",
            ),
        ),
        advice="Leave --cache-from out where the legacy builder builds, or let it name an image "
        "that this builder made from the same Dockerfile and that is on the host; BuildKit reads "
        "the host's own cache as well as what it imports",
        merge_key=images,
        one_cause=True,
    )


def _cold(question: Question) -> Run | None:
    """The cold run of the legacy builder right before this warm one, in which the step ran."""
    run = question.run
    if run.kind != Scenario("legacy", WARM) or question.ancestor_step is not None:
        return None
    for cold in question.case.of(Scenario("legacy", COLD), host=run.host):
        ran = any(one.id == question.step.id and one.status == "miss" for one in cold.steps)
        if ran and cold.repeat == run.repeat and cold.status == "ok":
            return cold
    return None


RULE = Rule(
    id="legacy-cache-from",
    order=127,
    title="--cache-from keeps the legacy builder from its own cache",
    surprise="An option that adds a cache for BuildKit takes one away from the legacy builder. "
    "With --cache-from it uses only the steps that the named images were built from, however warm "
    "the host is. If the name is not an image, as that of a cache that BuildKit exported, every "
    "step runs, and nothing says why.",
    needs="Runs of legacy-cold and legacy-warm of one host.",
    applies="The build has --cache-from, a step ran in legacy-cold, and ran again in legacy-warm "
    "right after it.",
    proves="Nothing: an audit without --cache-from would be another build. The two runs and the "
    "builder's source make it likely.",
    advises="No --cache-from for the legacy builder, or an image that it made.",
    written=(
        "moby image/cache/cache.go: with sources, a local match is taken only where one of them "
        "descends from it; daemon/images/cache.go skips a source that is no image",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nRUN sleep 2 && date > /out\n",
    try_it="DOCKER_BUILDKIT=0 docker build --cache-from team/cache:1 . twice: the RUN runs twice. "
    "Without the option it runs once.",
    paid="per-build",
    explain=explain,
    untestable="without --cache-from it is another build",
)
