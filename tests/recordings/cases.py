"""What was recorded: one case is one small build, made on every engine that can make it.

`record.py` makes the recordings, the tests read them. The names of hosts are those of the lab:
old 20.10.24, mid 26.1.5 with buildx 0.13, new 28.5.2 with buildx 0.29, ctd the same with the
containerd store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from cachetui.records.run import OutputFormat

FOLDER = Path(__file__).parent
HOSTS = ("old", "mid", "new", "ctd")
FILE_SERVER = "127.0.0.1:18765"
REGISTRY = "127.0.0.1:18766"
CACHE_REGISTRY = "127.0.0.1:18767"
"""Ports of the servers of `record.py`; they are in the Dockerfiles, so they are fixed."""

Temperature = Literal["cold", "warm"]


@dataclass(frozen=True)
class Case:
    """A build. `files` is its context, the Dockerfile among them. `legacy` and `buildkit` name
    the hosts it is recorded on; `once` leaves the warm run out (builds that fail). `beside` is
    the Dockerfile of another build that the engine works for at the same time. `triggers` are
    those of base images that are built for it. `imports` says that the engine's own cache is
    empty, and the build given the one that `ctd` exported, before `edits` were made to its files
    (and not `--no-cache`, of course)."""

    name: str
    files: Mapping[str, str]
    legacy: tuple[str, ...] = ("old", "new")
    buildkit: tuple[str, ...] = HOSTS
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    once: bool = False
    fails: bool = False
    beside: str | None = None
    triggers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    imports: bool = False
    edits: Mapping[str, str] = field(default_factory=dict)

    @property
    def dockerfile(self) -> str:
        return self.files["Dockerfile"]

    def recordings(self) -> Iterator[Recording]:
        for host in self.legacy:
            yield from self._temperatures(host, "legacy")
        for host in self.buildkit:
            yield from self._temperatures(host, "plain")
            if host != "old":
                yield from self._temperatures(host, "rawjson")

    def _temperatures(self, host: str, output: OutputFormat) -> Iterator[Recording]:
        yield Recording(self, host, output, "cold")
        if not self.once:
            yield Recording(self, host, output, "warm")


class Recording(NamedTuple):
    """One file of output."""

    case: Case
    host: str
    output: OutputFormat
    temperature: Temperature

    @property
    def path(self) -> Path:
        return FOLDER / self.case.name / f"{self.host}-{self.output}-{self.temperature}.log"

    @property
    def id(self) -> str:
        return f"{self.case.name}/{self.path.stem}"


NOISE = r"""printf 'Step 3/4 : RUN x\n ---> Using cache\n ---> 0123456789ab\n'
printf '#7 DONE 0.1s\n#8 CACHED\n------\n > [2/2] RUN x:\n'
printf 'Successfully built 0123456789ab\n{"vertexes":[]}\n'
printf 'half\rprogress\n\n\n  \xff\xfe\xc3 not utf-8 \xe2\x82\xac\n'
echo "Removing intermediate container 0123456789ab"
echo "The command '/bin/sh -c x' returned a non-zero code: 1"
echo to-stderr >&2
printf 'no newline at the end'
"""

SAME_NAME = """\
FROM base:1 AS twice
RUN echo first
FROM twice AS twice
RUN echo second
FROM twice
RUN echo last
"""

IMPORTED = f"""\
FROM {REGISTRY}/pulled:1 AS deps
RUN busybox head -c 3000000 /dev/urandom > /big
FROM {REGISTRY}/pulled:1
COPY f /f
COPY --from=deps /big /big
COPY g /g
RUN busybox echo last > /last
"""

CASES = {
    case.name: case
    for case in (
        Case(
            "single",
            {"Dockerfile": "FROM base:1\nCOPY f /f\nRUN echo one\n", "f": "f\n"},
        ),
        Case(
            "stages",
            {
                "Dockerfile": """\
ARG V=1
FROM base:$V AS build
ENV A=1
WORKDIR /src
COPY f /src/
RUN echo built > /src/out

FROM base:1 AS prod
COPY --from=build /src/out /out
LABEL x=y
RUN cat /out
CMD ["sh"]
""",
                "f": "f\n",
            },
        ),
        Case(
            "unnamed",
            {
                "Dockerfile": """\
FROM base:1
RUN echo zero > /zero
FROM base:1
RUN echo one > /one
FROM scratch
COPY --from=0 /zero /zero
COPY --from=1 /one /one
"""
            },
        ),
        Case(
            "variables",
            {
                "Dockerfile": """\
ARG NAME=base
ARG TAG=1
FROM ${NAME}:${TAG} AS "vars"
ARG WHO=nobody
ARG TAG
ENV DIR=/work SUB="a b"
WORKDIR $DIR/${SUB}
COPY "$WHO" ./to-$TAG/
RUN echo "$WHO is \\$WHO" && echo '$TAG' \\
    && echo ${UNSET:-default} $HOME
