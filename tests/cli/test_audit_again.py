"""What findings give to type is a command that cachetui takes."""

from __future__ import annotations

import shlex

from cachetui.cli.main import cli
from cachetui.report.reasons import commands_of
from tests.findings.making import why
from tests.ragged_fleet import ragged_fleet


def test_what_is_unexplained_has_a_command_that_would_tell_more() -> None:
    found = why(ragged_fleet())
    assert found.unexplained
    for reason in found.unexplained:
        (typed,) = commands_of(reason, found.needs)
        program, name, *words = shlex.split(typed.text)
        assert program == "cachetui"
        # A command keeps the help options of the first context that it is in.
        group = cli.make_context("cachetui", [name, *words])
        assert cli.commands[name].make_context(name, words, parent=group).params["as_found"]
