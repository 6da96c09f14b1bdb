"""Experiments on real engines: causes proved, a wrong one withdrawn, the user's caches kept."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from cachetui.config.settings import folder_build
from cachetui.core import Core, Options
from cachetui.findings.record import Finding, Proof
from cachetui.prove import NoExperiment
from cachetui.records.document import Document
from tests.audits import core_of, typed
from tests.lab import Lab
from tests.lab.base import share_image
from tests.lab.registry import Registry

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

HOSTS = ("old", "mid", "new", "ctd")
BOTH = ("legacy-as-found", "buildkit-as-found")


class Fleet:
    """The lab's hosts with a store and a salt of their own, and what a user does on them."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder
        self.core: Core = core_of(lab, folder / "store")
        self.salt = str(time.time_ns())
        self.checkouts: dict[str, str] = {}

    def write(self, name: str, files: Mapping[str, str], mode: int = 0o644) -> Path:
        """A folder with these files, all of one mode."""
        root = self.folder / name
        for path, text in files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace("@SALT@", self.salt))
            file.chmod(mode)
        for folder in (root, *(p for p in root.rglob("*") if p.is_dir())):
            folder.chmod(0o755)
        return root

    def typed(self, host: str, folder: Path, backend: str, *options: str) -> str:
        """What `docker build` says that the user of the host types."""
        return typed(self.lab[host], folder, backend, *options)

    def audit(
        self,
        folder: Path,
        *scenarios: str,
        hosts: tuple[str, ...] = HOSTS,
        repeat: int = 1,
        **settings: object,
    ) -> Document:
        build = msgspec.structs.replace(folder_build(folder), network="none", **settings)
        chosen = [
            msgspec.structs.replace(host, context_on_host=self.checkouts.get(host.name))
            for host in self.core.settings.hosts
            if host.name in hosts
        ]
        options = Options(scenarios=scenarios, repeat=repeat, fresh=True)
        document = self.core.prepare(build, chosen, options).run()
        assert {host.status for host in document.hosts} == {"ok"}, document.hosts
        return document

    def finding(self, document: Document, rule: str) -> Finding:
        found = [one for one in self.core.findings(document).findings if one.id == rule]
        assert len(found) == 1, [one.name for one in self.core.findings(document).findings]
        return found[0]

    def prove(self, document: Document, name: str, host: str, *given: tuple[str, str]) -> Proof:
        """Prove a finding, and see that the host is as it was."""
        before = self.images(host)
        experiment = self.core.experiment(
            document, name, host=host, given=given, cancel=threading.Event()
        )
        try:
            told = experiment.prepare()
            assert self.images(host) == before
            proof = experiment.run()
        finally:
            experiment.close()
        assert self.images(host) == before
        assert not list(self.lab[host].cache_folder.rglob("prove-*"))
        builds = [command for command in proof.commands if " build " in command]
        assert {b for b in builds if " -f " in b} <= set(told)
        return proof

    def images(self, host: str) -> list[str]:
        form = "{{.ID}} {{.Repository}}:{{.Tag}}"
        done = self.lab[host].docker("image", "ls", "-a", "--no-trunc", "--format", form)
        return sorted(done.stdout.decode().splitlines())

    def everywhere(self, work: Callable[[str], object], hosts: tuple[str, ...] = HOSTS) -> None:
        with ThreadPoolExecutor(len(hosts)) as pool:
            for job in [pool.submit(work, host) for host in hosts]:
                job.result()


