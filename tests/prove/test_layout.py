"""Where derived builds lie, and which options they keep."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from cachetui.config.settings import HostSettings
from cachetui.context.manifest import Entry
from cachetui.dockerfile.parse import parse
from cachetui.findings.build_options import forbids_cache
from cachetui.findings.context_files import Difference
from cachetui.prove import context_edits
from cachetui.prove import dockerfile_pieces as pieces
from cachetui.prove.change import Change, Image, State
from cachetui.prove.derived_build import DerivedBuilds, kept_options
from cachetui.prove.experiment_host import ExperimentHost
from cachetui.records.document import BuildRecord
from cachetui.records.step import StepId
from cachetui.store.database import Store

TEXT = "FROM base:1 AS a\nRUN x\nFROM other:1 AS idle\nRUN y\nFROM scratch\nCOPY --from=a / /\nCOPY . /s\nRUN z\n"  # noqa: E501


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (("--pull", "--squash"), ("--squash",)),
        (("--cache-to", "type=inline", "--ulimit", "nofile=9"), ("--ulimit", "nofile=9")),
        (("--cache-to=type=inline", "--pull=true"), ()),
        (("--secret", "id=a,src=b"), ("--secret", "id=a,src=b")),
    ],
)
def test_options_that_reach_out_are_left_away(
    given: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    assert kept_options(given) == kept


@pytest.mark.parametrize(
    ("given", "never"),
    [
        ((), False),
        (("--no-cache",), True),
        (("--no-cache=true",), True),
        (("--no-cache=false",), False),
        (("--no-cache", "--no-cache=false"), False),
        (("--no-cache-filter=a",), False),
    ],
)
def test_no_cache_is_known(given: tuple[str, ...], never: bool) -> None:
    assert forbids_cache(given) is never


def laid_out(ignores: dict[str, str], backend: str, **more: object) -> tuple[DerivedBuilds, Change]:
    file = parse(TEXT)
    record = BuildRecord(
        name="n", context_digest="sha256:0", dockerfile="Dockerfile", target="t",
        ignore_files=ignores,
    )  # fmt: skip
    layout = DerivedBuilds("prove-1", "/c/0", "/c/prove-1", "context/Dockerfile", record, file)
    state = State("as it is", pieces.pieces(file), {}, **more)  # type: ignore[arg-type]
    return layout, Change(backend, "what", StepId(2, 2), state, state)  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
def test_a_cache_of_its_own_is_salted_and_ends_with_the_step(backend: str) -> None:
    layout, change = laid_out({"context/Dockerfile.dockerignore": "*\n"}, backend)
    laid = layout.own(change, change.now, "now")
    stages = [[item.text for item in stage.instructions] for stage in laid.dockerfile.stages]
    salt = "COPY .cachetui-salt /.cachetui-salt"
    assert stages == [
        ["FROM base:1 AS a", salt, "RUN x"],
        ["FROM other:1 AS idle"],
        ["FROM scratch", salt, "COPY --from=a / /", "COPY . /s"],
    ]
    assert laid.watch == StepId(2, 3)
    assert laid.build.target is None
    assert laid.planned.scenario == f"{backend}-warm"
    assert laid.build.dockerfile.startswith("/c/prove-1/")
    assert "\n!.cachetui-salt\n" in laid.script
    assert f"{laid.build.dockerfile.rpartition('/')[2]}.dockerignore" in laid.script


def test_in_the_hosts_own_cache_nothing_is_added_to_what_copy_sees() -> None:
    layout, change = laid_out({}, "buildkit")
    laid = layout.host(change, change.now, "now")
    assert laid is not None
    assert laid.build.context == "/c/0/cachetui-0"
    assert laid.build.dockerfile == "/c/prove-1/prove-1-buildkit-now.dockerfile"
    assert laid.dockerfile.text == TEXT.replace("RUN y\n", "").replace("RUN z\n", "")
    assert laid.planned.scenario == "buildkit-as-found"
    layout, change = laid_out({"context/.dockerignore": "x\n"}, "legacy")
    laid = layout.host(change, change.now, "now")
    assert laid is not None
    assert laid.stop_early
    assert (laid.build.dockerfile, laid.build.target) == ("/c/0/cachetui-0/Dockerfile", "t")
    laid = layout.host(change, State("then", pieces.pieces(parse(TEXT)), {}, edited=True), "then")
    assert laid is not None
    assert (
        laid.build.dockerfile
        == "/c/prove-1/prove-1-legacy-then/cachetui-prove-1-legacy-then/Dockerfile"
    )
    assert laid.stop_early


def test_files_are_made_what_they_were() -> None:
    then = {
        "gone": Entry("context/gone", "dir", 0o755),
        "gone/it's": Entry("context/gone/it's", "file", 0o640, 3, "0"),
        "link": Entry("context/link", "symlink", 0o777, target="a b"),
        "mode": Entry("context/mode", "file", 0o664, 3, "1"),
    }
    difference = Difference(
        added=("new", "new/x"), removed=("gone", "gone/it's"), content=("link",),
        modes=(("mode", 0o664, 0o644),),
    )  # fmt: skip
    assert context_edits.commands(context_edits.edits(difference, then, "/old/c")) == [
        "rm -rf ./new/x",
        "rm -rf ./new",
        "mkdir -p ./gone",
        "chmod 755 ./gone",
        "rm -rf './gone/it'\"'\"'s'",
        "cp '/old/c/gone/it'\"'\"'s' './gone/it'\"'\"'s'",
        "chmod 640 './gone/it'\"'\"'s'",
        "rm -rf ./link",
        "ln -s 'a b' ./link",
        "chmod 664 ./mode",
    ]


def test_files_of_a_named_context_are_made_what_they_were() -> None:
    then = {
        f"named context data: {path}": Entry(f"context/{path}", "file", 0o644, 3, "0")
        for path in ("conf", "a/b: c")
    }
    difference = Difference(added=("named context data: new",), removed=tuple(then))
    assert context_edits.commands(context_edits.edits(difference, then, "/old/c")) == [
        "rm -rf ./../contexts/data/new",
        "rm -rf './../contexts/data/a/b: c'",
        "cp '/old/c/../contexts/data/a/b: c' './../contexts/data/a/b: c'",
        "chmod 644 './../contexts/data/a/b: c'",
        "rm -rf ./../contexts/data/conf",
        "cp /old/c/../contexts/data/conf ./../contexts/data/conf",
        "chmod 644 ./../contexts/data/conf",
    ]


def test_no_value_of_the_hosts_environment_is_shown(tmp_path: Path) -> None:
    env = {"REGISTRY_TOKEN": "s3cret value", "PLAIN": "plain"}
    host = HostSettings(name="h", address="h", docker=("doas", "docker"), env=env)
    facts: Any = None
    machine: Any = None
    bench = ExperimentHost(
        machine, host, facts, "prove-1", "/c", Store(tmp_path), threading.Event()
    )
    image = Image("base:1", (), "cachetui:prove-1-base", digest="base@sha256:0")
    command = bench.pull_command(image)
    assert "s3cret" in command
    shown = bench.shown(command)
    assert "s3cret" not in shown
    assert 'REGISTRY_TOKEN="$REGISTRY_TOKEN"' in shown
    assert "plain" not in shown.replace('PLAIN="$PLAIN"', "")
