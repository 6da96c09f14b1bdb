"""What a base image sets otherwise than it did."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cachetui.findings.step_inputs import Inputs
from cachetui.findings.variables import SETTINGS, arguments_in
from cachetui.records.digest import differ
from cachetui.records.image_settings import ImageSettings


def set_otherwise(now: Inputs, then: Inputs, changed: Collection[str]) -> tuple[str, ...]:
    """Of the inputs of a step that `changed`, what made them others by the base image alone: its
    variables ("ENV MODE"), USER, WORKDIR, SHELL, "the order of ENV". () where what it sets is not
    known on both sides."""
    if now.settings is None or then.settings is None:
        return ()
    others = set(_others(now.settings, then.settings))
    found: dict[str, None] = {}
    for name in sorted(changed):
        kind, _, rest = name.partition(":")
        if kind == "order" and list(now.settings.env) != list(then.settings.env):
            found["the order of ENV"] = None
        if kind not in ("env", "arg", "setting"):
            continue
        for one in _behind(name, rest, now, then) & others:
            found[one if one in SETTINGS else f"ENV {one}"] = None
    return tuple(found)


def _behind(name: str, rest: str, now: Inputs, then: Inputs) -> set[str]:
    """What of the image an input can be by: itself where no line sets it; what the same line uses;
    of WORKDIR the folder that a relative one begins in."""
    if rest == "WORKDIR" or not (rest in now.lines or rest in then.lines):
        return {rest}
    tokens = [one.tokens.get(name, "") for one in (now, then)]
    lines = {token.partition(" with [")[0] for token in tokens}
    return {used for token in tokens for used in arguments_in(token)} if len(lines) == 1 else set()


def settings_by_name(image: ImageSettings) -> tuple[tuple[str, str], ...]:
    """What an image sets as names ("ENV MODE", "USER") and texts, values of ENV as their digests;
    what has its default is left out."""
    pairs = [(f"ENV {name}", value) for name, value in image.env.items()]
    pairs += [("WORKDIR", image.folder.rstrip("/")), ("USER", image.user)]
    pairs.append(("SHELL", " ".join(image.shell)))
    return tuple(sorted(pair for pair in pairs if pair[1]))


def _others(now: ImageSettings, then: ImageSettings) -> Iterator[str]:
    """Names of what the second image sets, or does not, and the first sets otherwise."""
    yield from (n for n in {**now.env, **then.env} if differ(now.env.get(n), then.env.get(n)))
    pairs = {
        "WORKDIR": (now.folder or "/", then.folder or "/"),
        "USER": (now.user, then.user),
        "SHELL": (now.shell, then.shell),
    }
    yield from (name for name, (one, other) in pairs.items() if one != other)
