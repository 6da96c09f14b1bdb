"""The command line: what it refuses, what it prints, how it exits. No host is reached."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import fields
from pathlib import Path

import click
import jsonschema
import pytest
from click.testing import CliRunner, Result

from cachetui.audit.findings_of import why
from cachetui.cli.args import RunArgs, ShowArgs
from cachetui.cli.main import cli
from cachetui.cli.main import run as run_command
from cachetui.cli.result import write_result
from cachetui.dockerfile.parse import parse
from cachetui.findings import RULES, Findings
from cachetui.report.formats.json import encode, schema
from cachetui.store.database import Store
from tests.make_records import document as audit_document
from tests.make_records import odd_one_out
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
        (["nowhere"], "is neither a folder, bake or compose file, git URL or tarball, nor a build"),
        (["nowhere.hcl#app"], "nowhere.hcl does not exist"),
        (["a" * 5000], "File name too long"),
        (["{build}", "-w", ""], "names no host"),
        (["{build}", "--fail-on", " , "], "names no rule"),
        (["{build}", "--scenarios", "warm"], "no scenario 'warm'; there are"),
        (["{build}", "-w", "other"], "other"),
        (["{build}", "-x", "here"], "no hosts are left"),
        (["{build}", "--max-age", "soon"], "30m, 12h, 7d"),
        (["{build}", "--max-age", "7d", "--fresh"], "leave one out"),
        (["{build}", "--scenarios", ""], "no scenario named; there are"),
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
    said = json.loads(shown.stdout)
    assert said == json.loads(encode(document, why(document, store)))
    assert said["unexplained"], "the odd one out is not explained: nothing tells why"
    out = tmp_path / "page.html"
    assert run("show", "last", "--store", tmp_path, "--format", "html", "-o", out).stdout == ""
    assert "<html" in out.read_text()
    assert run("history", "--store", tmp_path, "--delete", document.audit).exit_code == 0
    gone = run("show", document.audit, "--store", tmp_path)
    assert gone.exit_code == 2
    assert "no audit is stored yet" in gone.stderr


@pytest.mark.parametrize("document", [audit_document(), odd_one_out()], ids=["alike", "odd"])
def test_the_schema_describes_what_is_printed(document: object) -> None:
    printed = run("schema")
    assert printed.exit_code == 0
    assert json.loads(printed.stdout) == schema()
    jsonschema.validate(json.loads(encode(document, Findings())), schema())  # type: ignore[arg-type]


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


# Why


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A store with one audit, in which the legacy builder could not build a RUN --mount."""
    store = Store(tmp_path / "store")
    document = audit_document()
    for one in document.runs:
        store.keep_run(one)
    store.keep_audit(document)
    return store.folder


def test_show_tells_why_and_the_json_has_it(kept: Path) -> None:
    table = run("show", "--store", kept)
    assert "RUN --mount (line 5) needs BuildKit" in table.stdout
    assert "DOCKER_BUILDKIT=1" in table.stdout
    said = json.loads(run("show", "--store", kept, "--format", "json").stdout)
    jsonschema.validate(said, schema())
    found = next(one for one in said["findings"] if one["id"] == "mount-needs-buildkit")
    assert {
        "id", "title", "confidence", "hosts", "backends", "steps", "seconds", "evidence", "advice",
    } <= found.keys()  # fmt: skip
    assert found["confidence"] == "proved"
    assert found["steps"] == [{"stage_index": 0, "index": 3}]
    keys = {"kind", "text", "data", "hosts", "runs"}
    assert all(one.keys() == keys for one in found["evidence"])
    assert "Why" not in run("show", "--store", kept, "--findings", "none").stdout
    wrong = run("show", "--store", kept, "--findings", "some")
    assert wrong.exit_code == 2
    assert "'all' or 'none'" in wrong.stderr


def test_a_finding_can_be_a_gate(kept: Path) -> None:
    without = run("show", "--store", kept).exit_code
    done = run("show", "--store", kept, "--fail-on", "base-drift,mount-needs-buildkit")
    assert done.exit_code == 3
    assert "mount-needs-buildkit:5 (proved)" in done.stderr
    assert run("show", "--store", kept, "--fail-on", "base-drift").exit_code == without != 3


def test_a_gate_that_no_rule_has_is_told_before_anything_runs(
    hosts: Path, build: Path, kept: Path
) -> None:
    for words in (["run", build, "--hosts", hosts], ["show"]):
        done = run(*words, "--store", kept, "--fail-on", "base-drift,base-drif")
        assert done.exit_code == 2
        assert "'base-drif': no rule has that id; did you mean base-drift?" in done.stderr
        assert "platform-differs" in done.stderr
        assert done.stdout == ""
        assert "connecting" not in done.stderr


def test_explain_tells_of_every_surprise_with_a_dockerfile() -> None:
    listed = run("explain").stdout.splitlines()
    assert [line.split()[0] for line in listed] == [one.id for one in RULES]
    for one in RULES:
        said = run("explain", one.id)
        assert said.exit_code == 0
        assert one.surprise[:40] in said.stdout
        assert parse(one.example).stages
        assert all(line in said.stdout for line in one.example.splitlines())
    assert run("explain", "base-drift:2").stdout == run("explain", "base-drift").stdout
    wrong = run("explain", "basedrift")
    assert wrong.exit_code == 2
    assert "base-drift" in wrong.stderr


