"""What a cold start imports: neither the app nor SSH, unless they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("textual", "paramiko", "rich", "cryptography", "diskcache")


def loaded(*arguments: str) -> set[str]:
    code = (
        "import sys\n"
        f"sys.argv = ['cachetui', *{list(arguments)!r}]\n"
        "from cachetui.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', *[m for m in {HEAVY!r} if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.rsplit("LOADED", 1)[1].split())


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("run", "--help"), ("schema",)])
def test_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert loaded(*arguments) == set()


def test_a_wrong_option_reaches_no_library() -> None:
    assert loaded("run", "--nonsense") == set()
