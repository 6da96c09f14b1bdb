"""A folder of ours goes with the process, however that ends."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from cachetui.context.own_folder import OwnFolder
from tests.hosts.sshd import until

PATIENCE = 60.0

ENDING = """
import os, signal, threading, time
from cachetui.context.own_folder import OwnFolder, removed_after_process
from pathlib import Path

own = OwnFolder()
(own.path / "inner" / "closed").mkdir(parents=True)
(own.path / "inner" / "closed" / "file").write_text("x")
(own.path / "link").symlink_to(Path.cwd())
(own.path / "inner" / "closed").chmod(0)
(own.path / "inner").chmod(0)
named = Path("-rf late")
removed_after_process(named.absolute())

def make_anew():
    while True:
        (named / "again").mkdir(parents=True, exist_ok=True)

for _ in range(3):
    threading.Thread(target=make_anew, daemon=True).start()
while not named.exists():
    pass
print("there", flush=True)
END
"""

ENDS = {
    "returns": ("pass", 0),
    "raises": ("raise SystemExit(3)", 3),
    "is ended from within": ("os._exit(4)", 4),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", -9),
    "SIGKILL to its group": ("os.killpg(os.getpid(), signal.SIGKILL)", -9),
    "SIGTERM to its group": ("os.killpg(os.getpid(), signal.SIGTERM)", -15),
    "SIGHUP to its group": ("os.killpg(os.getpid(), signal.SIGHUP)", -1),
}


@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_left(tmp_path: Path, end: str) -> None:
    """Also where threads make the files anew until the last moment."""
    code, status = ENDS[end]
    for name in ("here", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "here" / "kept").write_text("x")
    environment = os.environ | {"TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-c", ENDING.replace("END", code)],
        cwd=tmp_path / "here",
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        start_new_session=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (status, "there\n"), done.stderr
    assert until(lambda: names_below(tmp_path) == ["kept"], PATIENCE), names_below(tmp_path)


def names_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*/*"))


def test_it_goes_with_the_object_but_not_with_a_copy() -> None:
    own = OwnFolder()
    copy = pickle.loads(pickle.dumps(own))
    assert copy.path == own.path
    del copy
    assert own.path.is_dir()
    (path := own.path).joinpath("file").write_text("x")
    del own
    assert not path.exists()


def test_it_can_be_removed_before_and_twice() -> None:
    with OwnFolder() as own:
        assert own.path.stat().st_mode & 0o777 == 0o700
        own.remove()
        assert not own.path.exists()
    own.remove()


def test_it_is_removed_where_there_is_no_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with OwnFolder() as own:
        (own.path / "file").write_text("x")
    assert not own.path.exists()
