"""BuildKit built with files that are not those of the build context."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import describe, join_names
from cachetui.records.host import ForeignFile, OwnImage
from cachetui.records.run import Run
from cachetui.records.step import StepId

_SOURCE = Evidence(
    kind="source",
    text="BuildKit keeps the last transfer of each build context by its folder's base name, and "
    "fetches only files whose size or time differ from it",
)


def observe(case: Case) -> Iterator[Claim]:
    for host in case.document.hosts:
        evidence = host.evidence
        image = evidence.image if evidence is not None else None
        if image is None or evidence is None or evidence.checkout is None:
            continue
        stale = [file for file in image.foreign if _looks_stale(file)]
        if image.backend == "buildkit" and stale:
            yield _of_the_host(case, host.name, image, evidence.checkout.path, stale)
    for run in case.runs:
        if foreign := case.foreign.get(run.id, ()):
            yield _of_a_run(case, run, foreign)


def _looks_stale(file: ForeignFile) -> bool:
    """Equal in all that BuildKit compares. What was built from another commit has other times."""
    return file.source_mtime is not None and file.source_mtime == file.mtime


def _of_the_host(
    case: Case, host: str, image: OwnImage, folder: str, stale: Sequence[ForeignFile]
) -> Claim:
    """The host's own image has other bytes than the checkout that it is built from."""
    first = posixpath.join(folder, (stale[0].source or "").removeprefix("context/"))
    return Claim(
        title=f"{image.ref} on {HOSTS} was built with another build's {_paths(stale)}",
        confidence="likely",
        steps=_steps(stale),
        evidence=(
            *_lines(case, stale),
            *(_compared(host, file) for file in stale[:3]),
            _SOURCE,
        ),
        advice=f"Run `touch {first}` on {HOSTS} and build it again. Then build each service from a "
        f"folder with a name of its own (to BuildKit every folder called "
        f"`{posixpath.basename(folder)}` is the same one)",
        hosts=(host,),
        backends=("buildkit",),
        merge_key=("own", image.ref),
    )


def _compared(host: str, file: ForeignFile) -> Evidence:
    return Evidence(
        kind="output",
        text=f"{file.path} in the image on {HOSTS} has the size and time of "
        f"{(file.source or '').removeprefix('context/')} in its checkout, and other bytes",
        data={
            "path": file.path,
            "size": file.size,
            "mtime": file.mtime,
            "image_sha256": file.sha256,
            "checkout_sha256": file.source_sha256,
        },
        hosts=(host,),
    )


def _of_a_run(case: Case, run: Run, foreign: Sequence[ForeignFile]) -> Claim:
    """A run's image has files that were not sent."""
    return Claim(
        title=f"the image of {run.scenario} on {HOSTS} has {_paths(foreign)} with content that was "
        "not sent",
        confidence="proved",
        steps=_steps(foreign),
        evidence=(
            *_lines(case, foreign),
            *(
                Evidence(
                    kind="output",
                    text=f"no file that was sent for it has the bytes that {file.path} has on "
                    f"{HOSTS} (sha256 {file.sha256[:12]}…)",
                    data={"path": file.path, "size": file.size, "image_sha256": file.sha256},
                    hosts=(run.host,),
                    runs=(run.id,),
                )
                for file in foreign[:3]
            ),
            _SOURCE,
        ),
        advice=f"Find the build on {HOSTS} whose context folder has a name of cachetui's own "
        "(`cachetui-…`), and rename that folder",
        hosts=(run.host,),
        backends=(run.backend,),
        scenarios=(run.scenario,),
        merge_key=("run", tuple(file.sha256 for file in foreign)),
    )


def _lines(case: Case, foreign: Sequence[ForeignFile]) -> Iterator[Evidence]:
    for step in _steps(foreign):
        item = case.instruction(step)
        if item is not None:
            yield Evidence(kind="dockerfile", text=describe(item))


def _steps(foreign: Sequence[ForeignFile]) -> tuple[StepId, ...]:
    return tuple(dict.fromkeys(StepId(file.stage_index, file.index) for file in foreign))


def _paths(foreign: Sequence[ForeignFile]) -> str:
    return join_names([file.path for file in foreign], 2)


RULE = Rule(
    id="stale-transfer",
    order=380,
    title="BuildKit built with files that are not those of the build context",
    surprise="To BuildKit, two checkouts whose folders have the same base name are the same local "
    "source. It fetches only files whose size or time differ from the last transfer. A file of the "
    "same size and time, but with other content, is not fetched: the image silently gets the file "
    "of the other build, even with --no-cache. Clones, archives and `touch -d` make equal times.",
    needs="The image that the host's own build made and the checkout that it was built from "
    "(`image_on_host` and `context_on_host`). Images of runs with --outputs are compared with what "
    "was sent.",
    applies="A file that COPY put into the image has the name, size and time of a file in the "
    "checkout, but other content. For a run: content that no file that was sent has.",
    proves="For a run, the digests of what was sent. For the host's own image it is likely: the "
    "file could have been replaced since, with the time of the old one.",
    advises="Renew the file's time, build again, and give each context a folder name of its own.",
    written=(
        "buildx build/opt.go: a session's shared key; buildkit source/local; buildkit#4950",
        "fsutil diff_containerd.go: what of a file is compared",
        "our lab: 26.1, 28.5 and 28.5 with the containerd store; 20.10 goes by the path as typed",
    ),
    example="FROM busybox\nCOPY app.conf /app.conf\n",
    try_it="docker build one/context ; docker build two/context, where app.conf has the same size "
    "and time in both: the second image has the first one's file.",
    paid=None,
    observe=observe,
    untestable="an experiment that builds from the host's own folder would change what its next "
    "build gets",
)