ADD $WHO ${DIR}/
RUN ["sh", "-c", "echo $DIR"]
""".replace('AS "vars"', "AS vars"),
                "root": "root\n",
            },
            build_args={"WHO": "root"},
        ),
        Case(
            "onbuild",
            {
                "Dockerfile": """\
FROM cachetui-onbuild:1 AS a
WORKDIR /
RUN echo own
FROM a AS b
ONBUILD RUN echo in-file > /in-file
RUN echo b
FROM b
RUN echo last
COPY --from=a /ob /ob2
""",
                "f": "f\n",
            },
            triggers={
                "cachetui-onbuild:1": (
                    "ENV OB=1",
                    "WORKDIR /ob",
                    "COPY f /ob/",
                    "RUN echo trigger-$OB",
                )
            },
        ),
        Case(
            "heredoc",
            {
                "Dockerfile": """\
FROM base:1
COPY f <<EOF /h/
a heredoc
EOF
RUN <<EOF
echo first
echo second
EOF
RUN cat <<A >/a && cat <<-'B' >/b
a
A
\tb $HOME
\tB
RUN cat /a /b || true
""",
                "f": "f\n",
            },
            legacy=("new",),
            buildkit=("mid", "new", "ctd"),
        ),
        Case(
            "link",
            {
                "Dockerfile": """\
FROM base:1 AS build
RUN echo out > /out
FROM base:1
COPY --link f /l/
COPY --from=build --link /out /l/out
RUN cat /l/out
""",
                "f": "f\n",
            },
            legacy=("new",),
            buildkit=("mid", "new", "ctd"),
        ),
        Case(
            "remote-add",
            {
                "Dockerfile": f"""\
FROM base:1 AS build
ADD http://{FILE_SERVER}/file.txt /r/
RUN cat /r/file.txt
FROM base:1
ADD http://{FILE_SERVER}/file.txt /again/
COPY --from=build /r /r
"""
            },
        ),
        Case(
            "target",
            {
                "Dockerfile": """\
FROM base:1 AS unused
RUN echo unused
FROM base:1 AS Dep
RUN echo dep > /dep
FROM base:1 AS wanted
COPY --from=dep /dep /dep
RUN cat /dep
FROM wanted AS after
RUN echo after
"""
            },
            target="WANTED",
        ),
        Case(
            "parallel-failure",
            {
                "Dockerfile": """\
FROM base:1 AS slow
RUN for i in 1 2 3 4 5 6; do echo slow $i; sleep 1; done
RUN echo never
FROM base:1 AS fast
RUN echo fine
RUN sleep 2; echo going wrong; echo badly >&2; exit 7
RUN echo never
FROM base:1
COPY --from=slow /x /x
COPY --from=fast /y /y
"""
            },
            once=True,
            fails=True,
        ),
        Case(
            "equal",
            {
                "Dockerfile": """\
FROM base:1 AS a
WORKDIR /w
COPY f .
RUN echo the same
LABEL only=here
FROM base:1 AS b
WORKDIR /w
COPY f .
LABEL x=1
RUN echo the same
RUN echo b alone
FROM base:1
COPY --from=a /w /wa
COPY --from=b /w /wb
""",
                "f": "f\n",
            },
        ),
        Case(
            "cache-mount",
            {
                "Dockerfile": """\
FROM base:1
RUN --mount=type=cache,target=/c/ date >> /c/x && cat /c/x | wc -l
RUN --mount=type=cache,id=mine,target=/c,sharing=locked --mount=type=tmpfs,target=/t ls /c
""",
            },
            once=False,
            legacy=(),
        ),
        Case(
            "cache-mount-legacy",
            {
                "Dockerfile": """\
FROM base:1
RUN echo fine
RUN --mount=type=cache,target=/c/ date >> /c/x
RUN echo never
""",
            },
            buildkit=(),
            once=True,
            fails=True,
        ),
        Case(
            "workdir",
            {
                "Dockerfile": """\
FROM base:1
WORKDIR .
RUN pwd
WORKDIR /
WORKDIR sub/
ENV UP=..
WORKDIR $UP
RUN pwd
WORKDIR /a/b
WORKDIR ../../
RUN pwd
""",
            },
        ),
        Case(
            "noise",
            {"Dockerfile": "FROM base:1\nCOPY noise /noise\nRUN sh /noise\nRUN echo quiet\n",
             "noise": NOISE},
        ),
        Case(
            "padded",
            {
                "Dockerfile": "FROM base:1 AS many\n"
                + "".join(f"RUN echo {number} > /n\n" for number in range(11))
                + "FROM many\nRUN cat /n\n"
            },
        ),
        Case(
            "interleaved",
            {
                "Dockerfile": """\
FROM base:1 AS left
RUN for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo left $i; sleep 0.9; done; echo l > /l
FROM base:1 AS right
RUN for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo right $i; sleep 1; done; echo r > /r
FROM base:1
COPY --from=left /l /l
COPY --from=right /r /r
"""
            },
            legacy=(),
        ),
        Case(
            "chatty",
            {
                "Dockerfile": """\
