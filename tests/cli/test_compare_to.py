"""`--compare-to`: the list, and the exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from cachetui.cli.main import cli
from cachetui.records.document import Document
from cachetui.store.database import Store
from tests.findings.making import audit, run

TEXT = "FROM base:1\nCOPY . /app\nRUN make\nRUN test\n"


def kept(store: Store, name: str, at: float, build: str = "api", **letters: str) -> Document:
    """An audit of these hosts, a letter a step, in the store."""
    runs = [run(TEXT, own, host=host, audit=name, at=at) for host, own in letters.items()]
    document = audit(TEXT, runs, at=at, audit=name)
    document = replace(document, build=replace(document.build, name=build))
    store.keep_audit(document)
    for each in document.runs:
        store.keep_run(each)
    return document


@pytest.fixture
def store(tmp_path: Path) -> Path:
    store = Store(tmp_path)
    kept(store, "10-good", 1000.0, a="hhh", b="hhh", c="mmm")
    kept(store, "20-other", 2000.0, build="web", a="mmm")
    kept(store, "30-bad", 3000.0, a="hmm", b="hmm", c="hhh")
    kept(store, "40-same", 4000.0, a="hmm", b="hmm", c="hhh")
    store.close()
    return tmp_path


def show(store: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["show", *words, "--store", str(store)])


def test_what_is_worse_is_listed_once_for_all_hosts(store: Path) -> None:
    shown = show(store, "30-bad", "--compare-to", "10-good")
    assert shown.exit_code == 1
    lines = shown.stderr.splitlines()
    assert lines[0] == "cachetui: worse than 10-good:"
    assert lines[1] == (
        "  buildkit-as-found on a,b: line 3 RUN make hit then and missed now, and 1 later step "
        "with it"
    )
    assert "on c" not in shown.stderr


def test_last_is_the_audit_of_this_build_before_it(store: Path) -> None:
    assert "worse than 10-good" in show(store, "30-bad", "--compare-to", "last").stderr
    same = show(store, "40-same", "--compare-to", "last")
    assert same.exit_code == 0, "hosts differ, and as much as before"
    assert "not worse than 30-bad: 9 steps" in same.stderr
    assert show(store, "40-same").exit_code == 1


def test_last_is_the_last_audit_without_trouble_and_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kept(store, "10-good", 1000.0, a="hhh", b="hhh")
    for name, at in (("20-gone", 2000.0), ("30-gone", 3000.0)):
        whole = kept(store, name, at, a="hmm", b="hmm")
        gone = replace(whole.hosts[1], status="unreachable")
        runs = tuple(each for each in whole.runs if each.host == "a")
        store.keep_audit(replace(whole, hosts=(whole.hosts[0], gone), runs=runs))
    kept(store, "40-now", 4000.0, a="hmm", b="hmm")
    store.close()
    shown = show(tmp_path, "40-now", "--compare-to", "last")
    assert shown.exit_code == 1
    assert "--compare-to last is 10-good: the 2 since had hosts or runs in trouble" in shown.stderr
    assert "worse than 10-good" in shown.stderr
    first = show(tmp_path, "20-gone", "--compare-to", "last")
    assert "worse than 10-good" in first.stderr
    assert "in trouble" not in first.stderr
    assert (
        CliRunner()
        .invoke(cli, ["history", "--delete", "10-good", "--store", str(tmp_path)])
        .exit_code
        == 0
    )
    shown = show(tmp_path, "40-now", "--compare-to", "last")
    assert (
        "--compare-to last is 30-gone: it and all others had hosts or runs in trouble"
        in shown.stderr
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("10-good", "--compare-to", "last"), "no earlier audit of api is stored"),
        (("30-bad", "--compare-to", "20-other"), "is an audit of web, not of api"),
        (("30-bad", "--compare-to", "zz"), "no audit is named 'zz'"),
    ],
)
def test_an_audit_that_cannot_be_compared_with_is_trouble(
    store: Path, words: tuple[str, ...], says: str
) -> None:
    shown = show(store, *words)
    assert shown.exit_code == 2
    assert says in shown.stderr
    assert shown.stdout == ""


def test_a_comparison_of_nothing_does_not_pass(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kept(store, "1", 1.0, a="hhh")
    kept(store, "2", 2.0, x="hhh")
    store.close()
    shown = show(tmp_path, "2", "--compare-to", "1")
    assert shown.exit_code == 2
    assert "nothing to compare with 1" in shown.stderr
    page = show(tmp_path, "2", "--compare-to", "1", "--format", "markdown").stdout
    assert page.splitlines()[2].startswith("**Nothing to compare with 1: no host ran")


def test_where_every_build_failed_no_sign_says_that_all_is_well(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kept(store, "1", 1.0, a="hhh", b="hhh")
    failed = kept(store, "2", 2.0, a="fff", b="fff")
    runs = tuple(replace(run, status="failed", reason="no", steps=()) for run in failed.runs)
    store.keep_audit(replace(failed, runs=runs))
    for each in runs:
        store.keep_run(each)
    store.close()
    shown = show(tmp_path, "2", "--compare-to", "1", "--format", "markdown")
    assert shown.exit_code == 2
    assert "every build failed: nothing to compare with 1" in shown.stderr
    assert shown.stdout.splitlines()[2] == "**✗ Every build failed: nothing to compare with 1**"
    page = show(tmp_path, "2", "--compare-to", "1", "--format", "html").stdout
    assert "✗ every build failed: nothing to compare with 1" in page
    assert "✓" not in page


@pytest.mark.parametrize("output_format", ["markdown", "html"])
def test_a_page_begins_with_what_is_worse(store: Path, output_format: str) -> None:
    words = ("30-bad", "--compare-to", "10-good", "--format", output_format)
    page = show(store, *words).stdout
    assert "orse than 10-good:" in page
    assert page.index("orse than 10-good:") < page.index("Hosts differ")
    assert "buildkit-as-found on a,b: line 3 RUN make hit then and missed now" in page
    assert "orse than" not in show(store, "30-bad", "--format", output_format).stdout


def test_a_host_alone_has_the_comparison_and_no_verdict(tmp_path: Path) -> None:
    alone = Store(tmp_path)
    kept(alone, "10-good", 1000.0, a="hhh")
    kept(alone, "30-bad", 3000.0, a="hmm")
    alone.close()
    words = ("30-bad", "--compare-to", "last", "--format", "markdown")
    page = show(tmp_path, *words).stdout
    assert page.splitlines()[2] == "**✗ Worse than 10-good:**"
    assert "Nothing to compare" not in page
