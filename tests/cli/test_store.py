"""`cachetui store`, pinned audits, and a limit that every audit keeps, on the recorded fleet."""

from __future__ import annotations

import json
import os
import stat

import pytest

from cachetui.records.step import StepId
from cachetui.report.audit_report import log_tail_of
from cachetui.store.database import Store
from tests.docs.console import Workspace
from tests.store.test_prune import keep

BUILD = ["run", "shop", "--scenarios", "legacy-cold", "-w", "ci-2", "--progress", "quiet"]


def limit(space: Workspace, text: str) -> None:
    path = space.folder / "hosts.toml"
    path.write_text(f"{path.read_text()}\n[store]\n{text}\n")


def audits(space: Workspace) -> dict[str, bool]:
    """The stored audits, and whether they are pinned."""
    _, printed, _ = space.run(["history", "--format", "json"], "s")
    return {entry["audit"]: entry["pinned"] for entry in json.loads(printed)}


@pytest.mark.fault("store-limit")
def test_an_audit_keeps_the_limit_at_its_end(space: Workspace) -> None:
    old = Store(space.folder / "s")
    for name in ("0101-a", "0102-b", "0103-c"):
        keep(old, name, days=100)
    old.close()
    limit(space, 'max_age = "90d"')
    assert space.run(["history", "--pin", "0102"], "s") == (0, "", "pinned 0102-b\n")
    code, _, said = space.run(BUILD, "s")
    assert code == 0
    assert said == "cachetui: removed 2 audits, 1.2 MB, to keep the store within 90d\n"
    assert [name for name, pinned in audits(space).items() if pinned] == ["0102-b"]
    assert len(audits(space)) == 2
    _, printed, _ = space.run(["history"], "s")
    assert [line.endswith("  pinned") for line in printed.splitlines()] == [False, True]
    code, _, said = space.run(["history", "--delete", "0102"], "s")
    assert (code, said) == (2, "cachetui: 0102-b is pinned and stays; --unpin 0102-b first\n")
    assert space.run(["history", "--unpin", "0102"], "s") == (0, "", "unpinned 0102-b\n")
    _, _, said = space.run(BUILD, "s")
    assert said.startswith("cachetui: removed 1 audit, ")


@pytest.mark.fault("store-limit")
def test_an_audit_larger_than_the_limit_is_told_and_whole(space: Workspace) -> None:
    limit(space, 'max_size = "10kB"')
    code, printed, said = space.run([*BUILD, "--format", "json"], "s")
    assert code == 0
    assert len(json.loads(printed)["runs"]) == 1
    assert "more than max_size 10kB" in said
    code, log, _ = space.run(["log", "last", "ci-2", "legacy-cold"], "s")
    assert code == 0
    assert log


def test_a_log_that_went_says_so(space: Workspace) -> None:
    space.run(BUILD, "s")
    store = Store(space.folder / "s")
    (run,) = store.audit(store.audits()[0].audit).runs  # type: ignore[union-attr]
    store.remove_logs([run.id], "the log was removed on 2026-11-26 to keep the store within 2GB")
    assert log_tail_of(store)(run.id, StepId(0, 1)) == [
        "(the log was removed on 2026-11-26 to keep the store within 2GB)"
    ]
    store.close()
    code, printed, said = space.run(["log", "last", "ci-2", "legacy-cold"], "s")
    assert (code, printed) == (2, "")
    assert said == (
        "cachetui: no log of legacy-cold on ci-2 is stored: the log was removed on 2026-11-26 to "
        "keep the store within 2GB\n"
    )
    assert space.run(["show"], "s")[0] == 0
    again, printed, _ = space.run([*BUILD, "--format", "json"], "s")
    assert again == 0
    assert json.loads(printed)["runs"][0]["stored"]