FROM base:1
RUN for tool in tar wget find sed awk ps grep; do busybox $tool --help; sleep 0.1; done 2>&1; \\
    cat /proc/meminfo; ls -l /bin | head -60
"""
            },
            legacy=("old", "new"),
            once=True,
        ),
        Case(
            "empty-lines",
            {"Dockerfile": "FROM base:1\nRUN echo a && \\\n\n    echo b\nRUN echo c\n"},
        ),
        Case(
            "told-cached",
            {
                "Dockerfile": """\
FROM base:1 AS other
RUN echo other > /other
FROM base:1 AS base
WORKDIR /w
RUN echo one
FROM base
RUN echo two
COPY --from=other /other .
COPY missing.txt .
RUN echo three
"""
            },
            legacy=(),
            once=True,
            fails=True,
        ),
        Case(
            "copy-image",
            {"Dockerfile": "FROM base:1\nCOPY --from=base:1 /bin/busybox /bb\nRUN ls /bb\n"},
        ),
        Case(
            "names",
            {
                "Dockerfile": """\
FROM base:1 AS stage-1
RUN echo zero
FROM stage-1
RUN echo one
FROM base:1 AS linux
RUN echo two
FROM base:1 AS internal
RUN echo three
FROM base:1 AS a.b_c-d
RUN echo four
FROM base:1
COPY --from=1 /bin/sh /s1
COPY --from=linux /bin/sh /s2
COPY --from=internal /bin/sh /s3
COPY --from=A.B_C-D /bin/sh /s4
"""
            },
        ),
        Case("same-name", {"Dockerfile": SAME_NAME}, legacy=()),
        Case(
            "same-name-legacy", {"Dockerfile": SAME_NAME}, buildkit=(), once=True, fails=True
        ),
        Case(
            "no-base",
            {"Dockerfile": f"FROM {REGISTRY}/none:1\nRUN echo never\n"},
            once=True,
            fails=True,
        ),
        Case(
            "pulled",
            {"Dockerfile": f"FROM {REGISTRY}/pulled:1 AS pulled\nRUN cat /pulled\n"},
        ),
        Case(
            "imported",
            {"Dockerfile": IMPORTED, "f": "f\n", "g": "g\n"},
            legacy=(),
            once=True,
            imports=True,
        ),
        Case(
            "imported-above",
            {"Dockerfile": IMPORTED, "f": "f\n", "g": "g\n"},
            legacy=(),
            once=True,
            imports=True,
            edits={"g": "another\n"},
        ),
        Case(
            "failed-copy",
            {"Dockerfile": "FROM base:1\nRUN echo fine\nCOPY missing /x\nRUN echo never\n"},
            once=True,
            fails=True,
        ),
        Case(
            "failed-onbuild",
            {
                "Dockerfile": "FROM base:1 AS a\nONBUILD RUN echo fine\nONBUILD RUN exit 9\n"
                "FROM a\nRUN echo never\n"
            },
            once=True,
            fails=True,
        ),
        Case(
            "platforms",
            {
                "Dockerfile": "FROM scratch AS build\nCOPY f /f\n"
                "FROM scratch\nCOPY --from=build /f /g\n",
                "f": "f\n",
            },
            legacy=(),
            buildkit=("ctd",),
            options=("--platform=linux/amd64,linux/arm64",),
        ),
        Case(
            "shared-vertexes",
            {
                "Dockerfile": "FROM base:1 AS mine\nWORKDIR /w\nWORKDIR /w/x\nCOPY f .\n"
                "FROM mine\nRUN echo mine\n",
                "f": "f\n",
            },
            legacy=(),
            beside="FROM base:1 AS other\nWORKDIR /w\nWORKDIR /w/x\n"
            "FROM other AS mine\nRUN echo a\nRUN sleep 6\n",
        ),
        Case(
            "kept-containers",
            {"Dockerfile": "FROM base:1\nENV A=1\nRUN echo one; printf two\nRUN echo three\n"},
            buildkit=(),
            options=("--rm=false",),
        ),
        Case(
            "force-rm",
            {"Dockerfile": "FROM base:1\nRUN echo one; printf two\nRUN printf three; exit 5\n"},
            buildkit=(),
            options=("--force-rm",),
            once=True,
            fails=True,
        ),
        Case(
            "labels",
            {"Dockerfile": "FROM base:1 AS a\nRUN echo one\nFROM base:1\nRUN echo two\n"},
            options=("--label", "who=us"),
            target="a",
        ),
    )
}  # fmt: skip


def recordings(output: OutputFormat | None = None) -> list[Recording]:
    """Every recording there is to be, of one format or of all."""
    return [
        recording
        for case in CASES.values()
        for recording in case.recordings()
        if output in (None, recording.output)
    ]
