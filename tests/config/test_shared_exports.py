"""Targets of one file that export their caches to one place, of which the last stays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cachetui.config.bake_file import read_target
from cachetui.config.shared_exports import overwritten
from cachetui.config.toml_table import ConfigError
from tests.config.test_bake import installed

REF = "type=registry,ref=reg:5000/shop:cache"


def told(mine: object, *others: object, **more: Mapping[str, Any]) -> list[str]:
    """What is said of `app`, which exports to `mine`, beside targets that export elsewhere."""
    targets: dict[str, Mapping[str, Any]] = {
        f"other-{number}": {"context": str(number), "cache-to": [to]}
        for number, to in enumerate(others)
    }
    app = {"context": "app", "cache-to": [mine]}
    return list(overwritten("app", app, lambda: {"app": app, **targets, **more}))


@pytest.mark.parametrize(
    ("mine", "other", "place", "own"),
    [
        (REF, f"{REF},mode=max", "reg:5000/shop:cache", "ref"),
        (REF, {"type": "registry", "ref": "reg:5000/shop:cache"}, "reg:5000/shop:cache", "ref"),
        ("team/app", "type=registry,ref=team/app:latest", "team/app", "ref"),
        ("type=local,dest=/c", "type=local,dest=/c/,mode=max", "/c", "dest or tag"),
        ("type=local,dest=cache", {"type": "local", "dest": "./cache"}, "cache", "dest or tag"),
        ("type=gha", "type=gha,scope=buildkit", "the scope buildkit of type=gha", "scope"),
    ],
)
def test_two_targets_and_one_place(mine: object, other: object, place: str, own: str) -> None:
    (note,) = told(mine, other)
    assert note.startswith(f"app exports its cache to {place}, as does other-0: ")
    assert note.endswith(f"give each a {own} of its own")


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        (REF, REF.replace("cache", "web")),
        ("type=local,dest=/c", "type=local,dest=/d"),
        ("type=local,dest=/c", "type=local,dest=/c,tag=web"),
        ("type=gha,scope=app", "type=gha,scope=web"),
        ("type=inline", "type=inline"),
        ("type=registry", "type=registry"),
        ('type="', 'type="'),
    ],
)
def test_places_of_their_own(mine: object, other: object) -> None:
    assert told(mine, other) == []


def test_targets_with_the_same_results_are_no_loss() -> None:
    same = {"context": "app", "cache-to": [REF], "tags": ["app:dev"], "args": {}}
    assert told(REF, dev=same) == []
    assert told(REF, dev={**same, "args": {"A": "1"}}) != []


def test_many_are_counted() -> None:
    (note,) = told(REF, *[REF] * 7)
    assert "as does other-0, other-1, other-2, other-3, other-4 and 2 more: " in note


def test_without_an_export_the_other_targets_are_not_read() -> None:
    def read() -> Mapping[str, Mapping[str, Any]]:
        raise AssertionError

    assert list(overwritten("app", {"cache-to": ["type=inline"]}, read)) == []


def test_a_file_of_which_the_others_cannot_be_read_is_not_told_of() -> None:
    def read() -> Mapping[str, Mapping[str, Any]]:
        raise ConfigError("no default target")

    assert list(overwritten("app", {"cache-to": [REF]}, read)) == []


def test_the_target_of_a_bake_file_has_the_note(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def printed(*names: str) -> str:
        targets = ", ".join(
            f'"{name}": {{"context": "{name}", "cache-to": ["{REF}"]}}' for name in names
        )
        return f'{{"target": {{{targets}}}}}'

    script = (
        f'case "$*" in *"--print app") echo \'{printed("app")}\' ;; '
        f"*) echo '{printed('app', 'worker')}' ;; esac"
    )
    installed(monkeypatch, tmp_path, script)
    (tmp_path / "docker-bake.hcl").touch()
    (note,) = read_target("docker-bake.hcl#app", tmp_path).notes
    assert note.startswith("app exports its cache to reg:5000/shop:cache, as does worker: ")
