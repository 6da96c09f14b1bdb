"""How much of what a cache gained can be ours."""

from __future__ import annotations

import pytest

from cachetui.audit.cache_growth import possible_bytes
from cachetui.dockerfile.parse import parse
from cachetui.hosts.cache_records import CacheRecord

TEXT = """\
FROM base:1
ARG W
COPY app.txt /app.txt
RUN make \\
  all
RUN ["/bin/tool", "x"]
WORKDIR $W
"""
OURS = parse(TEXT).instructions


def record(description: str, size: int = 7, name: str = "a") -> CacheRecord:
    return CacheRecord(id=name, type="regular", description=description, bytes=size)


@pytest.mark.parametrize(
    "description",
    [
        "mount / from exec /bin/sh -c make  all",
        "mount / from exec /bin/tool x",
        'cached mount /c from exec /bin/sh -c make all with id "/c"',
        'cached mount /c from exec /cachetui with id "cachetui-x//c"',
        "[2/4] COPY app.txt /app.txt",
        "[stage-1 4/4] WORKDIR /somewhere",
        "fileop target",
        "local source for context",
        "pulled from docker.io/library/base:1",
        "",
    ],
)
def test_what_may_be_ours_counts(description: str) -> None:
    assert possible_bytes([], [record(description)], OURS) == 7
    assert possible_bytes([record(description, 5)], [record(description)], OURS) == 2
    assert possible_bytes([record(description, 9)], [record(description)], OURS) == 0


@pytest.mark.parametrize(
    "description",
    [
        "mount / from exec /bin/sh -c head -c 20000000 /dev/zero > /big",
        'cached mount /c from exec /bin/sh -c other with id "/c"',
        "[2/2] COPY big /big",
        "[one 2/2] ADD app.txt /app.txt",
    ],
)
def test_what_is_of_no_instruction_of_ours_does_not(description: str) -> None:
    assert possible_bytes([], [record(description)], OURS) == 0


def test_a_here_document_may_be_shown_in_any_way() -> None:
    ours = parse("FROM base:1\nRUN <<EOF\necho\nEOF\n").instructions
    assert possible_bytes([], [record("mount / from exec /bin/sh -c other")], ours) == 7
