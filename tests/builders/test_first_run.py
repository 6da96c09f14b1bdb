"""What the host reads when it stops a build: the shell text itself, with builds that only print."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time

import pytest

from cachetui.builders.first_run import STOPPED_STATUS, stopped_mark, until_first_run
from cachetui.records.backend import Backend

SHELLS = [name for name in ("sh", "bash", "dash", "busybox") if shutil.which(name)]
LONG = "sleep 20"

CACHED = "#5 [2/3] RUN a\n#5 CACHED\n\n#6 [3/3] COPY b /\n#6 DONE 0.1s\n"
RUNS = "#7 [build 3/4] RUN make\n"
LEGACY_HIT = "Step 1/3 : FROM base:1\n ---> 0123456789ab\nStep 2/3 : RUN a\n ---> Using cache\n"
LEGACY_ENV = "Step 2/3 : ENV A=RUN\n ---> Running in 0123456789ab\n ---> 0123456789ac\n"
LEGACY_RUN = "Step 3/3 : run make\n ---> Running in 0123456789ad\n"


def play(
    shell: str, backend: Backend, text: str, after: str, around: str = ""
) -> tuple[str, int, float]:
    """What is printed for a build that prints `text` and then does `after`; its exit status and how
    long it took, in seconds. `around` is shell text that comes before all."""
    build = f"printf %s {shlex.quote(text)}; {after}"
    words = [shell, "sh"] if shell == "busybox" else [shell]
    began = time.monotonic()
    done = subprocess.run(
        [*words, "-c", around + until_first_run(build, backend, ["docker"], "A")],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stdout, done.returncode, time.monotonic() - began


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("backend", "text"),
    [
        ("buildkit", CACHED + RUNS),
        ("buildkit", CACHED + RUNS + "#7 0.024 early words\n"),
        ("buildkit", CACHED + "#7 [stage-1 3/4] ONBUILD RUN make\n"),
        ("legacy", LEGACY_HIT + LEGACY_RUN),
        ("legacy", LEGACY_HIT[:42] + LEGACY_ENV + LEGACY_RUN),
    ],
)
def test_a_build_ends_when_a_run_begins(shell: str, backend: Backend, text: str) -> None:
    printed, status, seconds = play(shell, backend, text, LONG)
    before, mark, _ = printed.partition(f"\n{stopped_mark('A')}\n")
    assert mark
    assert before == text
    assert status == STOPPED_STATUS
    assert seconds < 10


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("backend", "text"),
    [
        ("buildkit", CACHED),
        ("buildkit", "#6 [3/3] COPY b /\n#6 0.1 [2/3] RUN x\n#7 [internal] RUN\nx [2/2] RUN y\n"),
        ("legacy", LEGACY_HIT),
        ("legacy", LEGACY_HIT[:42] + LEGACY_ENV),
    ],
)
def test_a_build_that_runs_nothing_ends_by_itself(shell: str, backend: Backend, text: str) -> None:
    printed, status, _ = play(shell, backend, text, "sleep 0.4; echo end; exit 3")
    assert printed == f"{text}end\n"
    assert status == 3


@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
def test_the_builds_own_text_is_left_as_it_is(backend: Backend) -> None:
    text = "${STATUS} STATUS} GRACE MARK PRIVILEGED BUILD\n"
    assert play("sh", backend, text, "true")[:2] == (text, 0)


SLOW = 'sleep() { case $1 in 0.01) command sleep 0.05;; *) command sleep "$1";; esac; }\n'
WHOLE = 'sleep() { case $1 in *.*) return 1;; *) command sleep "$1";; esac; }\n'


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("sleep", [SLOW, WHOLE], ids=["busy host", "sleep of whole seconds"])
def test_a_hit_that_is_told_late_is_a_hit_where_naps_are_long(shell: str, sleep: str) -> None:
    late = "command sleep 0.3; printf '#7 CACHED\\n'"
    printed, status, _ = play(shell, "buildkit", RUNS, f"{late}; command sleep 1; exit 3", sleep)
    assert (printed, status) == (f"{RUNS}#7 CACHED\n", 3)
    printed, status, seconds = play(shell, "buildkit", RUNS, LONG, sleep)
    assert (printed, status) == (f"{RUNS}\n{stopped_mark('A')}\n", STOPPED_STATUS)
    assert seconds < 10
