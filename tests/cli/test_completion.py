"""Shell completion: what each word can be, in a real bash too, and that it is quick."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from msgspec.structs import replace

from cachetui.cli.completion import VARIABLE
from cachetui.cli.main import cli
from cachetui.findings import RULES
from cachetui.store import glance
from cachetui.store.database import Store
from tests import make_records as b
from tests.cli.test_cold_start import HEAVY
from tests.findings.making import audit, host, run

TOML = """
[[hosts]]
name = "ci-1"
address = "ci-1.example.com"
tags = ["fast"]
[[hosts]]
name = "ci-2"
address = "ci-2.example.com"
[builds.shop]
context = "."
[builds.web]
context = "."
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a hosts.toml, a store with two audits and a peek, and a folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CACHETUI_STORE", str(tmp_path / "s"))
    (tmp_path / "hosts.toml").write_text(TOML)
    store = Store(tmp_path / "s")
    text = "FROM base:1\nRUN make\n"
    names = {"ci-1": "old", "ci-2": "new", "ci-3": "new"}
    hosts = [host(name, {"base:1": (f"sha256:{image}",)}) for name, image in names.items()]
    runs = [run(text, "h" if name == "ci-1" else "m", host=name) for name in names]
    document = audit(text, runs, hosts=hosts, audit="20-b")
    document = replace(document, scenarios=("buildkit-as-found",))
    for each in (replace(document, audit="10-a", started_at=b.NOW - 9), document):
        store.keep_audit(each)
    for made in runs:
        store.keep_run(made)
    peek = replace(document, audit="30-p", started_at=b.NOW + 9, scenarios=("buildkit-peek",))
    store.keep_audit(peek)
    store.close()
    return tmp_path


def words(*typed: str) -> list[str]:
    """What the last of the typed words can be."""
    shell = ShellComplete(cli, {}, "cachetui", VARIABLE)
    *before, incomplete = typed
    return [item.value for item in shell.get_completions(before, incomplete) if item.value]


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        (("comp",), ["completion"]),
        (("run", "s"), ["shop", "s"]),  # and folders that begin so
        (("peek", "we"), ["web", "we"]),
        (("run", "shop", "-w", "ci"), ["ci-1", "ci-2"]),
        (("hosts", "-x", "ci-1,@f"), ["ci-1,@fast", "ci-1,@failed"]),
        (("show", ""), ["last", "30-p", "20-b", "10-a"]),
        (("open", "2"), ["20-b"]),
        (("history", "--pin", "1"), ["10-a"]),
        (("show", "20-b", "--compare-to", "1"), ["10-a"]),
        (("log", "20-b", ""), ["ci-1", "ci-2", "ci-3"]),
        (("log", "last", "ci-1", ""), ["buildkit-as-found"]),
        (
            ("outputs", "20-b/ci-2"),
            ["20-b/ci-2", "20-b/ci-2/buildkit-as-found"],
        ),
        (("outputs", "ci-3"), ["ci-3/buildkit-as-found"]),
        (("run", "shop", "--scenarios", "buildkit-cold,legacy-w"), ["buildkit-cold,legacy-warm"]),
        (("run", "shop", "--format", "ht"), ["html"]),
        (("run", "shop", "--fail-on", "base"), ["base-drift"]),
        (("explain", "base"), ["base-drift"]),
        (("prove", "base-drift:"), ["base-drift:1"]),
        (("prove", "x", "--host", "ci-3"), ["ci-3"]),
        (("completion", "z"), ["zsh"]),
        (("run", "shop", "--compare"), ["--compare-to"]),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_word_is_completed(typed: tuple[str, ...], known: list[str]) -> None:
    assert words(*typed) == known


@pytest.mark.usefixtures("home")
def test_files_that_options_name_are_read() -> None:
    Path("other.toml").write_text("[builds.other]\ncontext = '.'\n")
    assert words("--hosts", "other.toml", "run", "o")[0] == "other"
    assert words("run", "--hosts", "other.toml", "o")[0] == "other"
    assert words("--store", "nowhere", "show", "") == ["last"]


@pytest.mark.parametrize(
    "broken", ["[hosts", "hosts = 3\nbuilds = []", "\0", "[[hosts]]\nname = 4"]
)
@pytest.mark.usefixtures("home")
def test_what_cannot_be_read_completes_to_nothing(broken: str) -> None:
    Path("hosts.toml").write_text(broken)
    Path("s/audits/cache.db").write_bytes(b"no database" * 100)
    assert words("run", "sh") == ["sh"]
    assert "ci-1" not in words("run", "shop", "-w", "ci")
    assert words("show", "") == ["last"]
    assert words("log", "last", "") == []


def test_glance_sees_what_the_store_has(home: Path) -> None:
    store = Store(home / "s")
    assert [each.audit for each in glance.audits(home / "s")] == [e.audit for e in store.audits()]
    for name in ("last", "2", "10-a", "", "nobody"):
        found = glance.audit(home / "s", name)
        assert (found.audit if found else None) == store.resolve(name), name


def in_bash(home: Path, line: str) -> list[str]:
    """What a real bash completes the line with."""
    script = CliRunner().invoke(cli, ["completion", "bash"]).output
    command = (
        "COMP_WORDBREAKS=$' \\t\\n\"><=;|&(:@\\''\n"
        f"{script}\ncompopt() {{ :; }}\n"
        f"COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}\n"
        "_cachetui_completion cachetui\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", command],
        env={**os.environ, "PATH": path},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("cachetui run we", ["web"]),
        ("cachetui run shop -w @fa", ["fast", "failed"]),
        ("cachetui prove base-drift:", ["1"]),
        ("cachetui log last ci-2 ", ["buildkit-as-found"]),
    ],
)
def test_bash_replaces_the_part_of_a_word_that_it_takes_for_one(
    home: Path, line: str, replies: list[str]
) -> None:
    assert in_bash(home, line) == replies


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell: str) -> None:
    done = CliRunner().invoke(cli, ["completion", shell])
    assert done.exit_code == 0
    assert f"{VARIABLE}={shell}_complete" in done.output
    assert 'string split ","' not in done.output, "words have commas"


@pytest.mark.parametrize("line", ["cachetui run s", "cachetui show ", "cachetui log last "])
def test_completing_imports_nothing_heavy(home: Path, line: str) -> None:
    code = (
        "import sys\nsys.argv = ['cachetui']\nfrom cachetui.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', *[m for m in {(*HEAVY, 'msgspec')!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, VARIABLE: "bash_complete", "COMP_LINE": line},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.rsplit("LOADED", 1)[1].split() == []
    assert "plain," in done.stdout


def test_every_rule_is_offered() -> None:
    assert words("explain", "") == [rule.id for rule in RULES]
