"""What a killed share leaves on hosts and in the registry, who comes next removes."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cachetui.audit.imported_records import imported_records
from tests.audits import typed_hits
from tests.lab.sharing import Sharing as Fleet
from tests.share.experiment import THREE_STAGES, Experiment, held, image, ran, records

pytestmark = pytest.mark.lab

MOUNTED = THREE_STAGES.replace(
    "RUN echo @SALT@ >/w/deps", "RUN --mount=type=cache,target=/m echo @SALT@ | tee /m/x >/w/deps"
)
LEASE_SECONDS = 110.0
"""A lease ends 90 s after its last renewal; most of these soon after their build was ended."""


def killed_at(
    line: str,
    made: Experiment,
    to: str = "ctd2",
    kinds: str = "registry-max,local-max,inline",
) -> None:
    """`cachetui share` in a process of its own, killed as soon as it prints this."""
    words = ["share", str(made.build), "--network", "none", "--from", "ctd", "--to", to]
    words += ["--kinds", kinds, "--progress", "plain"]
    words += ["--registry", made.fleet.registry.address + "/killed"]
    words += ["--hosts", str(made.fleet.hosts_toml), "--store", str(made.folder / "store")]
    command = [sys.executable, "-m", "cachetui", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        said = b""
        for printed in process.stderr:
            said += printed
            if line.encode() in printed:
                break
        process.kill()
        assert line.encode() in said, said.decode()


def clean(made: Experiment) -> str:
    """What `cachetui clean --yes` prints, once the lease of the killed one has ended."""
    words = ["clean", "--yes", "--hosts", str(made.fleet.hosts_toml)]
    words += ["--store", str(made.folder / "store")]
    deadline = time.monotonic() + LEASE_SECONDS
    while True:
        done = subprocess.run(
            [sys.executable, "-m", "cachetui", *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if "is at work on this engine" not in done.stderr or time.monotonic() > deadline:
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout
        time.sleep(2)


@pytest.mark.fault("shared-stopped")
@pytest.mark.usefixtures("others_images_go")
@pytest.mark.takes_turns
@pytest.mark.parametrize("way", ["share", "clean"])
@pytest.mark.parametrize("line", ["ctd exports inline", "ctd2 imports local-max"])
def test_a_killed_one_is_cleaned_up_after(
    sharing: Fleet, tmp_path: Path, line: str, way: str
) -> None:
    made = Experiment(sharing, tmp_path, text=MOUNTED)
    hosts = ("ctd", "ctd2")
    for host in hosts:
        made.typed(host)
    again = {host: typed_hits(made.typed(host)) for host in hosts}
    before = {name: held(sharing[name]) for name in hosts}
    killed_at(line, made)
    tags = sharing.registry.tags("killed")
    assert any("registry-max" in tag for tag in tags)
    if way == "share":
        made.run(made.prepare("local-max"))
        told = "\n".join(made.document.notes)
    else:
        told = clean(made)
    for tag in tags:
        assert f"{sharing.registry.address}/killed:{tag}" in told
    assert "-local-max" in told
    assert sharing.registry.tags("killed") == []
    assert {name: held(sharing[name]) for name in hosts} == before
    assert {host: typed_hits(made.typed(host)) for host in hosts} == again


@pytest.mark.fault("shared-stopped")
@pytest.mark.usefixtures("others_images_go")
@pytest.mark.takes_turns
@pytest.mark.parametrize(("host", "way"), [("mid", "share"), ("new", "clean")])
def test_what_a_killed_one_imported_is_taken_out(
    sharing: Fleet, tmp_path: Path, host: str, way: str
) -> None:
    """Killed after its last import on a graph driver, before it could remove anything there."""
    made = Experiment(sharing, tmp_path)
    made.typed(host)
    again = made.typed(host)
    before = {one.id for one in records(sharing[host])}
    killed_at(f"{host} cleans up", made, to=host, kinds="registry-max")
    dates = {one.created_at for one in records(sharing["ctd"]) if one.created_at}
    assert imported_records(before, records(sharing[host]), dates) != ()
    if way == "share":
        made.run(made.prepare("registry-max", to=(host,)))
        told = "\n".join(made.document.notes)
    else:
        told = clean(made)
    assert re.search(r"\d cache records? that audit \S+ imported", told), told
    assert imported_records(before, records(sharing[host]), dates) == ()
    now = made.typed(host)
    assert (ran(now), image(now)) == ([], image(again))