@pytest.fixture(scope="module")
def fleet(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return Fleet(lab, tmp_path_factory.mktemp("prove"))


def outcome(proof: Proof) -> tuple[str, str]:
    return proof.outcome, "\n".join(one.text for one in proof.evidence)


MODES = {
    "Dockerfile": "FROM base:1\nRUN echo @SALT@ > /salt\nCOPY . /src\nRUN ls /src | wc -l\n",
    "app.txt": "app\n",
    "lib/lib.txt": "lib\n",
}


def test_the_umask_of_a_checkout_is_proved(fleet: Fleet) -> None:
    """Each host built from a checkout of its own under umask 002; what is sent has 022's modes."""
    checkout = fleet.write("umask-002", MODES, 0o664)
    sent = fleet.write("umask-022", MODES)

    def build(host: str) -> None:
        for backend in ("legacy", "buildkit"):
            fleet.typed(host, checkout, backend, "-q")

    fleet.everywhere(build)
    fleet.checkouts = dict.fromkeys(HOSTS, str(checkout))
    document = fleet.audit(sent, *BOTH)
    finding = fleet.finding(document, "context-mode-only")
    assert finding.confidence == "likely"
    assert "umask 022" in finding.advice

    def prove(host: str) -> None:
        found, said = outcome(fleet.prove(document, finding.name, host))
        assert found == "proved", said
        for builder in ("legacy", "BuildKit"):
            assert f"{builder} on {host}, in the host's own cache: line 3 (COPY)" in said
            assert f"{builder} on {host}, in a cache of its own" in said

    fleet.everywhere(prove)
    proved = fleet.finding(document, "context-mode-only")
    assert proved.confidence == "proved"
    assert proved.evidence[0].kind == "experiment"


MOUNTED = {
    "Dockerfile": "FROM base:1\n"
    "RUN --mount=type=cache,id=@SALT@,target=/c head -c 99 /dev/zero > $(mktemp /c/XXXXXX) && \\\n"
    "  head -c 16 /dev/urandom | od -An -tx1 > /random && echo salt @SALT@\n"
    "COPY . /src\n"
    "RUN cat /random && echo random of @SALT@\n",
    "app.txt": "app\n",
}
LOOK = 'FROM base:1\nRUN --mount=type=cache,id=@SALT@,target=/c [ "$(ls /c | wc -l)" = 1 ] # @N@\n'


def test_a_wrong_cause_is_withdrawn_and_the_users_caches_are_as_they_were(fleet: Fleet) -> None:
    """The cache was made from other content; meanwhile the checkout differs in modes alone."""
    other = fleet.write("other", {**MOUNTED, "app.txt": "another app\n"})
    images: dict[str, str] = {}

    def random_of(host: str) -> str:
        fleet.typed(host, other, "buildkit", "-q", "-t", f"user:{fleet.salt}")
        done = fleet.lab[host].docker(
            "image", "inspect", "--format", "{{json .RootFS.Layers}}", f"user:{fleet.salt}"
        )
        return done.stdout.decode()

    def mount_has_its_file(host: str, when: str) -> None:
        look = fleet.write(f"look-{host}", {"Dockerfile": LOOK.replace("@N@", when)})
        fleet.typed(host, look, "buildkit")

    def build(host: str) -> None:
        images[host] = random_of(host)

    fleet.everywhere(build)
    checkout = fleet.write("same-but-modes", MOUNTED, 0o664)
    sent = fleet.write("sent", MOUNTED)
    fleet.checkouts = dict.fromkeys(HOSTS, str(checkout))
    document = fleet.audit(sent, "buildkit-as-found")
    finding = fleet.finding(document, "context-mode-only")
    assert finding.confidence == "likely"

    def prove(host: str) -> None:
        mount_has_its_file(host, "before")
        found, said = outcome(fleet.prove(document, finding.name, host))
        assert found == "withdrawn", said
        assert "the step still misses without the suspect" in said
        mount_has_its_file(host, "after")
        assert random_of(host) == images[host]

    fleet.everywhere(prove)
    after = fleet.core.findings(document)
    assert [one.name for one in after.findings if one.id == "context-mode-only"] == []
    assert any(one.title.startswith("not confirmed: ") for one in after.unexplained)


def test_a_base_image_of_last_week_is_proved_with_the_one_that_others_have(fleet: Fleet) -> None:
    """It is on the other hosts alone: copied over for the experiment, and gone afterwards."""
    ref = f"week-{fleet.salt}:1"
    lab = fleet.lab
    lab["old"].import_base(ref, {"made": b"this week"})
    share_image(ref, lab["old"].engine, [lab["mid"].engine])
    odd = ("new", "ctd")
    lab["new"].import_base(ref, {"made": b"last week"})
    share_image(ref, lab["new"].engine, [lab["ctd"].engine])
    folder = fleet.write(
        "week", {"Dockerfile": f"FROM {ref}\nRUN cat /made && echo @SALT@\nCOPY app /\n", "app": ""}
    )
    fleet.checkouts = {}
    for host in odd:
        document = fleet.audit(folder, *BOTH, hosts=("old", "mid", host))
        finding = fleet.finding(document, "base-drift")
        assert finding.hosts == (host,)
        others = {name: fleet.images(name) for name in ("old", "mid")}
        found, said = outcome(fleet.prove(document, finding.name, host))
        assert found == "proved", said
        assert "line 2 (RUN) misses on the host's own image" in said
        assert {name: fleet.images(name) for name in others} == others


def test_a_base_image_that_moved_is_proved_with_the_one_before(fleet: Fleet) -> None:
    ref = f"moved-{fleet.salt}:1"
    files = {"Dockerfile": f"FROM {ref}\nRUN cat /made && echo @SALT@\n"}
    folder = fleet.write("moved", files)
    fleet.checkouts = {}
    hosts = ("old", "ctd")
    fleet.everywhere(lambda host: fleet.lab[host].import_base(ref, {"made": b"before"}), hosts)
    fleet.audit(folder, *BOTH, hosts=hosts)
    fleet.everywhere(lambda host: fleet.lab[host].import_base(ref, {"made": b"now"}), hosts)
    document = fleet.audit(folder, *BOTH, hosts=hosts)
    finding = fleet.finding(document, "base-drift")

    def prove(host: str) -> None:
        found, said = outcome(fleet.prove(document, finding.name, host))
        assert found == "proved", said
        assert (
            "in the host's own cache: line 2 (RUN), which missed in the as-found run, hits" in said
        )

    fleet.everywhere(prove, hosts)


def test_a_base_image_that_is_gone_is_pulled_by_its_digest(lab: Lab, fleet: Fleet) -> None:
    """The tag moved in the registry, and no host has the image that it named before."""
    fleet.checkouts = {}
    with Registry.of(lab["old"]) as registry:
        ref = registry.ref(f"base-{fleet.salt}:1")

        def publish(made: bytes) -> None:
            local = f"published-{fleet.salt}:1"
            lab["new"].import_base(local, {"made": made})
            registry.push(lab["new"], local, ref.partition("/")[2])
            lab["new"].docker("rmi", ref, local)

        def pull(host: str) -> str:
            lab[host].docker("pull", "-q", ref)
            return lab[host].docker("image", "ls", "-q", "--no-trunc", ref).stdout.decode().strip()

        folder = fleet.write("digest", {"Dockerfile": f"FROM {ref}\nRUN cat /made @SALT@; true\n"})
        publish(b"published before")
        before = {host: pull(host) for host in HOSTS}
        fleet.audit(folder, "buildkit-as-found")
        publish(b"published now")
        fleet.everywhere(pull)
        fleet.everywhere(lambda host: lab[host].docker("rmi", "-f", before[host], check=False))
        document = fleet.audit(folder, "buildkit-as-found")
        finding = fleet.finding(document, "base-drift")

        def prove(host: str) -> None:
            proof = fleet.prove(document, finding.name, host)
            done, said = outcome(proof)
            assert done == "proved", f"{host}: {said}"
            assert any(" pull " in command and "@sha256:" in command for command in proof.commands)

        fleet.everywhere(prove)
        fleet.everywhere(lambda host: lab[host].docker("rmi", "-f", ref, check=False))


DATED = 'FROM base:1\nLABEL built="2026-11-24 at noon" by=@SALT@\nRUN echo @SALT@\nCOPY . /src\n'


def test_a_date_in_a_label_is_proved(fleet: Fleet) -> None:
    """By an image that the host has; then by an earlier audit, COPY seeing the Dockerfile itself
    and an ignore file, to which docker would add lines."""
    fleet.checkouts = {}
    folder = fleet.write("dated", {"Dockerfile": DATED})
    fleet.everywhere(lambda host: fleet.typed(host, folder, "legacy", "-q"))
    for day, more in (("25", {}), ("26", {".dockerignore": "tmp\n"}), ("27", {})):
        fleet.write("dated", {"Dockerfile": DATED.replace("-24", f"-{day}"), **more})
        hosts = HOSTS if day == "25" else ("old", "ctd")
        document = fleet.audit(folder, "legacy-as-found", hosts=hosts)
        if day == "26":
            continue
        finding = fleet.finding(document, "legacy-metadata-invalidates")
        name = finding.name

        def prove(host: str, document: Document = document, name: str = name) -> None:
            found, said = outcome(fleet.prove(document, name, host))
            assert found == "proved", said
            assert (
                "in the host's own cache: line 3 (RUN), which missed in the as-found run, hits"
                in said
            )

        fleet.everywhere(prove, hosts)


def test_an_argument_is_proved_with_its_earlier_value(fleet: Fleet) -> None:
    fleet.checkouts = {}
    text = "FROM base:1\nARG NUMBER\nRUN echo @SALT@\n"
    folder = fleet.write("argument", {"Dockerfile": text})
    now, then = f"now{fleet.salt}", f"then{fleet.salt}"
    hosts = ("mid", "new")
    fleet.audit(folder, *BOTH, hosts=hosts, build_args={"NUMBER": then})
    document = fleet.audit(folder, *BOTH, hosts=hosts, build_args={"NUMBER": now})
    name = fleet.finding(document, "build-arg-invalidates").name
    with pytest.raises(NoExperiment, match="pass it with --build-arg NUMBER=VALUE"):
        fleet.prove(document, name, "new", ("NUMBER", now))
    with pytest.raises(NoExperiment, match="its digest differs"):
        fleet.prove(document, name, "new", ("NUMBER", now), ("NUMBER", "wrong"))

    def prove(host: str) -> None:
        proof = fleet.prove(document, name, host, ("NUMBER", now), ("NUMBER", then))
        found, said = outcome(proof)
        assert found == "proved", said
        assert now not in str(proof.commands)
        assert then not in str(proof.commands)

    fleet.everywhere(prove, hosts)


def test_content_is_proved_with_the_files_of_the_earlier_audit(fleet: Fleet) -> None:
    fleet.checkouts = {}
    hosts = ("old", "new")
    folder = fleet.write("content", {**MODES, "old file.txt": "was there\n"})
    fleet.audit(folder, *BOTH, hosts=hosts)
    fleet.write("content", {"app.txt": "changed\n", "new/it's new.txt": "new\n"})
    (folder / "old file.txt").unlink()
    document = fleet.audit(folder, *BOTH, hosts=hosts)
    name = fleet.finding(document, "context-content").name

    def prove(host: str) -> None:
        found, said = outcome(fleet.prove(document, name, host))
        assert found == "proved", said

    fleet.everywhere(prove, hosts)


REMADE = """\
FROM base:1 AS build
RUN echo @SALT@ > /same
RUN @RUN@
FROM base:1
COPY --from=build /made /
RUN cat /made
"""


@pytest.mark.parametrize(
    ("rule", "run", "hosts"),
    [
        ("nondeterministic-step", "head -c 16 /dev/urandom > /made", ("mid", "new")),
        (
            "mount-changes-result",
            "--mount=type=cache,target=/c echo m@SALT@ >> /c/log && cat /c/log > /made",
            ("old", "ctd"),
        ),
    ],
)
def test_a_run_that_makes_other_bytes_is_proved(
    fleet: Fleet, rule: str, run: str, hosts: tuple[str, ...]
) -> None:
    fleet.checkouts = {}
    folder = fleet.write(rule, {"Dockerfile": REMADE.replace("@RUN@", run)})
    document = fleet.audit(folder, "buildkit-mounts-warm", hosts=hosts, repeat=2)
    finding = fleet.finding(document, rule)
    assert finding.confidence != "proved"

    def prove(host: str) -> None:
        found, said = outcome(fleet.prove(document, finding.name, host))
        assert found == "proved", said
        assert f"BuildKit on {host}: line 3 made" in said

    fleet.everywhere(prove, hosts)


def test_a_run_that_is_not_to_blame_is_not_blamed(fleet: Fleet) -> None:
    """The mount is said to decide the result; random bytes do."""
    fleet.checkouts = {}
    mount = "--mount=type=cache,id=n@SALT@,target=/c ls /c; head -c 16 /dev/urandom > /made"
    folder = fleet.write("blamed", {"Dockerfile": REMADE.replace("@RUN@", mount)})
    document = fleet.audit(folder, "buildkit-mounts-warm", hosts=("old", "new"))
    found = fleet.core.findings(document).findings
    finding = next(one for one in found if one.id == "nondeterministic-step")
    mount_suspect = {"kind": "mount", "line": 3}
    wrong = msgspec.structs.replace(finding, id="mount-changes-result", suspect=mount_suspect)

    def prove(host: str) -> None:
        experiment = fleet.core.experiment(
            document, finding.name, host=host, cancel=threading.Event()
        )
        experiment.request = dataclasses.replace(experiment.request, finding=wrong)
        try:
            experiment.prepare()
            done, said = outcome(experiment.run())
        finally:
            experiment.close()
        assert done == "withdrawn", said
        assert "makes other bytes with an empty mount as well" in said

    fleet.everywhere(prove, ("old", "new"))


def evict(fleet: Fleet, host: str, before: list[str]) -> None:
    """Remove what the host's caches have of the builds of this fleet: BuildKit's records, and the
    legacy builder's images that were not there before."""
    engine = fleet.lab[host]
    for _ in range(20):
        new = [line.split()[0] for line in fleet.images(host) if line not in before]
        if not new:
            break
        engine.docker("rmi", "--no-prune", *new, check=False)
    else:
        raise AssertionError(f"{host}: {new} cannot be removed")
    told = engine.docker("system", "df", "-v", "--format", "{{json .BuildCache}}").stdout
    records = [row["ID"] for row in json.loads(told) if fleet.salt in row["Description"]]
    assert records
    for record in records:
        engine.docker("builder", "prune", "-af", "--filter", f"id={record}")


EVICTED = "FROM base:1\nENV A=1\nRUN echo evicted @SALT@ > /a\nRUN cat /a > /b\n"


def test_a_result_that_the_cache_lost_is_proved(fleet: Fleet) -> None:
    fleet.checkouts = {}
    folder = fleet.write("evicted", {"Dockerfile": EVICTED})
    before = {host: fleet.images(host) for host in HOSTS}
    fleet.audit(folder, *BOTH)
    fleet.everywhere(lambda host: evict(fleet, host, before[host]))
    document = fleet.audit(folder, *BOTH)
    found = [one for one in fleet.core.findings(document).findings if "evicted" in one.name]
    assert {h: set(f.backends) for f in found for h in f.hosts}.keys() == set(HOSTS)

    def prove(host: str) -> None:
        for finding in found:
            if host in finding.hosts:
                proof = fleet.prove(document, finding.name, host)
                done, said = outcome(proof)
                assert done == "proved", said
                assert "hits when it is built again" in said

    fleet.everywhere(prove)
    settled = [one for one in fleet.core.findings(document).findings if "evicted" in one.name]
    assert {finding.confidence for finding in settled} == {"proved"}


def test_a_key_that_changes_each_time_was_not_evicted(fleet: Fleet, tmp_path: Path) -> None:
    """Something on the host adds to every build what nobody sees."""
    wrapper = tmp_path / "docker-of-the-host"
    wrapper.write_text(
        '#!/bin/sh\nif [ "$1" = build ]; then shift\n'
        'exec docker build --add-host "x$(date +%s%N).invalid:127.0.0.1" "$@"; fi\n'
        'exec docker "$@"\n'
    )
    wrapper.chmod(0o755)
    fleet.checkouts = {}
    folder = fleet.write("changes", {"Dockerfile": "FROM base:1\nRUN echo changes @SALT@\n"})
    hosts = fleet.core.settings.hosts
    wrapped = tuple(msgspec.structs.replace(host, docker=(str(wrapper),)) for host in hosts)
    fleet.core.settings = msgspec.structs.replace(fleet.core.settings, hosts=wrapped)
    try:
        for _ in range(2):
            document = fleet.audit(folder, "buildkit-as-found", hosts=("old", "new"))
        finding = fleet.finding(document, "evicted-or-never-built")
        assert finding.confidence == "likely"
        for host in ("old", "new"):
            done, said = outcome(fleet.prove(document, finding.name, host))
            assert done == "withdrawn", said
        left = fleet.core.findings(document)
        assert "evicted-or-never-built" not in {one.id for one in left.findings}
        assert any("not confirmed" in one.title for one in left.unexplained)
    finally:
        fleet.core.settings = msgspec.structs.replace(fleet.core.settings, hosts=hosts)
