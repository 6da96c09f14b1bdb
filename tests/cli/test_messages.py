"""What the command line says: of names that stand for something else, or for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from cachetui.audit.peek_results import Peek, PeekResult
from cachetui.cli.failures import or_fail
from cachetui.cli.main import cli
from cachetui.cli.runs_there import runs_there
from cachetui.compare.groups import fold_short
from cachetui.core import UserError
from cachetui.report.peek import render
from cachetui.store.database import Store
from tests import make_records as b
from tests.ragged_fleet import ragged_fleet


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with an audit, and a peek after it."""
    store = Store(tmp_path / "s")
    built = b.document([b.run("old", "buildkit-cold", status="failed", reason="no")])
    store.keep_audit(built)
    for each in built.runs:
        store.keep_run(each)
    peeked = replace(
        built, audit="zz-peek", runs=(), scenarios=("buildkit-peek",), started_at=b.NOW + 9
    )
    store.keep_audit(peeked)
    store.close()
    return tmp_path / "s"


def test_last_is_the_last_audit_that_built(store: Path) -> None:
    shown = run("show", "--store", store)
    assert f"audit {b.document().audit}" in shown.stdout
    assert f"last is {b.document().audit}" in shown.stderr
    assert "the last peek is zz-peek" in shown.stderr
    assert "last peek" not in run("show", "zz-peek", "--store", store).stderr


def test_failed_hosts_are_those_of_the_last_audit_that_built(store: Path, tmp_path: Path) -> None:
    toml = tmp_path / "hosts.toml"
    toml.write_text('[[hosts]]\nname = "old"\naddress = "nowhere.invalid"\n')
    asked = run("hosts", "-w", "@failed", "--hosts", toml, "--store", store)
    assert "old" in asked.stdout + asked.stderr
    assert "no host of hosts.toml failed" not in asked.stderr


@pytest.mark.parametrize("word", ["--delete", "--pin"])
def test_an_empty_name_is_no_audit(tmp_path: Path, word: str) -> None:
    Store(tmp_path).keep_audit(b.document())
    refused = run("history", word, "", "--store", tmp_path)
    assert refused.exit_code == 2
    assert "no audit is named ''" in refused.stderr
    assert b.document().audit in run("history", "--store", tmp_path).stdout


def test_a_beginning_of_several_ids_names_them(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in ("11-a", "11-b"):
        store.keep_audit(replace(b.document(), audit=name))
    said = run("show", "11", "--store", tmp_path).stderr
    assert "2 audits begin with '11': 11-" in said


def test_control_characters_are_spelled_out(capsys: pytest.CaptureFixture[str]) -> None:
    def wrong() -> None:
        raise UserError("a\x07b: \x1b[31mred\x1b[0m")

    with pytest.raises(SystemExit):
        or_fail(wrong)
    assert capsys.readouterr().err == "cachetui: a\\x07b: red\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("peek", ".", "--no-cache"), "a peek looks at what the cache holds"),
        (("peek", ".", "--no-cache-filter", "x"), "a peek looks at what the cache holds"),
        (("run", ".", "--no-cache"), "the cold scenarios do that"),
        (("run", ".", "-t", "x"), "--tag or -t is not passed on"),
    ],
)
def test_options_of_docker_are_refused_with_the_reason_of_the_command(
    words: tuple[str, ...], says: str
) -> None:
    refused = run(*words)
    assert refused.exit_code == 2
    assert says in refused.stderr
    assert "--no-cache-filter" not in run("peek", "--help").stdout


def test_why_a_builder_could_not_be_looked_at_stands_whole_below_the_table() -> None:
    reason = "the build needs BuildKit, " + "which this engine does not have, " * 5
    results = [
        PeekResult(host=name, backend="legacy", status="unsupported", reason=reason)
        for name in ("ci-1", "ci-2")
    ]
    peek = Peek(
        audit="a", build="b", started_at=0.0, seconds=1.0, results=tuple(results), unseen=()
    )
    text = render(peek, "table")
    assert text.count(reason.strip()) == 1
    assert "legacy on ci-[1-2]: the build needs" in text
    assert max(map(len, text.splitlines()[:3])) < 80


def test_runs_that_there_are_are_told_by_the_hosts_that_ran_them(tmp_path: Path) -> None:
    document = ragged_fleet(60)
    told = runs_there(document)
    scenarios = "legacy-as-found, buildkit-as-found, buildkit-cold, buildkit-warm"
    assert told == f"{scenarios} on {fold_short([run.host for run in document.runs])}"
    alone = replace(document, runs=(*document.runs, b.run("web", "legacy-cold")))
    assert runs_there(alone) == f"{told}; legacy-cold on web"
    assert len(told) < 250
    store = Store(tmp_path / "s")
    store.keep_audit(document)
    store.close()
    for words in (("log", "last", "no", "legacy-cold"), ("outputs", "last/no/legacy-cold")):
        done = run("--store", tmp_path / "s", *words)
        assert done.exit_code == 2
        assert len(done.stderr) < 400
    assert runs_there(replace(document, runs=())) == "none"