def test_the_size_by_kind(space: Workspace) -> None:
    space.run(BUILD, "s")
    code, printed, _ = space.run(["store"], "s")
    assert code == 0
    lines = printed.splitlines()
    assert {line.split("  ")[0] for line in lines} >= {"logs", "runs", "in all"}
    assert lines[-1] == "no limit is set"
    _, printed, _ = space.run(["store", "--format", "json", "--max-size", "2GB"], "s")
    shown = json.loads(printed)
    assert shown["max_size"] == 2_000_000_000
    assert shown["max_age"] is None
    assert sum(kind["bytes"] for kind in shown["kinds"]) == shown["bytes"]
    assert shown["folder"] == str(space.folder / "s")


def test_prune_by_hand(space: Workspace) -> None:
    store = Store(space.folder / "s")
    keep(store, "0101-a", days=100)
    store.close()
    code, printed, said = space.run(["store", "--prune"], "s")
    assert (code, printed) == (2, "")
    assert "the store has no limit: give --max-size or --max-age" in said
    code, printed, said = space.run(["store", "--prune", "--max-size", "much"], "s")
    assert (code, printed) == (2, "")
    assert '"much" is not a size; write "500MB" or "2GB"' in said
    words = ["store", "--max-size", "500kB"]
    code, printed, _ = space.run([*words, "--dry-run"], "s")
    text = "the logs of 2 runs of 1 audit, 600 kB, to keep the store within 500kB\n"
    assert (code, printed) == (0, f"would remove {text}")
    assert space.run([*words, "--prune"], "s") == (0, f"removed {text}", "")
    code, printed, _ = space.run([*words, "--prune"], "s")
    assert (code, printed) == (0, "the store is within 500kB; nothing to remove\n")
    space.run(["history", "--pin", "0101"], "s")
    code, printed, _ = space.run(["store", "--max-size", "1kB", "--prune"], "s")
    assert code == 2
    assert "1 pinned audit among it" in printed
    with Store(space.folder / "s").in_use.working():
        code, printed, said = space.run([*words, "--prune"], "s")
    assert (code, printed) == (2, "")
    assert "under way; nothing was removed" in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("max_size = 2", "[store], key max_size: must be a string in quotes"),
        ('max_size = "2"', '[store], key max_size: "2" is not a size; write "500MB" or "2GB"'),
        (
            'max_age = "90 days"',
            '[store], key max_age: "90 days" is not a time; write "12h" or "90d"',
        ),
        ('max_siz = "2GB"', 'there is no such key; did you mean "max_size"?'),
    ],
)
def test_a_limit_that_is_wrong_names_its_place(space: Workspace, text: str, says: str) -> None:
    limit(space, text)
    code, printed, said = space.run(BUILD, "s")
    assert (code, printed) == (2, "")
    assert says in said


def test_only_its_user_can_read_the_store(space: Workspace) -> None:
    """Whatever the umask: files 0600, folders 0700, also those that come and go."""
    before = os.umask(0)
    try:
        code, _, said = space.run([*BUILD, "--log-file", "log"], "new/s")
        assert code == 0, said
        store = Store(space.folder / "new" / "s")
        keep(store, "0101-a", days=100)
        store.keep_blob("big", bytes(100_000))
        journal = store.begin_journal("topic", "a", store.audits()[0])
        store.use("0101-a")
        damaged = store.caches[0]
        damaged.put("run:x", "{", "a run")
        assert store.run("x") is None  # set aside
        with store.spool() as folder, store.in_use.working():
            (folder / "log").touch()
            space.run(["store", "--prune", "--max-age", "1d"], "new/s")
            modes = {
                path: stat.S_IMODE(path.stat().st_mode)
                for path in [space.folder / "new" / "s", *(space.folder / "new").rglob("*")]
                if path.parent != folder
            }
        journal.drop()
    finally:
        os.umask(before)
    assert any("damaged" in str(path) for path in modes)
    wrong = {
        str(path): oct(mode)
        for path, mode in modes.items()
        if mode != (0o700 if path.is_dir() else 0o600) and path.exists()
    }
    assert wrong == {}
    assert stat.S_IMODE((space.folder / "log").stat().st_mode) == 0o600
