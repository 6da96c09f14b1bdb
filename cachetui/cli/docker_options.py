"""The options of `docker build` that `cachetui run` takes as docker does, and passes on."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from cachetui.builders.option_names import FALSE, LETTERS, PASSED_ON, REFUSED, SWITCHES
from cachetui.config.build_keys import DOCKER_KEYS, NO_CACHE, from_folder

_F = TypeVar("_F", bound=Callable[..., Any])

OF_RUN = frozenset(("build-arg", "builder", "file", "help", "network", "progress", "target"))
"""Options of `docker build` that `run` reads itself, if it has them."""

_WORDS = "cachetui.docker_args"
_TYPED = {name: letter for letter, name in LETTERS.items() if name not in OF_RUN | {"output"}}
"""Options that have a letter here, too; -o is cachetui's own."""
_LETTER = re.compile(
    rf"-([{''.join(x for x in LETTERS if LETTERS[x] not in SWITCHES)}])=(.+)", re.S
)
"""A letter whose value stands behind `=`: click takes the sign for a part of the value."""


class DockerCommand(click.Command):
    """A command that reads docker's options as docker does: `--pull`, `--pull=true`, `-f=FILE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(self._with_values(args)))

    def _with_values(self, args: Sequence[str]) -> Iterator[str]:
        """The words, each of docker's switches with its value behind `=`: click has no option
        whose value can only stand there."""
        options = [each for each in self.params if isinstance(each, click.Option)]
        switches = {f"--{name}": f"--{name}=true" for name in SWITCHES - OF_RUN}
        switches |= {f"-{_TYPED[name]}": f"--{name}=true" for name in SWITCHES & _TYPED.keys()}
        with_value = {
            name for each in options if not each.is_flag for name in each.opts
        } - switches.keys()
        words = iter(args)
        for word in words:
            yield switches.get(word, _LETTER.sub(r"-\1\2", word))
            if word == "--":
                break
            if word in with_value:
                yield from (value for value in [next(words, None)] if value is not None)
        yield from words


_REFUSED = {**REFUSED, "no-cache": NO_CACHE}


def docker_options(function: _F, refused: Mapping[str, str] = _REFUSED) -> _F:
    """Give a `DockerCommand` docker's options; it gets their words as `docker_args`, in the order
    given.

    The usual ones are in `--help`. What is `refused`, by its name, is so with its reason.
    """

    @functools.wraps(function)
    def with_words(*args: Any, **kwargs: Any) -> Any:
        _no_docker_output(kwargs.get("output"))
        words = click.get_current_context().meta.get(_WORDS, ())
        return function(*args, docker_args=tuple(words), **kwargs)

    decorated: Any = with_words
    shown = {key.option for key in DOCKER_KEYS} - refused.keys()
    for name in sorted({*PASSED_ON, *REFUSED} - OF_RUN - shown, reverse=True):
        decorated = _option(name, refused.get(name, ""))(decorated)
    for key in reversed(DOCKER_KEYS):
        if key.option in shown:
            decorated = _option(key.option, "", key.metavar, key.help)(decorated)
    return decorated  # type: ignore[no-any-return]


def docker_options_of_peek(function: _F) -> _F:
    """The same of a command that looks at the cache."""
    return docker_options(function, {**_REFUSED, **dict.fromkeys(_WITHOUT_CACHE, _LOOKS)})


_WITHOUT_CACHE = ("no-cache", "no-cache-filter")
_LOOKS = "a peek looks at what the cache holds"


def _no_docker_output(output: Path | None) -> None:
    """Raise `UsageError` where `-o`, which names the file of the result here, was given what
    docker's `-o` takes."""
    if output is not None and str(output).startswith(("type=", "dest=")):
        raise click.UsageError(
            f"-o {output} is not passed on: {REFUSED['output']}; here -o FILE is where the "
            "result is written"
        )


def _option(name: str, reason: str, metavar: str = "", help_text: str = "") -> Callable[[_F], _F]:
    letters = [f"-{_TYPED[name]}"] if name in _TYPED else []
    return click.option(
        f"--{name}",
        *letters,
        f"docker_{name.replace('-', '_')}",  # -o, for one, is cachetui's own, and docker's --output
        multiple=True,
        metavar="" if name in SWITCHES else metavar or "VALUE",
        expose_value=False,
        hidden=not help_text,
        help=help_text or (f"Refused: {reason}." if reason else "Passed on to docker build."),
        callback=_refuse(reason) if reason else _take,
    )


def _take(context: click.Context, option: click.Parameter, value: Sequence[str]) -> None:
    words = context.meta.setdefault(_WORDS, [])
    name = option.opts[0]
    for text in value:
        if name[2:] in SWITCHES:
            words.append(name if text == "true" else f"{name}={text}")
        else:
            words += [name, from_folder(text, Path.cwd()) if name == "--build-context" else text]


def _refuse(reason: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def refuse(context: click.Context, option: click.Parameter, value: Any) -> None:
        if option.opts[0] == "--no-cache" and FALSE.issuperset(value):
            _take(context, option, value)  # the cache is used, as without it
        elif value:
            raise click.UsageError(f"{' or '.join(option.opts)} is not passed on: {reason}")

    return refuse
