"""`cachetui history`: a line for each audit, with whether its hosts agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from cachetui.cli.main import cli
from cachetui.records.document import Document
from cachetui.store.database import Store
from tests import make_records as b
from tests.findings.making import audit, run

TEXT = "FROM base:1\nRUN make\n"


def told(letters: str) -> Document:
    return audit(
        TEXT, [run(TEXT, letter, host=name) for name, letter in zip("abcd", letters, strict=True)]
    )


AUDITS: dict[str, tuple[Callable[[], Document], str]] = {
    "alike": (b.document, "agree"),
    "odd": (b.odd_one_out, "≠ mid"),
    "split": (lambda: told("hhmm"), "÷ split"),
    "alone": (lambda: told("mhmm"), "÷ only b hit"),
    "one host": (lambda: b.document([b.run("old", "buildkit-cold")]), "nothing to compare"),
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store in which the audits are the older the later they stand in `AUDITS`."""
    store = Store(tmp_path)
    for number, (name, (made, _)) in enumerate(AUDITS.items()):
        document = replace(made(), audit=f"id-{number}", started_at=b.NOW - number)
        document = replace(document, build=replace(document.build, name=name.replace(" ", "-")))
        runs = [replace(each, id=f"{number}-{each.id}") for each in document.runs]
        for each in runs:
            store.keep_run(each)
        store.keep_audit(replace(document, runs=tuple(runs)))
    store.close()
    return tmp_path


def test_each_audit_says_whether_hosts_agree_and_which_is_odd(store: Path) -> None:
    lines = CliRunner().invoke(cli, ["history", "--store", str(store)]).stdout.splitlines()
    assert [line.split("s  ")[-1] for line in lines] == [said for _, said in AUDITS.values()]


def test_the_verdict_of_older_audits_has_to_be_asked_for(store: Path) -> None:
    done = CliRunner().invoke(cli, ["history", "--store", str(store), "--verdicts", "2"])
    assert "≠ mid" in done.stdout
    assert "÷" not in done.stdout
    assert len(done.stdout.splitlines()) == len(AUDITS)
    assert "--verdicts all" in done.stderr
    none = CliRunner().invoke(cli, ["history", "--store", str(store), "--verdicts", "none"])
    assert "agree" not in none.output


def test_programs_get_the_verdict_too(store: Path) -> None:
    words = ["history", "--store", str(store), "--format", "json", "--verdicts", "1"]
    rows = json.loads(CliRunner().invoke(cli, words).stdout)
    assert [row["verdict"] for row in rows] == ["agree", *[None] * (len(AUDITS) - 1)]
