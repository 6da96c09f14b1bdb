"""`cachetui prove` as a user types it, on real engines."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cachetui.findings.record import Proof
from cachetui.store.database import Store
from tests.audit.test_stopping_lab import asleep, until, until_quiet
from tests.lab import Lab
from tests.prove.test_experiments import DATED, Fleet

pytestmark = pytest.mark.lab


@pytest.fixture
def fleet(lab: Lab, tmp_path: Path) -> Fleet:
    return Fleet(lab, tmp_path)


def command(fleet: Fleet, *words: str) -> list[str]:
    """The words of a command; `prove` needs the hosts too."""
    hosts = ["--hosts", str(fleet.lab.hosts_toml)] if words[0] in ("prove", "run") else []
    return [
        sys.executable,
        "-m",
        "cachetui",
        *words,
        *hosts,
        "--store",
        str(fleet.folder / "store"),
    ]


def typed(
    fleet: Fleet, *words: str, at: Path | None = None, answer: str = ""
) -> tuple[int, str, str]:
    """Exit code, output and errors of `cachetui WORDS`, typed in a folder."""
    done = subprocess.run(
        command(fleet, *words),
        cwd=at or fleet.folder,
        input=answer,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_it_says_what_will_run_asks_and_tells_what_came_of_it(fleet: Fleet) -> None:
    folder = fleet.write("dated", {"Dockerfile": DATED})
    fleet.typed("new", folder, "legacy", "-q")
    fleet.write("dated", {"Dockerfile": DATED.replace("-24", "-25")})
    run = ("run", str(folder), "-w", "new", "--network", "none", "--progress", "quiet")
    code, out, err = typed(fleet, *run, "--scenarios", "legacy-as-found", "--format", "json")
    assert code == 0, err
    rule = "legacy-metadata-invalidates"
    images = fleet.images("new")

    code, out, err = typed(fleet, "prove", "nonsense")
    assert (code, out) == (2, "")
    assert "no finding is named 'nonsense'" in err
    assert f"{rule}:2" in err
    code, _, err = typed(fleet, "prove", rule, "--host", "mid")
    assert code == 2
    assert "is about new, not about mid" in err

    code, out, err = typed(fleet, "prove", rule, "--dry-run")
    assert code == 0, err
    assert "# legacy, with line 2 as it is, in a cache of its own" in out
    assert out.count("DOCKER_BUILDKIT=0 docker build") == 5
    for answer in ("", "\n"):
        code, _, err = typed(fleet, "prove", rule, answer=answer)
        assert code == 130
        assert "docker build" in err
    store = Store(fleet.folder / "store")
    audit = store.audits()[0].audit
    assert store.proofs(audit, Proof) == ()
    assert fleet.images("new") == images

    # The context is sent again when the host has it no longer, unless it is another by now.
    for sent in fleet.lab["new"].cache_folder.rglob("contexts"):
        shutil.rmtree(sent)
    code, _, err = typed(fleet, "prove", rule, "--yes")
    assert code == 2
    assert "is no longer on new" in err
    code, out, err = typed(fleet, "prove", rule, "--yes", at=folder)
    assert code == 0, err
    assert out.startswith(f"● proved: {rule}:2, on new\n")
    assert fleet.images("new") == images
    assert [one.outcome for one in store.proofs(audit, Proof)] == ["proved"]
    code, out, _ = typed(fleet, "show", audit, "--findings", "all")
    assert (
        "in the host's own cache: line 3 (RUN), which missed in the as-found run, hits"
        in " ".join(out.split())
    )


SLEEPS = (
    "FROM base:1\nRUN --mount=type=cache,id=@SALT@,target=/c "
    "echo @SALT@; [ -e /c/once ] || sleep 600\n"
    "COPY app.txt /\n"
)
FILL = "FROM base:1\nRUN --mount=type=cache,id=@SALT@,target=/c touch /c/once # @SALT@\n"


@pytest.mark.takes_turns
@pytest.mark.parametrize("name", ["old", "ctd"])
def test_stopped_it_leaves_nothing_that_runs(fleet: Fleet, name: str) -> None:
    """In a mount of its own the RUN step sleeps."""
    fleet.typed(name, fleet.write("fill", {"Dockerfile": FILL}), "buildkit", "-q")
    files = {"Dockerfile": SLEEPS, "app.txt": "one\n"}
    folder = fleet.write("sleeps", files)
    fleet.audit(folder, "buildkit-as-found", hosts=(name,))
    fleet.write("sleeps", {"app.txt": "two\n"})
    document = fleet.audit(folder, "buildkit-as-found", hosts=(name,))
    found = fleet.finding(document, "context-content").name
    host = fleet.lab[name]
    before = fleet.images(name)
    process = subprocess.Popen(
        command(fleet, "prove", found, "--yes"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        until(lambda: asleep(host), 60, "the RUN step sleeps")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait(10)
    assert process.returncode == 130, said
    until_quiet(host, seconds=15)
    until(lambda: not list(host.cache_folder.rglob("prove-*")), 15, "its folder is gone")
    until(lambda: fleet.images(name) == before, 15, "its images are gone")
