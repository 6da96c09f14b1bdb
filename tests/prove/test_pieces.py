"""A Dockerfile in pieces: put together it is what it was, and changed it is changed there alone."""

from __future__ import annotations

import pytest

from cachetui.dockerfile.parse import parse
from cachetui.prove import dockerfile_pieces as pieces
from cachetui.records.step import StepId
from tests.sample_builds import MOUNT, PLAIN

ODD = """\
# syntax=docker/dockerfile:1
# escape=`

ARG BASE=base:1
# the first stage
FROM ${BASE} AS build
RUN one `
  # a comment inside
  && two

RUN <<EOF
# no comment
FROM nothing
EOF
FROM scratch AS unneeded
COPY x /x

FROM base:1
COPY --from=build --link --chown=1:1 /a /a
ADD --link b /b
COPY --linked c /c
CMD ["x"]
# the end
"""


@pytest.mark.parametrize("text", [ODD, MOUNT, PLAIN])
def test_the_pieces_are_the_file(text: str) -> None:
    parts = pieces.pieces(parse(text))
    assert text.startswith(pieces.text(parts))
    assert text.removeprefix(pieces.text(parts)).lstrip("#").strip() in ("", "the end")
    for part in parts:
        assert part.step is not None
        assert pieces.place(parts, part.step) == part.step


def test_it_ends_at_a_step_and_keeps_the_numbers_of_stages() -> None:
    parts = pieces.until(pieces.pieces(parse(ODD)), StepId(2, 1), {0, 2})
    cut = parse(pieces.text(parts))
    assert [len(stage.instructions) for stage in cut.stages] == [3, 1, 2]
    assert cut.syntax == "docker/dockerfile:1"
    assert cut.escape == "`"


def test_what_is_put_in_moves_what_is_below() -> None:
    parts = pieces.salted(pieces.pieces(parse(ODD)), {0, 2}, "COPY salt /salt\n")
    assert pieces.place(parts, StepId(2, 1)) == StepId(2, 2)
    assert pieces.place(parts, StepId(1, 1)) == StepId(1, 1)
    file = parse(pieces.text(parts))
    assert file.stages[0].instructions[1].text == "COPY salt /salt"
    assert file.stages[2].instructions[2].text.startswith("COPY --from=build")


def test_lines_are_replaced_taken_out_and_put_in() -> None:
    whole = pieces.pieces(parse(ODD))
    parts = pieces.replaced(whole, StepId(2, 4), 'CMD ["y"]\n')
    assert parse(pieces.text(parts)).stages[2].instructions[4].text == 'CMD ["y"]'
    parts = pieces.replaced(whole, StepId(0, 1), None)
    assert [item.keyword for item in parse(pieces.text(parts)).stages[0].instructions] == [
        "FROM",
        "RUN",
    ]
    with pytest.raises(KeyError):
        pieces.place(parts, StepId(0, 1))
    for above, place in ((StepId(0, 1), 1), (StepId(0, 3), 3), (StepId(2, 5), 5)):
        parts = pieces.inserted(whole, above, "LABEL a=b\n")
        stage = parse(pieces.text(parts)).stages[above.stage_index]
        assert stage.instructions[place].text == "LABEL a=b"


def test_links_are_taken_off() -> None:
    file = parse(pieces.text(pieces.unlinked(pieces.pieces(parse(ODD)))))
    copies = [item for item in file.stages[2].instructions if item.keyword in ("COPY", "ADD")]
    assert [item.link for item in copies] == [False, False, False]
    assert copies[0].flag("chown") == "1:1"
    assert copies[2].flag_names() == ("linked",)
