"""The options of `docker build` that `cachetui run` takes as docker does, and passes on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cachetui.builders.option_names import PASSED_ON, REFUSED, SWITCHES
from cachetui.config.build_keys import DOCKER_KEYS, NO_CACHE, from_folder

_F = TypeVar("_F", bound=Callable[..., Any])

OF_RUN = frozenset(("build-arg", "cache-from", "file", "help", "network", "progress", "target"))
"""Options of `docker build` that `run` reads itself, if it has them."""

_WORDS = "cachetui.docker_args"


def docker_options(function: _F) -> _F:
    """Give a command docker's options; it gets their words as `docker_args`, in the order given.

    The usual ones are in `--help`. What an audit does not pass on is refused with its reason.
    """

    @functools.wraps(function)
    def with_words(*args: Any, **kwargs: Any) -> Any:
        words = click.get_current_context().meta.get(_WORDS, ())
        return function(*args, docker_args=tuple(words), **kwargs)

    decorated: Any = with_words
    shown = {key.option for key in DOCKER_KEYS}
    for name in sorted({*PASSED_ON, *REFUSED} - OF_RUN - shown, reverse=True):
        decorated = _option(name, "", "")(decorated)
    for key in reversed(DOCKER_KEYS):
        decorated = _option(key.option, key.metavar, key.help)(decorated)
    return decorated  # type: ignore[no-any-return]


def _option(name: str, metavar: str, help_text: str) -> Callable[[_F], _F]:
    reason = NO_CACHE if name == "no-cache" else REFUSED.get(name, "")
    kinds: dict[str, Any] = {"multiple": True, "metavar": metavar or "VALUE"}
    if name in SWITCHES:
        kinds = {"is_flag": True}
    return click.option(
        f"--{name}",
        f"docker_{name.replace('-', '_')}",  # -o, for one, is cachetui's own, and docker's --output
        expose_value=False,
        hidden=not help_text,
        help=help_text or (f"Refused: {reason}." if reason else "Passed on to docker build."),
        callback=_refuse(reason) if reason else _take,
        **kinds,
    )


def _take(context: click.Context, option: click.Parameter, value: Any) -> None:
    words = context.meta.setdefault(_WORDS, [])
    if value is True:
        words.append(option.opts[0])
    elif value:
        for text in value:
            named = option.opts[0] == "--build-context"
            words += [option.opts[0], from_folder(text, Path.cwd()) if named else text]


def _refuse(reason: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def refuse(_context: click.Context, option: click.Parameter, value: Any) -> None:
        if value:
            raise click.UsageError(f"{option.opts[0]} is not passed on: {reason}")

    return refuse
