"""The one error of the lab, and how its commands are run."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL = 20
"""Lines of a command's output that an error repeats."""


class LabError(Exception):
    """The lab cannot do what was asked; the message says why and what would help."""


def tail(text: str, lines: int = TAIL) -> str:
    """The last `lines` lines of `text`."""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 600,
) -> str:
    """Run a command without standard input; its output (standard error mixed in).

    Raises LabError with the end of that output if it fails, is missing, or takes more than
    `timeout` seconds.
    """
    words = [str(word) for word in argv]
    shown = " ".join(words[:3])
    try:
        done = subprocess.run(
            words,
            env=env,
            cwd=cwd,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except FileNotFoundError:
        raise LabError(f"{words[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"`{shown} …` took more than {timeout:.0f} s") from None
    output = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise LabError(f"`{shown} …` failed with status {done.returncode}:\n{tail(output)}")
    return output
