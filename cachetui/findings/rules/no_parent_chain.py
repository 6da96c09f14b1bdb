"""The image is there, pulled or loaded, and the legacy builder cannot take its steps."""

from __future__ import annotations

from cachetui.findings.claim import HOSTS, Claim, answer
from cachetui.findings.legacy_cache import no_parent_chain
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule


def explain(question: Question) -> Claim | None:
    chain = no_parent_chain(question)
    if chain is None:
        return None
    name = chain.name or chain.image
    facts = question.case.facts(question.run.host)
    return answer(
        question,
        title=f"the image of these steps is on {HOSTS}, {name}, without the images in between "
        "that the legacy builder looks for",
        brief="the image was pulled, which the legacy builder cannot reuse",
        confidence="likely",
        evidence=(
            Evidence(
                kind="cache",
                text=f"on {HOSTS} {name} has no parent, so it was pulled or loaded; docker history "
                f"shows {len(chain.made_by)} steps on the base image, the same as here (of COPY, "
                "ADD and ENV it does not show the content)",
                data={"image": chain.image, "name": chain.name, "steps": len(chain.made_by)},
            ),
            Evidence(
                kind="source",
                text="the legacy builder looks for a step among the children of the image above it",
            ),
        ),
        advice=_advice(name, facts is not None and facts.store.startswith("containerd/")),
        merge_key=("pulled", chain.name),
        one_cause=True,
    )


def _advice(name: str, containerd: bool) -> str:
    if containerd:
        return (
            f"Build once on {HOSTS}, or build with BuildKit and --cache-from: with the containerd "
            "image store the legacy builder can fail on --cache-from"
        )
    return f"Build with --cache-from {name}: the legacy builder then takes the steps from it"


RULE = Rule(
    id="no-parent-chain",
    order=125,
    title="An image was pulled, and the legacy builder builds its steps again",
    surprise="docker pull brings an image with all its layers and its history, and the next legacy "
    "build of the same Dockerfile still misses every step. The builder's cache is the chain of "
    "images from step to step, and a pull brings only the last of them.",
    needs="An as-found run of the legacy builder, and the host's images, read before the run.",
    applies="A step misses; no chain of images has it; and an image without a parent has the same "
    "base image, with the same steps in all of its history, a RUN among them, none of them "
    "BuildKit's.",
    proves="Nothing yet: docker history does not show what was copied, and the build that would "
    "show it (--cache-from) gives the pulled image a parent for good.",
    advises="Build with --cache-from and the image's name. With the containerd image store that "
    "build can fail: use BuildKit there, or build once.",
    written=(
        "moby builder/dockerfile/imageprobe.go and image/cache/cache.go: children of the parent, "
        "or the images of --cache-from",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nRUN sleep 2 && echo expensive > /out\n",
    try_it="DOCKER_BUILDKIT=0 docker build -t x . ; docker save x on this host, docker load on "
    "another; build there: the RUN runs. With --cache-from x it is taken.",
    paid="once",
    explain=explain,
    untestable="a build with --cache-from would change the image that was pulled",
)
