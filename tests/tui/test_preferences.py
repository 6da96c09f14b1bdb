"""Theme and keys from app.toml: taken, or refused with the place and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from cachetui.cli.main import cli
from cachetui.config.toml_table import ConfigError
from cachetui.tui.preferences import Preferences, load
from cachetui.tui.view import key_tables


def write(folder: Path, text: str) -> Path:
    path = folder / "app.toml"
    path.write_text(text)
    return path


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert load(tmp_path / "app.toml") == Preferences()


def test_theme_and_keys_are_taken_however_ids_are_quoted(tmp_path: Path) -> None:
    text = 'theme = "nord"\n[keys]\nfleet.odd = "O"\n"compare.all" = ["A", "ctrl+a"]\n'
    text += 'step.diff = "?"\napp.help = "f1"\n'
    assert load(write(tmp_path, text)) == Preferences(
        "nord",
        {
            "fleet.odd": "O",
            "compare.all": "A,ctrl+a",
            "step.diff": "question_mark",
            "app.help": "f1",
        },
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'theme = "nrod"',
            ('app.toml:1: top of the file, key theme: there is no theme "nrod"', '"nord"'),
        ),
        ('[keys]\nfleet.od = "O"', (":2: [keys]", '"fleet.od"', 'did you mean "fleet.odd"?')),
        ('[keys]\n\n"fleet.odd" = 7', (":3: ", "must be a key")),
        ('[keys]\nfleet.odd = "hyperspace"', ('"hyperspace" is no key', "ctrl+x")),
        ('[keys]\nfleet.odd = ""', ("is no key",)),
        ('[keys]\nfleet.odd = "f"', ("fleet.odd: f is the key of fleet.fold too",)),
        ('[keys]\nfleet.odd = "j"', ("j is the key of grid.down too",)),
        ('[keys]\ntimeline.order = "q"', ("q is the key of app.leave too",)),
        ("keys = 3", ("must be a table",)),
        ('[key]\nfleet.odd = "O"', ("there is no such key", "keys")),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_keys_can_change_places(tmp_path: Path) -> None:
    liked = load(write(tmp_path, '[keys]\nfleet.odd = "f"\nfleet.fold = "o"\n'))
    assert liked.keys == {"fleet.odd": "f", "fleet.fold": "o"}


def test_every_default_key_is_one_that_can_be_wished_for(tmp_path: Path) -> None:
    lines = [f'"{name}" = "{binding.key}"' for name, binding in key_tables.by_id().items()]
    assert len(load(write(tmp_path, "\n".join(["[keys]", *lines]))).keys) == len(lines)


def test_the_command_line_prints_every_key_with_its_id() -> None:
    result = CliRunner().invoke(cli, ["keys"])
    assert result.exit_code == 0
    listed = result.output.split()
    assert all(
        name in listed for name in key_tables.by_id() if not name.startswith(("lines.", "dialog."))
    )
    assert "app.toml" in result.output
