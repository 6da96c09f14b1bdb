"""What a wheel has beside the code: manual page and completion, made from the commands themselves.

An installer puts them below the environment's `share`, where `man` and shells look for those of an
environment in /usr or /usr/local.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    import click

ENVIRONMENT = (
    ("CACHETUI_STORE", "The folder of results, as --store."),
    ("DOCKER_CONFIG", "Where the contexts of docker are that hosts.toml may name."),
    ("NO_COLOR", "If set, nothing is in colour."),
)
FILES = (
    ("./hosts.toml, ~/.config/cachetui/hosts.toml", "Hosts and builds."),
    ("~/.config/cachetui/app.toml", "Keys and theme of the app."),
    ("~/.cache/cachetui", "Results. `cachetui paths` says where all of these are here."),
)
EXIT_CODES = (
    ("0", "The hosts agree, or there was nothing to compare and all went well."),
    ("1", "They differ."),
    ("2", "A host, a build or what was asked for was in trouble."),
    ("3", "A finding of --fail-on."),
    ("130", "Interrupted."),
)


COMPLETION = {
    "bash": "share/bash-completion/completions/cachetui",
    "fish": "share/fish/vendor_completions.d/cachetui.fish",
    "zsh": "share/zsh/site-functions/_cachetui",
}
"""Where each shell looks for it (bash-completion's README, fish's and zsh's own docs)."""


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds manual page and completion to a wheel; an editable install has none."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel" or version == "editable":
            return
        sys.path.insert(0, self.root)
        from cachetui import __version__
        from cachetui.cli import completion
        from cachetui.cli.main import cli

        self._folder = TemporaryDirectory()
        page = Path(self._folder.name) / "cachetui.1"
        page.write_text(manual(cli, __version__), encoding="utf-8")
        build_data["shared_data"][str(page)] = "share/man/man1/cachetui.1"
        for shell, place in COMPLETION.items():
            file = Path(self._folder.name) / shell
            file.write_text(completion.script(shell, cli), encoding="utf-8")
            build_data["shared_data"][str(file)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        del version, build_data, artifact_path
        if hasattr(self, "_folder"):
            self._folder.cleanup()


def manual(cli: click.Group, version: str) -> str:
    """The manual page of a command and of all its own commands, in man(7)."""
    import click

    top = click.Context(cli, info_name="cachetui", help_option_names=["-h", "--help"])
    summary, text = _said(cli)
    lines = [
        f'.TH CACHETUI 1 "" "cachetui {_text(version)}" "User Commands"',
        ".SH NAME",
        f"cachetui \\- {_text(summary)}",
        ".SH SYNOPSIS",
        *_usage(cli, top),
        ".SH DESCRIPTION",
        *text,
        ".SH OPTIONS",
        *_options(cli, top),
        ".SH COMMANDS",
    ]
    for name in cli.list_commands(top):
        command = cli.get_command(top, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=top)
        summary, text = _said(command)
        lines += [f".SS {_text(name)}", *_usage(command, context), ".PP", _text(summary)]
        lines += [*([".PP", *text] if text else []), *_options(command, context)]
    for title, entries in (
        ("EXIT STATUS", EXIT_CODES),
        ("ENVIRONMENT", ENVIRONMENT),
        ("FILES", FILES),
    ):
        lines += [f".SH {title}", *_list(entries)]
    return "\n".join([*lines, ".SH SEE ALSO", ".BR docker (1)"]) + "\n"


def _said(command: click.Command) -> tuple[str, list[str]]:
    """(the first paragraph of its help, lines of the others)."""
    first, *others = inspect.cleandoc(command.help or "").split("\n\n")
    return first, [line for text in others for line in (_text(text.replace("\n", " ")), ".PP")][:-1]


def _usage(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f".B {_text(context.command_path)}"
    yield _text(" ".join(command.collect_usage_pieces(context)))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = [param.get_help_record(context) for param in command.get_params(context)]
    yield from _list([record for record in records if record is not None and record[1]])


def _list(entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    for name, text in entries:
        yield from (".TP", f".B {_text(name)}", _text(text))


def _text(text: str) -> str:
    """As roff has it: no word of it is a request or an escape, and a hyphen can be copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
