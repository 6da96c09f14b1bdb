"""Every command of the README and of docs/ runs, and prints what the page claims."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetui.config.hosts_toml import load
from cachetui.demo.fleet import Fleet, demo_fleet
from tests.docs.console import ROOT, Workspace, commands, first_mismatch, pages

NOT_RUN = {
    r"make .*": "a target of the Makefile; that it is one is tested here",
    r"pipx install .*|uv tool install .*|pip install .*": "installs cachetui for a user",
    r"git .*": "of a contributor's own checkout",
    r"cachetui|cachetui open .*": "the app needs a terminal; tests/tui drives it",
    r"cachetui init": "asks before it writes; the same command with --yes is run",
    r"cachetui run .* --repeat .*": "the recorded fleet built each scenario once; "
    "tests/audit/test_audit_lab.py repeats on real engines",
    r"cachetui run \./.*": "the recorded fleet was built with --network=none, which a [builds] "
    "table says; tests/cli/test_cli.py runs a folder",
    r"cachetui run (https:.*|.*\.tar\.gz)": "fetches a context; "
    "tests/audit/test_fetched_context_lab.py does, on real engines",
    r"cachetui run .* --outputs": "the recorded fleet has no images; "
    "tests/outputs/test_outputs_lab.py reads those of real engines",
    r"cachetui outputs.*": "the recorded fleet has no images; "
    "tests/outputs/test_outputs_lab.py compares those of real engines",
    r"dask .*": "a server; tests/cluster starts both",
    r"cachetui run .* --executor .*": "tests/cluster audits by processes and by a Dask cluster",
    r"cachetui peek .*": "its builds are not recorded; tests/audit/test_peek_lab.py runs them on "
    "real engines",
    r"cachetui cache .*": "the recorded fleet has no caches; "
    "tests/hosts/test_shared_cache_lab.py reads those of real engines",
    r"cachetui prove (?!.*--dry-run).*": "its builds are not recorded; "
    "tests/prove/test_experiments.py runs them on real engines",
}
"""Commands that no test here runs, as patterns of their whole text, and why."""


def reason_not_to_run(command: str) -> str | None:
    """Why this command is not run here, None when it is."""
    return next((why for text, why in NOT_RUN.items() if re.fullmatch(text, command)), None)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with demo_fleet(speed=1000) as fleet:
        yield fleet


@pytest.mark.parametrize(
    "page",
    [page for page in pages() if any(commands(page))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_the_commands_of_a_page_do_what_it_says(page: Path, fleet: Fleet, tmp_path: Path) -> None:
    """In their order, in one home folder, as for somebody who follows the page."""
    workspace = Workspace.of(fleet, tmp_path)
    for command in commands(page):
        program, *arguments = command.words
        if reason_not_to_run(" ".join(command.words)) is not None:
            assert not command.output, f"{command}: claims an output that nothing checks"
            continue
        assert program == "cachetui", f"{command}: neither run nor listed in NOT_RUN"
        code, printed, said = workspace.run(arguments, f"results-{command.section}")
        print(f"$ {command.text}\n{printed}{said}")
        assert code in command.exit_codes, f"{command}: exit code {code}"
        line = first_mismatch(command.output, printed or said)
        assert line is None, f"{command}: does not print: {line}"


def test_make_has_every_target_that_a_page_names() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for page in pages():
        for command in commands(page):
            if command.words[0] == "make":
                assert command.words[1] in targets, command


def test_every_reason_not_to_run_a_command_has_its_command() -> None:
    texts = [" ".join(command.words) for page in pages() for command in commands(page)]
    for pattern in NOT_RUN:
        assert any(re.fullmatch(pattern, text) for text in texts), pattern


@pytest.mark.parametrize(
    ("claimed", "printed", "same"),
    [
        ("", "anything", True),
        ("a  1.5s", "a 22s", True),
        ("a\n...\nd", "a\nb\nc\nd\n", True),
        ("a\n...\nd", "a\nd\n", True),
        ("a ... d", "a b c d", True),
        ("audit 1126-010203-abcd", "audit 1127-040506-efgh", True),
        ("a", "a\nb", False),
        ("a\n...", "b\na", False),
        ("a ... d", "a\nd", False),
        ("3 hosts", "4 hosts", False),
    ],
)
def test_a_claim_matches_what_it_says_and_nothing_else(
    claimed: str, printed: str, same: bool
) -> None:
    assert (first_mismatch(claimed, printed) is None) is same


def test_every_hosts_toml_that_is_shown_can_be_read(tmp_path: Path) -> None:
    """The example file, and each one on a page."""
    shown = [(ROOT / "hosts.example.toml").read_text("utf-8")]
    for page in pages():
        blocks = re.findall(r"^```toml\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
        shown += [block for block in blocks if "[[hosts]]" in block]
    assert len(shown) > 1
    for text in shown:
        file = tmp_path / "hosts.toml"
        file.write_text(text, "utf-8")
        assert load(file).hosts
