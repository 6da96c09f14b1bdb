"""The scenario buildkit-imported on real engines: what came with the import, and what is left."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from cachetui.records.run import Run
from tests.audits import run_of, typed, typed_hits
from tests.lab.base import BASE
from tests.lab.sharing import Sharing
from tests.sample_builds import folder
from tests.share.experiment import held, image
from tests.share.team import CONTAINERD, DEPS, IMPORTED, IMPORTERS, LAST, TEXT, Team

pytestmark = pytest.mark.lab


def told(run: Run) -> list[tuple[str, str, str | None]]:
    """(keyword, status, origin) of the steps that count."""
    assert run.status == "ok", run.reason
    return [(step.keyword, step.status, step.origin) for step in run.steps if step.counts]


def origins(run: Run) -> list[str | None]:
    return [origin for _, _, origin in told(run)]


@pytest.mark.takes_turns
def test_hits_of_the_import_and_of_the_hosts_own_cache(sharing: Sharing, tmp_path: Path) -> None:
    team = Team(sharing, tmp_path)
    team.export()
    team.change(DEPS)
    team.typed("new")  # with all of the build but what stands on its first COPY
    (team.build / DEPS).write_text(team.files[DEPS])
    first = team.audit()
    for host in IMPORTERS:
        steps = told(run_of(first, host, IMPORTED))
        assert {status for _, status, _ in steps} == {"hit"}, (host, steps)
        runs = [origin for keyword, _, origin in steps if keyword == "RUN"]
        assert runs[0] == "imported", (host, steps)
        assert runs[1] in ("imported", "either"), (host, steps)
        (now,) = run_of(first, host, IMPORTED).bases_now
        assert now.digest == run_of(first, host, IMPORTED).bases[sharing.base], host
    again = team.audit()
    assert set(origins(run_of(again, CONTAINERD, IMPORTED))) == {"here"}
    for host in ("mid", "new"):  # what they imported the first time is gone again
        deps = next(one for one in told(run_of(again, host, IMPORTED)) if one[0] == "RUN")
        assert deps == ("RUN", "hit", "imported"), host
    hits = {
        host: [hit for hit in typed_hits(team.typed(host)) if "RUN" in hit] for host in IMPORTERS
    }
    assert {host: len(found) for host, found in hits.items()} == {"mid": 0, "new": 1, "ctd2": 2}
    team.change(LAST)
    changed = told(run_of(team.audit("mid"), "mid", IMPORTED))
    assert changed[-1] == ("RUN", "miss", None), changed
    assert ("RUN", "hit", "here") in changed


@pytest.mark.takes_turns
def test_a_base_image_that_its_registry_has_anew(sharing: Sharing, tmp_path: Path) -> None:
    host, name = sharing["ctd2"], f"moving:{time.time_ns()}"
    old = sharing.registry.push(sharing["ctd"], BASE, name)
    host.docker("pull", "-q", old)
    team = Team(sharing, tmp_path, TEXT.replace("@BASE@", old))
    team.export()
    changed = folder(tmp_path / "changed", f"FROM {BASE}\nLABEL moved=yes\n")
    sharing["ctd"].docker("build", "-q", "--network=none", "-t", old, "--push", str(changed))
    try:
        run = run_of(team.audit("ctd2"), "ctd2", IMPORTED)
        assert "imported" in origins(run)
        (now,) = run.bases_now
        assert now.ref == old
        assert now.digest is not None
        assert now.digest != run.bases[old]
        # Asked of the registry as it was asked then, by another host.
        assert now.digest in sharing["new"].docker("pull", old).stdout.decode()
    finally:
        for one in ("ctd", "ctd2", "new"):
            sharing[one].docker("rmi", old, check=False)


MOUNTED = TEXT.replace(
    "RUN echo @SALT@ >/app/done",
    "RUN --mount=type=cache,target=/c,id=@SALT@ echo x >>/c/log; echo had $(wc -l </c/log); "
    "echo @SALT@ >/app/done",
)


@pytest.mark.takes_turns
def test_the_hosts_own_builds_reuse_what_they_reused(sharing: Sharing, tmp_path: Path) -> None:
    """Images and folders are as before, mounts as full, and what came is measured. On a graph
    driver none of it stays; on the containerd store it answers too."""
    team = Team(sharing, tmp_path, MOUNTED)
    own = Team(sharing, tmp_path / "own")
    for host in IMPORTERS:
        own.typed(host)
        assert "had 1" in team.typed(host)
    hits = {host: typed_hits(own.typed(host)) for host in IMPORTERS}
    team.change(LAST)
    team.export()
    before = {host: held(sharing[host]) for host in IMPORTERS}
    document = team.audit()
    for report in document.hosts:
        assert report.left_behind_bytes is not None, report
        assert report.left_behind_at_most or not report.left_behind_bytes
        after = held(sharing[report.name])
        assert after == before[report.name], report.name
        last = told(run_of(document, report.name, IMPORTED))[-1]
        # 26.1 makes another key of a RUN with a cache mount: it ran, on what was in the mount.
        reused = ("RUN", "hit", "imported"), ("RUN", "miss", None)
        assert last == reused[report.name == "mid"], report.name
    had = {"mid": 3, "new": 2, "ctd2": 2}
    for host in IMPORTERS:
        assert len(hits[host]) == 6, host
        assert typed_hits(own.typed(host)) == hits[host], host
        said = team.typed(host)
        assert len(typed_hits(said)) == (6 if host == CONTAINERD else 4), host
        assert (f"had {had[host]}" in said) == (host != CONTAINERD), host
    team.change(LAST)
    for host in IMPORTERS:
        assert f"had {had[host] + (host != CONTAINERD)}" in team.typed(host), host


NONDETERMINISTIC = TEXT.replace("echo @SALT@ >/w/deps", "cat /proc/sys/kernel/random/uuid >/w/deps")


@pytest.mark.takes_turns
@pytest.mark.parametrize("kind", ["registry", "inline"])
def test_the_users_next_build_makes_the_image_that_it_made(
    sharing: Sharing, tmp_path: Path, kind: str
) -> None:
    """Not the exporter's, where a step makes another result each time; nor does the build of a
    file whose last stage is another, on the same first stage, miss a step more."""
    team = Team(sharing, tmp_path, NONDETERMINISTIC)
    own = shutil.copytree(team.build, tmp_path / "own")
    text = (own / "Dockerfile").read_text()
    (own / "Dockerfile").write_text(text.replace("/app/done", "/app/own"))

    def users_builds(host: str) -> list[tuple[list[str], str]]:
        """What each hits, and its image."""
        said = [typed(sharing[host], build, "buildkit") for build in (team.build, own)]
        return [(typed_hits(one), image(one)) for one in said]

    for host in IMPORTERS:
        users_builds(host)
    before = {host: users_builds(host) for host in IMPORTERS}
    source = team.export(kind)
    document = team.audit(source=source)
    for host in IMPORTERS:
        assert run_of(document, host, IMPORTED).status == "ok"
        after = users_builds(host)
        said = [note for note in document.notes if note.startswith(f"{host}: ")]
        if host == CONTAINERD:  # the import's results answer too, being newer
            assert [hits for hits, _ in after] == [hits for hits, _ in before[host]]
            assert after[0] != before[host][0]
            assert any("so its image can be another than before" in note for note in said), said
        else:
            assert after == before[host], host
            assert not said


def test_20_10_takes_a_reference_alone(sharing: Sharing, tmp_path: Path) -> None:
    team = Team(sharing, tmp_path)
    team.export()
    refused = run_of(team.audit("old"), "old", IMPORTED)
    assert refused.status == "unsupported"
    assert "takes --cache-from REFERENCE" in (refused.reason or "")
    taken = told(run_of(team.audit("old", source=team.ref), "old", IMPORTED))
    assert [status for keyword, status, _ in taken if keyword == "RUN"] == ["miss", "miss"]
