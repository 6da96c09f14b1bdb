"""The host's load as the first line of a build's output."""

from __future__ import annotations

import subprocess

import pytest

from cachetui.audit.load_line import LoadLine, telling_load

BUILD = b"Sending build context\ncachetui-load 9.9\nStep 1/1\n"


def read(*blocks: bytes) -> tuple[float | None, bytes]:
    out: list[bytes] = []
    line = LoadLine(lambda data, _: out.append(data))
    for block in blocks:
        line.output(block, 0.0)
    line.close(0.0)
    return line.load, b"".join(out)


@pytest.mark.parametrize("size", [1, 3, 14, 1000])
def test_it_is_taken_out_wherever_blocks_are_cut(size: int) -> None:
    printed = b"cachetui-load 0.75\n" + BUILD
    blocks = [printed[at : at + size] for at in range(0, len(printed), size)]
    assert read(*blocks) == (0.75, BUILD)


@pytest.mark.parametrize("first", [b"", b"cachetui-lo", b"#1 [internal]\n", b"sh: no\n"])
def test_all_else_is_the_builds(first: bytes) -> None:
    assert read(first, BUILD) == (None, first + BUILD)
    assert read(first) == (None, first)


def test_a_host_that_does_not_tell() -> None:
    assert read(b"cachetui-load \n", BUILD) == (None, BUILD)


def test_a_first_line_without_an_end_is_not_held_for_long() -> None:
    out: list[bytes] = []
    line = LoadLine(lambda data, _: out.append(data))
    line.output(b"cachetui-load " + b"x" * 1000, 0.0)
    assert len(b"".join(out)) == 1014


def test_the_shell_text() -> None:
    done = subprocess.run(["sh", "-c", telling_load("echo built; exit 3")], capture_output=True)
    load, printed = read(done.stdout)
    assert (done.returncode, printed, done.stderr) == (3, b"built\n", b"")
    assert load is not None
