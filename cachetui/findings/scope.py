"""What is in force at a place in a Dockerfile, and what is guessed of what is not known."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cachetui.records.image_settings import ImageSettings

_REFERENCE = re.compile(r"(?<!\\)\$\{?([A-Za-z_]\w*)")

Guess = Callable[[str], str | None]
"""What a variable is taken for that the Dockerfile alone does not tell; None: it is not set."""


def guess_unset(name: str) -> str | None:
    """A base image sets nothing but PATH: so it is of most variables that a Dockerfile uses."""
    return f"\0{name}\0" if name == "PATH" else None


def guess_set(name: str) -> str | None:
    """A base image sets it, to what nothing else is."""
    return f"\0{name}\0"


GUESSES: tuple[Guess, Guess] = (guess_unset, guess_set)
"""What is so by both is so, as far as a Dockerfile tells; the first is the likely one."""


@dataclass(frozen=True)
class BaseScope:
    """What a base image sets; `values` are those of its variables whose value is known."""

    settings: ImageSettings
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Scope:
    """`args` and `env` map a name to its token, `lines` a name to the line that set it last,
    `settings` USER, WORKDIR and SHELL to what they were set to. `values` has the value itself of
    each ARG and ENV for which the Dockerfile alone says it, `setting_values` that of a setting: of
    WORKDIR the folder, not cleaned where it is absolute, of SHELL its words as JSON. `order` has
    each ARG and ENV as it was set last. `escape` is the file's escape token. `complete`: what
    the base image sets is here too, so that what is not here is not set."""

    args: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    setting_values: dict[str, str] = field(default_factory=dict)
    order: dict[str, None] = field(default_factory=dict)
    escape: str = "\\"
    complete: bool = False

    def copy(self) -> Scope:
        return Scope(
            dict(self.args),
            dict(self.env),
            dict(self.settings),
            dict(self.lines),
            set(self.declared),
            dict(self.values),
            dict(self.setting_values),
            dict(self.order),
            self.escape,
            self.complete,
        )

    def is_unset(self, name: str) -> bool:
        """Whether no line and no image sets a variable. BuildKit sets PATH, and what a declared
        TARGET… and BUILD… stand for."""
        if not self.complete or name == "PATH" or name in self.env or name in self.args:
            return False
        return not (name in self.declared and name.startswith(("TARGET", "BUILD")))

    def told(self, guess: Guess) -> Guess:
        """A guess that holds to what is known: a value of which there is a digest is another than
        all that are known."""

        def tell(name: str) -> str | None:
            if name in self.env:
                return f"\0{self.env[name]}\0"
            return None if self.is_unset(name) else guess(name)

        return tell

    def set_last(self, name: str) -> None:
        """Move a variable to the end: there BuildKit has the one that is set again
        (`client/llb/meta.go`; our lab: all engines)."""
        self.order.pop(name, None)
        self.order[name] = None

    @property
    def known(self) -> dict[str, str]:
        """Tokens by name; an ENV that is in force holds against an ARG."""
        return {**self.args, **self.env}


def references(text: str) -> tuple[str, ...]:
    """Names of the variables that a text uses, each once."""
    return tuple(dict.fromkeys(_REFERENCE.findall(text)))
