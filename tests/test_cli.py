"""The command line: what it refuses, what it prints, how it exits. No host is reached."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from cachetui.cli import cli
from cachetui.report.jsonout import encode, schema
from cachetui.store import Store
from tests.builders import document as audit_document
from tests.builders import odd_one_out
from tests.sample_builds import PLAIN, folder


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.toml"
    path.write_text('[[hosts]]\nname = "here"\naddress = "local"\ntags = ["a"]\n')
    return path


@pytest.fixture
def build(tmp_path: Path) -> Path:
    return folder(tmp_path / "api", PLAIN)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere"], "neither a folder nor one of [builds]"),
        (["{build}", "--scenarios", "warm"], "no scenario 'warm'; there are"),
        (["{build}", "-w", "other"], "other"),
        (["{build}", "-x", "here"], "no hosts are left"),
        (["{build}", "--max-age", "soon"], "30m, 12h, 7d"),
        (["{build}", "--target", "prod"], "prod"),
        (["{build}", "-f", "Other"], "no Dockerfile at"),
        (["{build}", "--build-arg", "=x"], "NAME=VALUE"),
        (["{build}", "-o", "{build}/no/such/out.json"], "does not exist"),
    ],
)
def test_a_mistake_is_one_message_and_exit_2(
    hosts: Path, build: Path, tmp_path: Path, words: list[str], says: str
) -> None:
    words = [word.format(build=build) for word in words]
    done = run("run", *words, "--hosts", hosts, "--store", tmp_path / "s")
    assert done.exit_code == 2, done.output
    assert says in done.stderr
    assert done.stderr.startswith("cachetui: ")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_broken_dockerfile_names_its_line(hosts: Path, tmp_path: Path) -> None:
    build = folder(tmp_path / "b", "FROM base:1\nRUM true\n")
    done = run("run", build, "--hosts", hosts, "--store", tmp_path / "s")
    assert done.exit_code == 2
    assert "line 2" in done.stderr
    assert str(build / "Dockerfile") in done.stderr


def test_no_hosts_toml_says_what_to_do(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    done = run("run", build, "--store", tmp_path / "s")
    assert done.exit_code == 2
    assert "hosts.toml" in done.stderr


def test_history_and_show_need_no_host(tmp_path: Path) -> None:
    store = Store(tmp_path)
    document = odd_one_out()
    for one in document.runs:
        store.keep_run(one)
    store.keep_audit(document)
    listed = run("history", "--store", tmp_path)
    assert listed.exit_code == 0
    assert document.audit in listed.stdout
    (entry,) = json.loads(run("history", "--store", tmp_path, "--format", "json").stdout)
    assert entry["audit"] == document.audit
    shown = run("show", "--store", tmp_path, "--format", "json")
    assert shown.exit_code == 1
    assert json.loads(shown.stdout) == json.loads(encode(document))
    out = tmp_path / "page.html"
    assert run("show", "last", "--store", tmp_path, "--format", "html", "-o", out).stdout == ""
    assert "<html" in out.read_text()
    assert run("history", "--store", tmp_path, "--delete", document.audit).exit_code == 0
    gone = run("show", document.audit, "--store", tmp_path)
    assert gone.exit_code == 2
    assert "no single audit" in gone.stderr


@pytest.mark.parametrize("document", [audit_document(), odd_one_out()], ids=["alike", "odd"])
def test_the_schema_describes_what_is_printed(document: object) -> None:
    printed = run("schema")
    assert printed.exit_code == 0
    assert json.loads(printed.stdout) == schema()
    jsonschema.validate(json.loads(encode(document)), schema())  # type: ignore[arg-type]


def test_log_prints_commands_and_says_what_there_is(tmp_path: Path) -> None:
    store = Store(tmp_path)
    document = audit_document()
    for one in document.runs:
        store.keep_run(one)
    store.keep_audit(document)
    one = document.runs[0]
    done = run("log", "last", one.host, one.scenario, "--commands", "--store", tmp_path)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == list(one.commands) or not one.commands
    wrong = run("log", "last", "nobody", one.scenario, "--store", tmp_path)
    assert wrong.exit_code == 2
    assert one.host in wrong.stderr


def test_paths_says_where_things_are(tmp_path: Path) -> None:
    done = run("paths", "--store", tmp_path)
    assert str(tmp_path) in done.stdout
