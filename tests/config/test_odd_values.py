"""Values of the wrong kind under every key of a build: one error that names file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.config import hosts_toml
from cachetui.config.build_keys import DOCKER_KEYS
from cachetui.config.toml_table import ConfigError

OF_A_KIND = {
    "a string": '"x=y"',
    "a whole number": "7",
    "a number": "1.5",
    "true or false": "true",
    "an array": '["a"]',
    "a table": '{ a = "b" }',
    "a date or time": "2025-01-02",
}
TEXT, LIST, MAP, SWITCH = "a string", "an array of strings", "a table of strings", "true or false"
KEYS = {
    **{key.key: {"text": TEXT, "list": LIST, "switch": SWITCH}[key.kind] for key in DOCKER_KEYS},
    **dict.fromkeys(("context", "dockerfile", "target", "network", "builder"), TEXT),
    "docker_args": LIST,
    "build_args": MAP,
}
RIGHT = {TEXT: "a string", LIST: "an array", MAP: "a table", SWITCH: "true or false"}


def error_of(folder: Path, line: str) -> str:
    """What is said of a build with that line as the fifth of its file; "" when nothing is."""
    file = folder / "hosts.toml"
    context = "" if line.startswith("context") else 'context = "."\n'
    head = '[[hosts]]\nname = "a"\naddress = "local"\n[builds.app]\n'
    file.write_text(f"{head}{line}\n{context}", encoding="utf-8")
    try:
        hosts_toml.load(file)
    except ConfigError as error:
        return str(error).removeprefix(str(file))
    return ""


@pytest.mark.parametrize("key", KEYS)
def test_a_value_of_another_kind_is_told_with_its_place_and_what_is_right(
    tmp_path: Path, key: str
) -> None:
    for kind, value in OF_A_KIND.items():
        if kind != RIGHT[KEYS[key]]:
            said = error_of(tmp_path, f"{key} = {value}")
            assert said.startswith(f":5: [builds.app], key {key}: must be {KEYS[key]}"), said
            assert said.endswith(f"not {kind}"), said


@pytest.mark.parametrize("key", [key for key in KEYS if KEYS[key] == TEXT])
def test_a_text_with_nothing_in_it_is_told(tmp_path: Path, key: str) -> None:
    for value in ('""', '"  "', '"a\\tb"', '"a\\nb"', '"a\\u0000b"'):
        said = error_of(tmp_path, f"{key} = {value}")
        assert said.startswith(f":5: [builds.app], key {key}: "), said


@pytest.mark.parametrize("key", [key for key in KEYS if KEYS[key] == LIST])
def test_what_a_list_holds_besides_strings_is_told(tmp_path: Path, key: str) -> None:
    for kind, value in OF_A_KIND.items():
        if kind != "a string":
            said = error_of(tmp_path, f'{key} = ["a=b", {value}]')
            assert said.startswith(f":5: [builds.app], key {key}: holds {kind}"), said
    assert "NUL" in error_of(tmp_path, f'{key} = ["a\\u0000b"]')


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_key_in_docker_s_own_spelling_leads_to_ours(tmp_path: Path, key: str) -> None:
    for spelt in {key.replace("_", "-"), key.upper(), key.title()} - {key}:
        said = error_of(tmp_path, f"{spelt} = 1")
        assert said.startswith(f":5: [builds.app], key {spelt}: there is no such key"), said
        assert f'did you mean "{key}"?' in said, said
