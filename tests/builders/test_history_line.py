"""Lines of `docker history` held against instructions."""

from __future__ import annotations

import pytest

from cachetui.builders.history_line import is_step, kept, parse
from cachetui.dockerfile.parse import parse as read_dockerfile
from cachetui.records.digest import ValueHasher

HASHER = ValueHasher(b"the secret of these lines")


@pytest.mark.parametrize(
    ("line", "made_by"),
    [
        ("RUN echo a", "/bin/sh -c echo a"),
        ('RUN ["/bin/sh", "-c", "echo a"]', "/bin/sh -c echo a"),
        ('RUN ["/bin/sh", "-c", "echo a"]', "|1 V=one /bin/sh -c echo a"),
        ('RUN ["/bin/bash", "-o", "pipefail", "-c", "a"]', "/bin/bash -o pipefail -c a"),
        ('RUN ["make", "all"]', "make all"),
        ("RUN /bin/sh -c a", "/bin/sh -c /bin/sh -c a"),
    ],
)
def test_a_run_is_found_by_its_command(line: str, made_by: str) -> None:
    item = read_dockerfile(f"FROM base:1\n{line}\n").stages[0].instructions[1]
    assert is_step(parse(kept(made_by, HASHER)), item, HASHER)
    assert not is_step(parse(kept(f"{made_by}b", HASHER)), item, HASHER)
