"""Theme and keys from app.toml: taken, or refused with the place and what would be right."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from cachetui.cli.main import cli
from cachetui.config.toml_table import ConfigError
from cachetui.tui.app import CachetuiApp
from cachetui.tui.preferences import Preferences, keep_columns, keep_theme, load
from cachetui.tui.view import key_tables
from cachetui.tui.view.fleet_columns import ColumnChoice
from cachetui.tui.view.themes import keep_chosen_theme
from tests import make_records
from tests.tui.fake import FakeCore


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
        ('[keys]\nfleet.odd = "hyperspace"', ('"hyperspace" is not a key', "ctrl+x")),
        ('[keys]\nfleet.odd = ""', ("is not a key",)),
        ('[keys]\nfleet.odd = "f"', ("fleet.odd: f is the key of fleet.fold too",)),
        ('columns = ["lod"]', (":1: ", 'no column "lod"', 'did you mean "load"?')),
        ("hidden_scenarios = 3", (":1: ", "hidden_scenarios")),
        ('hidden_scenarios = ["lagacy-cold"]', (":1: ", 'did you mean "legacy-cold"?')),
        ('hidden_scenarios = ["buildkit-colt"]', (":1: ", 'did you mean "buildkit-cold"?')),
        ('hidden_scenarios = ["cold"]', (":1: ", 'there is no scenario "cold"')),
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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'theme = "nord"\n'),
        ("# mine\ntheme='gruvbox' # dark\n", '# mine\ntheme="nord" # dark\n'),
        ('[keys]\nfleet.odd = "O"\n', 'theme = "nord"\n[keys]\nfleet.odd = "O"\n'),
    ],
)
def test_a_theme_is_kept_and_the_rest_left_as_it_is(
    tmp_path: Path, before: str, after: str
) -> None:
    path = write(tmp_path, before)
    assert keep_theme("nord", path)
    assert path.read_text() == after
    assert load(path).theme == "nord"
    assert [entry.name for entry in tmp_path.iterdir()] == ["app.toml"]


def test_a_theme_is_kept_with_the_files_mode_and_line_ends(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.write_bytes(b'theme = "gruvbox"\r\n[keys]\r\n')
    path.chmod(0o600)
    assert keep_theme("nord", path)
    assert path.read_bytes() == b'theme = "nord"\r\n[keys]\r\n'
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_theme_is_kept_where_there_was_no_file_and_through_a_link(tmp_path: Path) -> None:
    assert keep_theme("nord", tmp_path / "new" / "app.toml")
    link = tmp_path / "app.toml"
    link.symlink_to(tmp_path / "new" / "app.toml")
    assert keep_theme("gruvbox", link)
    assert link.is_symlink()
    assert load(tmp_path / "new" / "app.toml").theme == "gruvbox"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'hidden_scenarios = ["legacy-cold"]\ncolumns = ["engine", "load"]\n'),
        (
            "# mine\ncolumns = [\n 'store',\n] # dear\nhidden_scenarios=[]\n[keys]\n",
            '# mine\ncolumns = ["engine", "load"] # dear\n'
            'hidden_scenarios=["legacy-cold"]\n[keys]\n',
        ),
    ],
)
def test_columns_are_kept_and_the_rest_left_as_it_is(
    tmp_path: Path, before: str, after: str
) -> None:
    path = write(tmp_path, before)
    choice = ColumnChoice(("engine", "load"), ("legacy-cold",))
    assert keep_columns(choice, path)
    assert path.read_text() == after
    assert load(path).columns == choice
    assert keep_columns(ColumnChoice(), path)
    assert load(path).columns == ColumnChoice()


def test_columns_with_a_comment_inside_are_left(tmp_path: Path) -> None:
    path = write(tmp_path, text := 'columns = [\n  "store", # dear\n]\n')
    assert load(path).columns == ColumnChoice(("store",))
    assert not keep_columns(ColumnChoice(("load",)), path)
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["theme = ", "theme = " + " + '''\nnord'''\n"])
def test_a_file_that_cannot_be_changed_safely_is_left(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    assert not keep_theme("nord", path)
    assert path.read_text() == text


@pytest.mark.parametrize("works", [True, False])
def test_a_theme_chosen_in_the_app_is_kept_and_the_one_at_the_start_is_not(works: bool) -> None:
    kept: list[str] = []

    def keep(theme: str) -> bool:
        kept.append(theme)
        return works

    async def story() -> None:
        app = CachetuiApp(FakeCore(make_records.document()), theme="nord")
        keep_chosen_theme(app, keep)
        async with app.run_test() as pilot:
            await pilot.pause()
            assert kept == []
            app.theme = "gruvbox"
            await pilot.pause()
            assert kept == ["gruvbox"]
            told = [message.message for message in app._notifications]
            assert any("app.toml cannot be written" in text for text in told) is not works

    asyncio.run(story())
