"""Layers and the steps that made them, from histories as both builders write them (our lab)."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from cachetui.dockerfile.parse import parse
from cachetui.outputs.attribute import attribute, read_entry
from cachetui.records.step import Step
from tests.outputs.images import Images, buildkit, legacy, steps_of

DOCKERFILE = """\
ARG BASE=base:1
FROM ${BASE} AS build
ARG X=1
COPY src.txt /src.txt
RUN echo built $X > /out
FROM ${BASE} AS mid
LABEL a=b
WORKDIR /app
ONBUILD RUN echo hi
RUN true
RUN ["touch", "/exec"]
FROM mid
WORKDIR /etc
COPY --from=build /out /src.txt ./sub/
ADD src.txt /add/
SHELL ["/bin/sh", "-e", "-c"]
RUN rm /bin/ls && \\
    mkdir /etc/x  && date > /etc/x/date
USER root
CMD echo hi
"""

LEGACY = legacy(
    " ",
    "-/bin/sh -c #(nop)  LABEL a=b",
    "/bin/sh -c #(nop) WORKDIR /app",
    "-/bin/sh -c #(nop)  ONBUILD RUN echo hi",
    "-/bin/sh -c true",
    "touch /exec",
    "-/bin/sh -c echo hi",
    "-/bin/sh -c #(nop) WORKDIR /etc",
    "/bin/sh -c #(nop) COPY multi:d7a3 in ./sub/ ",
    "/bin/sh -c #(nop) ADD file:7d12 in /add/ ",
    "-/bin/sh -e -c #(nop)  SHELL [/bin/sh -e -c]",
    "/bin/sh -e -c rm /bin/ls &&     mkdir /etc/x  && date > /etc/x/date",
    "-/bin/sh -e -c #(nop)  USER root",
    '-/bin/sh -e -c #(nop)  CMD ["/bin/sh" "-e" "-c" "echo hi"]',
)

BUILDKIT = [
    {"comment": "Imported from -"},
    *buildkit(
        "-LABEL a=b",
        "WORKDIR /app",
        "RUN /bin/sh -c true # buildkit",
        "RUN touch /exec # buildkit",
        "RUN /bin/sh -c echo hi # buildkit",
        "WORKDIR /etc",
        "COPY /out /src.txt ./sub/ # buildkit",
        "ADD src.txt /add/ # buildkit",
        "-SHELL [/bin/sh -e -c]",
        "RUN /bin/sh -e -c rm /bin/ls &&     mkdir /etc/x  && date > /etc/x/date # buildkit",
        "-USER root",
        '-CMD ["/bin/sh" "-e" "-c" "echo hi"]',
    ),
]


def test_the_legacy_builders_history() -> None:
    assert steps_of(DOCKERFILE, LEGACY) == [
        *((1, 0, None), (1, 2, None), (1, 5, None)),
        *((2, 2, None), (2, 3, None), (2, 5, None)),
    ]


def test_buildkits_history() -> None:
    assert steps_of(DOCKERFILE, BUILDKIT) == [
        *((1, 0, None), (1, 2, None), (1, 4, None), (1, 5, None), (2, 0, 0)),
        *((2, 1, None), (2, 2, None), (2, 3, None), (2, 5, None)),
    ]


def test_a_target_has_its_own_chain() -> None:
    history = buildkit(
        "COPY src.txt /src.txt # buildkit", "RUN |1 X=1 /bin/sh -c echo built $X > /out # buildkit"
    )
    assert steps_of(DOCKERFILE, [{}, {}, *history], target="build") == [
        *((0, 0, None), (0, 0, None), (0, 2, None), (0, 3, None)),
    ]


@pytest.mark.parametrize(
    ("instruction", "entry", "agree"),
    [
        ("RUN echo a", "/bin/sh -c echo a", True),
        ("RUN echo a", "|2 A=1 B=2 /bin/sh -c echo a", True),
        ("RUN   echo   a", "/bin/sh -c echo   a", True),
        ("RUN echo a", "/bin/sh -c echo b", False),
        ("RUN --mount=type=cache,target=/x echo a", "/bin/sh -c echo a", True),
        ('RUN ["a", "b c"]', "a b c", True),
        ("RUN cat <<EOF\nhi\nEOF", "/bin/sh -c cat <<EOF", True),
        ("RUN echo secret-value", "/bin/sh -c echo [build-arg TOKEN]", True),
        ("COPY a /b/", "/bin/sh -c #(nop) COPY file:1 in /b/ ", True),
        ("COPY a $D", "/bin/sh -c #(nop) COPY file:1 in /expanded ", True),
        ("COPY a /b/", "/bin/sh -c #(nop) COPY file:1 in /c/ ", False),
        ('COPY ["a b", "/c d/"]', "/bin/sh -c #(nop) COPY file:1 in /c d/ ", True),
        ("COPY a /b", "/bin/sh -c #(nop) ADD file:1 in /b ", False),
        ("WORKDIR sub", "/bin/sh -c #(nop) WORKDIR /app/sub", True),
        ("WORKDIR /a/../b", "/bin/sh -c #(nop) WORKDIR /b", True),
        ("WORKDIR /a", "/bin/sh -c #(nop) WORKDIR /b", False),
    ],
)
def test_texts(instruction: str, entry: str, agree: bool) -> None:
    found = steps_of(f"FROM x\n{instruction}\n", [{}, *legacy(entry)])
    assert found == ([(0, 0, None), (0, 1, None)] if agree else [None, None])


def test_what_does_not_agree_is_unattributed_from_there_down() -> None:
    dockerfile = "FROM x\nRUN a\nRUN b\nRUN c\n"
    history = buildkit("RUN /bin/sh -c a", "RUN /bin/sh -c other", "RUN /bin/sh -c c")
    assert steps_of(dockerfile, [{}, *history]) == [None, None, None, (0, 3, None)]
    bases: dict[str, Any] = {"x": tuple(_digests(1))}
    assert steps_of(dockerfile, [{}, *history], bases=bases) == [
        *((0, 0, None), None, None, (0, 3, None)),
    ]


def test_layers_that_the_history_does_not_count_are_unattributed() -> None:
    contents = Images().contents([[("a", b"")], [("b", b"")]], buildkit("RUN /bin/sh -c a"))
    assert attribute(contents, parse("FROM x\nRUN a\n")) == (None, None)


def test_a_squashed_image_is_unattributed() -> None:
    history = [
        *legacy("-/bin/sh -c a"),
        {"created_by": "", "comment": "merge sha256:1 to sha256:2"},
    ]
    assert steps_of("FROM x\nRUN a\n", history) == [None]


def test_scratch_has_no_layers_of_its_own() -> None:
    assert steps_of("FROM scratch\nCOPY a /\n", buildkit("COPY a / # buildkit")) == [(0, 1, None)]
    assert steps_of("FROM scratch\nCOPY a /\n", [{}, *buildkit("COPY a / # buildkit")]) == [
        *(None, (0, 1, None)),
    ]


def test_labels_of_the_command_line_are_no_matter() -> None:
    history = [{}, *legacy("/bin/sh -c a", "-/bin/sh -c #(nop)  LABEL added=1")]
    assert steps_of("FROM x\nRUN a\n", history) == [(0, 0, None), (0, 1, None)]


def _digests(count: int) -> list[str]:
    contents = Images().contents([[(f"f{i}", b"")] for i in range(count)])
    return list(contents.digests)


class TestTriggers:
    """ONBUILD triggers that a base image brings."""

    history: ClassVar = [
        *({}, *buildkit("RUN /bin/sh -c trigger # buildkit", "RUN /bin/sh -c own # buildkit")),
    ]
    dockerfile = "FROM x\nRUN own\n"

    def step(self, text: str) -> Step:
        return Step(
            stage=None, stage_index=0, index=0, trigger=0, line=1, instruction=text, status="miss"
        )

    @pytest.mark.parametrize("text", ["RUN trigger", "ONBUILD RUN trigger"])
    def test_known_from_the_run(self, text: str) -> None:
        found = steps_of(self.dockerfile, self.history, steps=[self.step(text)])
        assert found == [(0, 0, None), (0, 0, 0), (0, 1, None)]

    def test_unknown_ones_are_the_bases_unless_its_layers_are_known(self) -> None:
        assert steps_of(self.dockerfile, self.history) == [(0, 0, None), (0, 0, None), (0, 1, None)]
        bases = {"x": tuple(_digests(1))}
        found = steps_of(self.dockerfile, self.history, bases=bases)
        assert found == [(0, 0, None), None, (0, 1, None)]

    def test_a_base_that_has_moved_since_says_nothing(self) -> None:
        bases = {"x": ("sha256:other",)}
        found = steps_of("FROM x\nRUN own\n", [{}, self.history[2]], bases=bases)
        assert found == [(0, 0, None), (0, 1, None)]


def test_entries_that_no_builder_wrote() -> None:
    for entry in ({}, {"created_by": None}, {"created_by": 3}, {"created_by": " "}):
        assert read_entry(entry) == ("", "")
    assert read_entry({"created_by": "bazel build ..."}) == ("RUN", "bazel build ...")