@pytest.mark.parametrize("words", [("run", "."), ("hosts",), ("clean",), ("prove", "base-drift:1")])
def test_a_hosts_toml_that_is_not_there_is_one_message(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    store = () if words[0] == "hosts" else ("--store", tmp_path / "s")
    done = run(*words, "--hosts", tmp_path / "none.toml", *store)
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith(f"cachetui: {tmp_path / 'none.toml'}: there is no such file")


def test_the_defaults_of_run_are_those_of_its_options() -> None:
    group = cli.make_context("cachetui", ["run", "."])
    params = run_command.make_context("run", ["."], parent=group).params
    args = RunArgs()
    for field in fields(RunArgs):
        if field.name not in ("show", "docker_args"):  # which tests/cli/test_docker_options.py has
            assert getattr(args, field.name) == params[field.name], field.name
    for field in fields(ShowArgs):
        assert getattr(args.show, field.name) == params[field.name], field.name


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_option_has_a_help_text(command: str) -> None:
    for parameter in cli.commands[command].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.fault("output-file")
def test_a_result_is_written_to_a_device_and_through_a_link_without_replacing_them(
    tmp_path: Path,
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write_result("a result", pipe)
    reader.join(10)
    assert read == ["a result\n"]
    assert pipe.is_fifo()
    write_result("nothing", Path("/dev/null"))
    assert Path("/dev/null").is_char_device()
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to(target)
    write_result("a result", link)
    assert (link.is_symlink(), target.read_text()) == (True, "a result\n")
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "link", "target"}


@pytest.mark.fault("output-file")
def test_a_result_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("before")
    with pytest.raises(UnicodeEncodeError):
        write_result("\udc80", tmp_path / "kept")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"kept": "before"}


WHEREVER = [
    (name, option)
    for name, command in sorted(cli.commands.items())
    for option in ("hosts_file", "store_place")
    if any(param.name == option for param in command.params)
]


@pytest.mark.parametrize(("name", "option"), WHEREVER)
@pytest.mark.parametrize("joined", [True, False])
def test_options_before_the_command_hold_for_it(
    name: str, option: str, joined: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = {"hosts_file": "--hosts", "store_place": "--store"}[option]
    monkeypatch.setenv("CACHETUI_STORE", "/from/environment")

    def given(path: str) -> list[str]:
        return [f"{flag}={path}"] if joined else [flag, path]

    def means(before: list[str], after: list[str]) -> object:
        command = cli.commands[name]
        arguments = [p for p in command.params if isinstance(p, click.Argument) and p.required]
        group = cli.make_context("cachetui", [*before, name])
        words = [*after, *("x" for _ in arguments)]
        return command.make_context(name, words, parent=group).params[option]

    assert means(given("/a"), []) == Path("/a")
    assert means([], given("/b")) == Path("/b")
    assert means(given("/a"), given("/b")) == Path("/b"), "what is given last holds"
    assert means([*given("/a"), *given("/c")], []) == Path("/c")
    assert means([], []) == (Path("/from/environment") if option == "store_place" else None)


def test_a_command_that_reads_hosts_or_store_takes_both_options() -> None:
    assert {name for name, option in WHEREVER if option == "hosts_file"} == {
        "run", "cache", "peek", "share", "hosts", "clean", "prove", "outputs", "open", "store",
        "paths", "init",
    }  # fmt: skip
    assert {name for name, option in WHEREVER if option == "store_place"} == {
        "run", "cache", "peek", "share", "hosts", "clean", "prove", "outputs", "open", "history",
        "show", "log", "paths", "store",
    }  # fmt: skip


def test_the_store_given_before_the_command_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "own")
    store.keep_audit(audit_document())
    store.close()
    for words in (["history"], ["show", "last"], ["log", "last", "old", "buildkit-cold"]):
        given = run("--store", tmp_path / "own", *words)
        after = run(*words, f"--store={tmp_path / 'own'}")
        assert (given.exit_code, given.output) == (after.exit_code, after.output)
    assert "audit" in run("--store", tmp_path / "own", "show").output


def test_paths_names_the_file_of_hosts_that_is_given(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    for words in (["--hosts", other, "paths"], ["paths", "--hosts", other]):
        hosts = [line for line in run(*words).output.splitlines() if line.startswith("hosts")]
        assert hosts == [f"hosts\t{other}\tnot there"]


def test_hosts_given_before_the_command_are_read(tmp_path: Path, hosts: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[[hosts]]\nname = "elsewhere"\naddress = "local"\n')
    asked = run("--hosts", other, "hosts", "-w", "nobody")
    assert "elsewhere" in asked.output
    asked = run("--hosts", other, "hosts", f"--hosts={hosts}", "-w", "nobody")
    assert "here" in asked.output
    assert "elsewhere" not in asked.output


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--dry-run"],
        ["peek"],
        ["share", "--dry-run"],
        ["share", "--dry-run", "--findings", "all", "--all"],
    ],
)
def test_a_host_without_docker_is_trouble_and_no_fault_of_ours(
    hosts: Path, build: Path, tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each option of a command that builds is known to what does its work."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    command, *more = words
    done = run(command, build, "--hosts", hosts, "--store", tmp_path / "store", *more)
    assert isinstance(done.exception, SystemExit | None), done.exception
    assert done.exit_code in (0, 2), done.output
