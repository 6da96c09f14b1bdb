"""What is kept of values can be guessed back by nobody who has not the store's secret."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from cachetui.audit.run_key import run_of
from cachetui.cli.main import cli
from cachetui.config.settings import HostSettings, Settings, folder_build
from cachetui.core import Core, Options
from cachetui.demo.fleet import build_name, demo_fleet
from cachetui.hosts.client_settings import parse_settings
from cachetui.hosts.image_chains import ImageLine, parse_histories
from cachetui.records.digest import ValueHasher
from cachetui.records.document import BuildRecord, Document
from cachetui.records.host import HostEvidence
from cachetui.records.scenario import Planned
from cachetui.report import formats
from cachetui.store.database import Store
from cachetui.store.secret import FILE
from tests import make_records as b
from tests.audit.test_canaries_lab import everything_written
from tests.findings.making import audit as audit_of
from tests.findings.making import host as host_of
from tests.sample_builds import folder

VALUES = {
    "ONE": "1",
    "FLAG": "on",
    "TOKEN": "hunter2",
    "NONE": "",
    "URL": "https://u:p@x.test/?a=1",
}
TEXT = "FROM base:1\nARG ONE FLAG TOKEN NONE URL\nRUN make\n"
SETTINGS = (
    "host=\n"
    'proxies={"default": {"httpProxy": "http://me:hunter2@proxy"}}\n'
    "env=BUILDX_BUILDER=hunter2\nenv=SOURCE_DATE_EPOCH=1\n"
)
ARGUMENTS = "|2 ONE=1 TOKEN=hunter2"
COMMAND = "curl -u me:hunter2 x.test"
HISTORY = f"image sha256:{'1' * 64}\n{ARGUMENTS} /bin/sh -c make\n/bin/sh -c {COMMAND}\n"
PATH = [ImageLine(f"sha256:{one * 64}", "", "") for one in ("0", "2", "1")]


def plain(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def guesses() -> Iterator[str]:
    """Plain digests, as hex, of what could be guessed."""
    for name, value in VALUES.items():
        yield from map(plain, (value, f"{name}={value}"))
    for text in ("http://me:hunter2@proxy", ARGUMENTS, ARGUMENTS[3:], COMMAND, "make"):
        yield plain(text)


def prepared(store: Store, tmp_path: Path, values: Mapping[str, str]) -> BuildRecord:
    """What an audit keeps of a build with these arguments."""
    host = HostSettings(name="ci-1", address="local")
    core = Core(Settings(path=None, hosts=(host,), builds={}), store)
    place = tmp_path / "build"
    build = folder_build(place if place.exists() else folder(place, TEXT))
    given = msgspec.structs.replace(build, build_args=dict(values))
    return core.prepare(given, (host,), Options()).task.record


PLANNED = Planned("buildkit-cold", 1)


def kept(store: Store, tmp_path: Path) -> Document:
    """An audit whose hosts told of values, kept in the store."""
    record = prepared(store, tmp_path, VALUES)
    evidence = HostEvidence(at=b.NOW, legacy=parse_histories(HISTORY, [PATH], store.hasher))
    settings = parse_settings(SETTINGS, store.hasher)
    assert settings is not None
    host = host_of(facts_client_settings=settings, evidence=evidence)
    assert host.facts is not None
    of = run_of(record, "ci-1", host.facts, PLANNED)
    run = b.run("ci-1", PLANNED.scenario, of=of, audit="now", steps=())
    document = msgspec.structs.replace(audit_of(TEXT, [run], hosts=[host]), build=record)
    store.keep_run(run)
    store.keep_audit(document)
    return document


@pytest.mark.fault("secret-digest")
def test_no_plain_digest_of_a_value_is_anywhere(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    document = kept(store, tmp_path)
    store.close()
    written = b"\0".join(data for _, data in everything_written(tmp_path / "store"))
    for value in VALUES.values():
        assert store.hasher.digest(value).encode() in written
    assert store.hasher.digest(ARGUMENTS[3:]).encode() in written
    assert [guess for guess in guesses() if guess.encode() in written] == []
    of_plain = msgspec.structs.replace(
        document.build, build_args={name: f"sha256:{plain(v)}" for name, v in VALUES.items()}
    )
    facts = document.hosts[0].facts
    assert facts is not None
    assert run_of(of_plain, "ci-1", facts, PLANNED).encode() not in written, "the key of a run"


@pytest.mark.fault("secret-digest")
def test_the_secret_is_in_its_file_alone(tmp_path: Path) -> None:
    place = tmp_path / "store"
    store = Store(place)
    kept(store, tmp_path)
    store.close()
    text = (place / FILE).read_text().split()[1]
    forms = (text.encode(), bytes.fromhex(text))
    held = [path for path, data in everything_written(place) if any(f in data for f in forms)]
    assert {path.name for path in held} == {FILE}
    shown = [["show", "last", "--format", name, "--findings", "all"] for name in formats.names()]
    for words in (["history"], *shown):
        done = CliRunner().invoke(cli, [*words, "--store", str(place)])
        assert (done.exit_code, len(done.stdout_bytes) > 0) == (0, True), done.output
        assert [form for form in forms if form in done.stdout_bytes] == []


@pytest.mark.fault("secret-digest")
def test_two_stores_keep_one_value_differently(tmp_path: Path) -> None:
    one, other = (prepared(Store(tmp_path / name), tmp_path, VALUES) for name in ("a", "b"))
    assert one.build_args.keys() == other.build_args.keys() == VALUES.keys()
    for a, z in itertools.product(one.build_args.values(), other.build_args.values()):
        assert a.rpartition(":")[2] != z.rpartition(":")[2]
    assert prepared(Store(tmp_path / "a"), tmp_path, VALUES) == one


def test_a_stored_run_answers_for_the_same_values_and_secret_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    document = kept(store, tmp_path)
    facts = document.hosts[0].facts
    assert facts is not None

    def of(store: Store, values: Mapping[str, str] = VALUES) -> str:
        return run_of(prepared(store, tmp_path, values), "ci-1", facts, PLANNED)

    assert store.find(of(store), float("inf")) is not None
    assert store.find(of(store, {**VALUES, "ONE": "2"}), float("inf")) is None
    store.close()
    (tmp_path / "store" / FILE).unlink()
    again = Store(tmp_path / "store")
    assert again.find(of(again), float("inf")) is None, "no longer known to be of these values"
    assert [entry.audit for entry in again.audits()] == [document.audit]
    assert again.audit(document.audit) == document, "it is shown all the same"
    assert of(again, {}) == of(store, {}), "a build without arguments does not depend on it"


def test_the_recorded_fleet_keeps_commands_by_the_secret() -> None:
    """From real engines' output to the store: the images that the legacy builder left."""
    with demo_fleet(speed=400.0) as fleet:
        core = fleet.core()
        settings = core.settings.builds[build_name("shop")]
        document = core.prepare(settings, core.settings.hosts, Options()).run()
        core.store.close()
        written = b"\0".join(data for _, data in everything_written(core.store.folder))
    chains = [
        chain for host in document.hosts if host.evidence for chain in host.evidence.legacy or ()
    ]
    runs = [line for chain in chains for line in chain.made_by if line.startswith("RUN ")]
    assert runs
    assert all(line.startswith(f"RUN hmac-sha256:{core.store.hasher.key}:") for line in runs)
    commands = [
        " ".join(line.removeprefix("RUN ").split())
        for line in document.build.dockerfile_text.splitlines()
        if line.startswith("RUN ")
    ]
    known = [one for one in commands if f"RUN {core.store.hasher.digest(one)}" in runs]
    assert known, "an image is of a command of this Dockerfile"
    assert [one for one in commands if plain(one).encode() in written] == []


def test_a_hasher_of_another_secret_reads_none_of_it(tmp_path: Path) -> None:
    document = kept(Store(tmp_path / "store"), tmp_path)
    stranger = ValueHasher.for_once()
    digests = document.build.build_args.values()
    assert [stranger.matches(v, d) for v, d in zip(VALUES.values(), digests, strict=False)] == [
        None
    ] * len(VALUES)
