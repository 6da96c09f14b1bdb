"""Commands and their outputs in the documentation: how they are read, run and compared.

A ```console block has lines that begin with `$ `, each followed by what it prints. A line `...`
stands for any lines, `...` within a line for any text. Seconds, and the ids of audits, differ from
run to run and are not compared; neither are runs of spaces. The commands of a section share one
store. A comment "exits with 3" after a
command says which exit code it has to end with; without one, 0 and 1 are right.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from cachetui.cli.main import cli
from cachetui.demo.fleet import Fleet

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_EXIT = re.compile(r"#.*\bexits with (\d+)")
_VARYING = (
    (re.compile(r"\b\d{4}-\d{6}-[a-z]{4}\b"), "AUDIT"),
    (re.compile(r"\b\d+(?:\.\d+)?s\b"), "SECONDS"),
    (re.compile(r" +"), " "),
)
_HOSTS = {"old-20.10": "ci-1", "mid-26.1": "ci-2", "new-28.5": "ci-3", "ctd-28.5": "ci-4"}


@dataclass(frozen=True)
class Command:
    """A command of a page, at a line of it, with the output that the page claims, or "".

    `section` counts the headings of the second level above it.
    """

    page: Path
    line: int
    section: int
    text: str
    output: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text, comments=True)

    @property
    def exit_codes(self) -> tuple[int, ...]:
        exits = _EXIT.search(self.text)
        return (int(exits[1]),) if exits else (0, 1)

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}: {self.text}"


def pages() -> list[Path]:
    """All pages of the documentation: those at the top, and docs/."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/**/*.md")])


def commands(page: Path) -> Iterator[Command]:
    """The commands of a page's console blocks, in order."""
    text = page.read_text("utf-8")
    for block in _BLOCK.finditer(text):
        number = text.count("\n", 0, block.start()) + 2
        section = text.count("\n## ", 0, block.start())
        start, command = number, ""
        output: list[str] = []
        for line in block[1].splitlines():
            if line.startswith("$ "):
                if command:
                    yield Command(page, start, section, command, "\n".join(output))
                start, command, output = number, line.removeprefix("$ "), []
            else:
                output.append(line)
            number += 1
        if command:
            yield Command(page, start, section, command, "\n".join(output))


def first_mismatch(claimed: str, printed: str) -> str | None:
    """The first line of a claim that the output does not have, "(end)" for one that has more.

    None where a command printed what a page claims, and for a claim of "".
    """
    if not claimed:
        return None
    output = _comparable(printed).rstrip("\n") + "\n"
    pattern = ""
    for line in claimed.splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            text = re.escape(_comparable(line).rstrip())
            pattern += text.replace(re.escape("..."), ".*?") + r" *\n"
        if re.match(pattern, output) is None:
            return line
    return None if re.fullmatch(pattern, output) else "(end)"


def _comparable(text: str) -> str:
    for varying, name in _VARYING:
        text = varying.sub(name, text)
    return text


@dataclass(frozen=True)
class Workspace:
    """A user's home folder with a hosts.toml of the recorded fleet, in which commands run."""

    folder: Path

    @classmethod
    def of(cls, fleet: Fleet, folder: Path) -> Workspace:
        """Write the hosts.toml, with the names that the pages use for hosts and builds."""
        text = fleet.hosts_toml.read_text("utf-8")
        for recorded, name in {**_HOSTS, "recorded-": ""}.items():
            text = text.replace(recorded, name)
        (folder / "hosts.toml").write_text(text, "utf-8")
        (folder / ".ssh").mkdir()
        (folder / ".ssh" / "config").write_text("Host ci-1 ci-2\n    User ci\n", "utf-8")
        return cls(folder)

    def run(
        self, words: list[str], store: str, variables: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        """The exit code, standard output and standard error of `cachetui` with these arguments.

        `store` names the folder of its results, `variables` are added to the environment.
        """
        environment = {
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "CACHETUI_STORE": str(self.folder / store),
            "COLUMNS": "100",
            "PATH": "",
            **(variables or {}),
        }
        out, err = io.StringIO(), io.StringIO()
        code: object = 0
        with (
            mock.patch.dict("os.environ", environment, clear=True),
            mock.patch.object(sys, "argv", ["cachetui", *words]),
            mock.patch.object(sys, "stdin", io.StringIO()),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                cli(prog_name="cachetui")
            except SystemExit as ended:
                code = ended.code or 0
        assert isinstance(code, int), code
        return code, out.getvalue(), err.getvalue()
