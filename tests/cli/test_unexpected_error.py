"""An error that nothing expected: it is shown whole, and is no "hosts differ"."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cachetui.exit_codes import DIFFERENT, TROUBLE

BREAKS = "import cachetui.cli.history as h\nh.history_command = None\n"
"""An error of our own while a command runs."""
STARTS_NOT = "import sys\nsys.modules['cachetui.cli.main'] = None\n"
"""An installation that lacks a module."""
WITH_A_THREAD = (
    "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n" + BREAKS
)


@pytest.mark.parametrize("broken", [BREAKS, STARTS_NOT, WITH_A_THREAD])
def test_an_unexpected_error_is_trouble_and_no_difference(broken: str, tmp_path: object) -> None:
    code = (
        f"{broken}import sys\nsys.argv = ['cachetui', 'history', '--store', {str(tmp_path)!r}]\n"
        "from cachetui.__main__ import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert TROUBLE != DIFFERENT
    assert done.returncode == TROUBLE, done.stderr
    assert done.stderr.count("Traceback (most recent call last)") == 1
    assert done.stderr.splitlines()[-1].split(":")[0] in ("TypeError", "ModuleNotFoundError")
