"""A build from a random number: stages, copies, mounts, arguments, triggers, links, options."""

from __future__ import annotations

import io
import tarfile
from random import Random

from tests.truth.model import SALT, Build, Entry, Line, Stage

BASE = f"truth-{SALT}:1"
"""The base image: each host has it under a tag of the case."""
ONBUILD = f"truth-onbuild-{SALT}:1"
"""The same with triggers, of which the first copies `trigger.txt`."""


def generate(rng: Random) -> Build:
    """A build that all four engines can build, the legacy builder only without mounts."""
    mounts = rng.random() < 0.25
    count = rng.choice((1, 1, 2, 2, 3))
    head: tuple[str, ...] = ()
    if rng.random() < 0.25:
        head = (f"ARG BASE={BASE}",)
    stages: list[Stage] = []
    for number in range(count):
        stages.append(_stage(rng, stages, number == count - 1, mounts, bool(head)))
    whole = any("." in line.reads for stage in stages for line in stage.lines)
    ignore = ["*.log", "secret"]
    if whole and rng.random() < 0.5:
        ignore.append("Dockerfile*")
    own = None
    if rng.random() < 0.2:
        own = (*ignore, "z") if rng.random() < 0.5 else tuple(ignore)
    target = None
    if count > 1 and rng.random() < 0.2:
        target = stages[rng.randrange(count - 1)].name
    return Build(
        tuple(stages),
        _tree(rng),
        head=head,
        ignore=tuple(ignore) if rng.random() < 0.8 else (),
        own_ignore=own,
        build_args={"V": "one"} if rng.random() < 0.3 else {},
        docker_args=("--add-host", "db.invalid:127.0.0.1") if rng.random() < 0.2 else (),
        target=target,
    )


def _tree(rng: Random) -> dict[str, Entry]:
    files = {
        name: Entry("file", f"{name} {SALT} {rng.randrange(10**6):06}\n", rng.choice(MODES))
        for name in (
            *("top.txt", "trigger.txt", "debug.log", "secret/key", "z/unused.txt"),
            *("a/three.txt", "a/note.md", "a/b/one.txt", "a/b/two.txt", "cfg/app.conf"),
        )
    }
    folders = {
        name: Entry("folder", mode=rng.choice((0o755, 0o775)))
        for name in ("a", "a/b", "a/empty", "cfg", "z", "secret")
    }
    links = {"ld": Entry("link", "a/b"), "a/b/link": Entry("link", "one.txt")}
    packed = {"pack.tar": Entry("file", _tar(f"packed {SALT}\n"))}
    return {**files, **folders, **links, **packed}


MODES = (0o644, 0o644, 0o644, 0o755, 0o600)


def _tar(text: str) -> str:
    """A tar with one file, as text of its bytes. The salt is replaced in it later: it has to be
    as long as what it is replaced by."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        info = tarfile.TarInfo("packed.txt")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue().decode("latin-1")


def _stage(rng: Random, above: list[Stage], last: bool, mounts: bool, argument: bool) -> Stage:
    number = len(above)
    base = BASE
    triggers: tuple[str, ...] = ()
    draw = rng.random()
    if draw < 0.2:
        base, triggers = ONBUILD, ("trigger.txt",)
    elif draw < 0.35 and above:
        base = above[-1].name
    elif argument and draw < 0.75:
        base = "${BASE}"
    lines = [Line(f"WORKDIR /w-{SALT}")]
    lines += [_line(rng, number, place, mounts) for place in range(rng.randint(1, 4))]
    for stage in above:
        if rng.random() < 0.75:
            lines.append(Line(f"COPY --from={stage.name} /tmp/out-{stage.name} /from-{stage.name}"))
    name = f"s{number}" if not last else "app"
    lines.append(Line(f"RUN {_result(rng, lines)} > /tmp/out-{name}"))
    if rng.random() < 0.3:
        lines.append(Line('CMD ["/bin/true"]'))
    return Stage(base, tuple(lines), name, triggers)


def _result(rng: Random, lines: list[Line]) -> str:
    """A command whose output is always the same, or that of what was copied."""
    copied = [line for line in lines if line.reads and line.text.startswith("COPY")]
    if copied and rng.random() < 0.4:
        return f"ls -R {rng.choice(copied).text.split()[-1]}"
    return "echo done"


def _line(rng: Random, stage: int, place: int, mounts: bool) -> Line:
    here = f"{stage}-{place}"
    lines = [
        Line(f"COPY a/three.txt /f{here}", ("a/three.txt",)),
        Line(f"COPY top.txt cfg/app.conf /two{here}/", ("top.txt", "cfg/app.conf")),
        Line(f"COPY a /tree{here}/", ("a",)),
        Line(f"COPY cfg /cfg{here}/", ("cfg",)),
        Line(f"COPY a/b/*.txt /glob{here}/", ("a/b/*.txt",)),
        Line(f"COPY ld/one.txt /linked{here}", ("a/b/one.txt",)),
        Line(f"COPY a/b/link /link{here}", ("a/b/link", "a/b/one.txt")),
        Line(f"COPY . /all{here}/", (".",)),
        Line(f"ADD pack.tar /packed{here}/", ("pack.tar",)),
        Line(f"ADD a/b /added{here}/", ("a/b",)),
        Line(f"RUN echo {here} > /tmp/o{here}"),
        Line("RUN true"),
        Line(f"RUN echo {here}  && \\\n    true"),
        Line(f'RUN ["/bin/sh", "-c", "echo {here}"]'),
        Line("ARG V=zero"),
        Line(f"ARG W{stage}"),
        Line(f"ENV E{stage}=one"),
        Line("ENV F=${V:-none}"),
        Line(f"LABEL l{here}=one"),
        Line("EXPOSE 8080"),
        Line("RUN echo ${V:-none}"),
        Line("USER root"),
        Line(f"WORKDIR /sub{stage}"),
    ]
    if mounts:
        lines += 2 * [
            Line(f"RUN --mount=type=cache,target=/c{stage} touch /c{stage}/x"),
            Line("RUN --mount=type=bind,source=a,target=/m cat /m/three.txt", ("a",)),
            Line("RUN --mount=type=bind,target=/m true", (".",)),
        ]
    return rng.choice(lines)
