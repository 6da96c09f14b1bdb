"""`--help` of every command: a text for each option, examples that hold, exit codes."""

from __future__ import annotations

import shlex

import click
import pytest
from click.testing import CliRunner

from cachetui.cli.help_pages import CODES, EXAMPLES
from cachetui.cli.main import cli

COMMANDS = sorted(cli.commands)


def test_every_command_has_a_page() -> None:
    assert {*COMMANDS} == CODES.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_a_text_for_each_option_examples_and_exit_codes(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"], terminal_width=100).output
    assert "Exit codes: " in shown
    assert max(map(len, shown.splitlines())) <= 100
    for example in EXAMPLES[name]:
        assert f"    {example}\n" in shown
    for option in cli.commands[name].params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help, option.opts
            assert option.opts[0] in shown


@pytest.mark.parametrize(
    "example", [example for examples in EXAMPLES.values() for example in examples]
)
def test_examples_are_what_the_command_line_takes(example: str) -> None:
    program, name, *arguments = shlex.split(example.split("|")[0].split(">")[0], comments=True)
    if program == "eval":
        program, name, *arguments = name.removeprefix("$(").removesuffix(")").split()
    assert program == "cachetui"
    command = cli.commands[name]
    with click.Context(cli, info_name="cachetui", **cli.context_settings) as parent:
        command.make_context(name, arguments, parent=parent).close()
