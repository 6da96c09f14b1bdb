"""What a cold start imports: neither the app nor SSH, unless they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("textual", "paramiko", "rich", "cryptography", "diskcache")
FOR_A_COMMAND = (*HEAVY, "msgspec", "tomli", "tomllib", "e2b_dockerfile_utils", "subprocess")
"""What only a command that does something needs."""


def loaded(*arguments: str, of: tuple[str, ...] = HEAVY) -> set[str]:
    code = (
        "import sys\n"
        f"sys.argv = ['cachetui', *{list(arguments)!r}]\n"
        "from cachetui.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', *[m for m in {of!r} if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.rsplit("LOADED", 1)[1].split())


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("run", "--help"), ("schema",)])
def test_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert loaded(*arguments) == set()


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("run", "--help")])
def test_telling_what_there_is_reads_no_file(arguments: tuple[str, ...]) -> None:
    assert loaded(*arguments, of=FOR_A_COMMAND) == set()


def test_a_wrong_option_reaches_no_library() -> None:
    assert loaded("run", "--nonsense") == set()


def test_the_first_frame_of_the_app_waits_for_little() -> None:
    """Neither for what builds and explains, nor for what reads settings and store."""
    code = (
        "import os, sys\n"
        "import cachetui.tui.first_frame as module\n"
        "def drawn():\n"
        "    print('LOADED', *sys.modules, flush=True)\n"
        "    os._exit(0)\n"
        "module.first_frame = drawn\n"
        "sys.stdin.isatty = sys.stdout.isatty = lambda: True\n"
        "sys.argv = ['cachetui']\n"
        "from cachetui.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    modules = set(done.stdout.rpartition("LOADED")[2].split())
    assert "cachetui.tui.first_frame" in modules
    assert not modules & {*FOR_A_COMMAND, "cachetui.core", "cachetui.audit", "cachetui.findings"}
