"""Interactive shells in a terminal of their own: what is on the line after the Tab key.

zsh and fish are Debian's packages of these names.
"""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

_PATIENCE = 30.0
"""Seconds to wait for the line, or for the shell's end."""

_START = {
    # `dump` writes the line into the file; ctrl+x has it
    "zsh": """
PROMPT='ready> '
setopt no_beep
autoload -Uz compinit && compinit -u -D
source "$SCRIPT"
bindkey '^I' complete-word
dump() { print -rn -- "$BUFFER" > "$LINE.part" && mv "$LINE.part" "$LINE" }
zle -N dump
bindkey '^X' dump
""",
}


def missing(shell: str) -> bool:
    """Whether the shell is not on this machine."""
    return shutil.which(shell) is None


def offered_by_fish(
    folder: Path, script: str, line: str, environment: Mapping[str, str]
) -> list[str]:
    """What fish offers for a line, without what it says of each."""
    (folder / "script").write_text(script)
    done = subprocess.run(
        ["fish", "--no-config", "-c", 'source script; complete -C "$argv[1]"', line],
        env={**environment, "HOME": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=True,
    )
    return [offer.partition("\t")[0] for offer in done.stdout.splitlines()]


def completed_by_zsh(folder: Path, script: str, line: str, environment: Mapping[str, str]) -> str:
    """The line that zsh makes of one after the Tab key."""
    (folder / "script").write_text(script)
    (folder / ".zshrc").write_text(_START["zsh"])
    result = folder / "line"
    result.unlink(missing_ok=True)
    own = {"ZDOTDIR": str(folder), "HOME": str(folder), "TERM": "dumb", "COLUMNS": "200"}
    files = {"SCRIPT": str(folder / "script"), "LINE": str(result)}
    master, terminal = pty.openpty()
    with subprocess.Popen(
        ["zsh", "-d", "-i"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**environment, **own, **files},
        cwd=folder,
        start_new_session=True,
    ) as shell:
        os.close(terminal)
        try:
            _read_until(master, b"ready> ")
            os.write(master, line.encode() + b"\t\x18")
            end = time.monotonic() + _PATIENCE
            while not result.exists():
                assert time.monotonic() < end, "zsh did not tell its line"
                _drain(master, 0.05)
            return result.read_text()
        finally:
            shell.kill()
            os.close(master)


def _read_until(master: int, words: bytes) -> None:
    seen = b""
    end = time.monotonic() + _PATIENCE
    while words not in seen:
        assert time.monotonic() < end, f"zsh printed {seen!r}"
        seen += _drain(master, 0.1)


def _drain(master: int, seconds: float) -> bytes:
    ready, _, _ = select.select([master], [], [], seconds)
    return os.read(master, 65536) if ready else b""
