"""The question before a peek that may write into cache mounts. No host is reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.audit.peek_mounts import to_agree
from cachetui.audit.plan import peek_plan
from cachetui.cli.peeking import peek_command
from cachetui.config.settings import HostSettings, Settings, folder_build
from cachetui.core import Core
from cachetui.dockerfile.parse import parse
from cachetui.exit_codes import TROUBLE
from cachetui.records.backend import Backend
from cachetui.store.database import Store
from tests.sample_builds import MOUNT, PLAIN, folder

HOSTS = [HostSettings(name=name, address=f"{name}.example.com") for name in ("a", "b")]


@pytest.mark.parametrize(
    ("text", "backends", "asked"),
    [
        (MOUNT, ("legacy", "buildkit"), ("a", "b")),
        (MOUNT, ("buildkit",), ("a", "b")),
        (MOUNT, ("legacy",), ()),
        (PLAIN, ("legacy", "buildkit"), ()),
    ],
)
def test_only_a_peek_that_can_write_into_mounts_is_asked_about(
    tmp_path: Path, text: str, backends: tuple[Backend, ...], asked: tuple[str, ...]
) -> None:
    store = Store(tmp_path)
    assert to_agree(store, ["a", "b"], parse(text), backends) == asked
    store.marks.agree(["a"])
    assert to_agree(store, ["a", "b"], parse(text), backends) == tuple(n for n in asked if n != "a")


@pytest.mark.parametrize("backend", ["buildkit", "legacy"])
def test_without_mounts_the_plan_says_what_is_left_out(backend: Backend) -> None:
    notes = ("--no-mounts leaves out line 4; steps built on that are not decided",)
    assert peek_plan((backend,), parse(MOUNT)).notes == (notes if backend == "buildkit" else ())
    assert peek_plan((backend,), parse(PLAIN)).notes == ()


def test_where_nobody_can_be_asked_nothing_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    core = Core(Settings(path=None, hosts=tuple(HOSTS), builds={}), Store(tmp_path / "store"))
    core.store.marks.agree(["b"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    code = peek_command(
        core,
        folder_build(folder(tmp_path / "build", MOUNT)),
        HOSTS,
        only=None,
        output_format="table",
        output=None,
        fail_on=(),
        progress="none",
        yes=False,
        no_mounts=False,
        every=None,
    )
    assert code == TROUBLE
    assert "nothing was run on a: the first RUN that misses" in capsys.readouterr().err
    assert core.store.audits() == []
    assert core.store.marks.not_agreed(["a"]) == ("a",)
