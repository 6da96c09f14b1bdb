"""A target of `docker buildx bake --print`, as a build's settings.

Its fields are those of buildx 0.13 to 0.31 (`bake/bake.go`, type Target). Each is taken over, left
out since it does not change what is built, or refused; none is passed over in silence.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cachetui.config.bake_file import Found, read_target
from cachetui.config.build_keys import NO_CACHE, from_folder
from cachetui.config.context_source import fetched_kind, why_not_fetched, without_credentials
from cachetui.config.hosts_toml import NAME, NETWORKS
from cachetui.config.settings import BuildSettings
from cachetui.config.toml_table import ConfigError

LEFT_OUT: Mapping[str, str] = {
    "description": "it is for people",
    "no-cache": NO_CACHE,
    "output": "an audit removes what it builds",
    "tags": "an audit names its images itself",
}
"""Fields that do not change what is built, and why they have no place in an audit."""

REFUSED: Mapping[str, str] = {
    "inherits": "it is not resolved; print the file with docker buildx bake",
    "policy": "it is a file of this machine, which hosts do not have",
}

OF_SETTINGS = ("args", "context", "dockerfile", "dockerfile-inline", "network", "target")
"""Fields that are settings of a build; those of `_WORDS` are words of its command."""


def with_source(
    build: BuildSettings, target_of: Callable[[str, Path | None], Found] = read_target
) -> BuildSettings:
    """The build with its bake or compose file read, and its own settings over what that says.

    Raises `ConfigError`.
    """
    if build.source is None:
        return build
    read = build_found(target_of(build.source, build.source_folder))
    own = {
        field: getattr(build, field)
        for field in ("name", "ignore", "context_on_host", "image_on_host", "builder")
    }
    return msgspec.structs.replace(
        read,
        **own,
        target=build.target or read.target,
        network=build.network if build.network != "default" else read.network,
        build_args={**read.build_args, **build.build_args},
        docker_args=(*read.docker_args, *build.docker_args),
    )


def build_found(found: Found) -> BuildSettings:
    """The build of a target that was read. Raises `ConfigError`."""
    build = build_of(found.name, found.folder, found.fields)
    return msgspec.structs.replace(build, source_notes=(*found.notes, *build.source_notes))


def build_of(name: str, folder: Path, target: Mapping[str, Any]) -> BuildSettings:
    """The build of a target. Relative folders start from `folder`.

    Raises `ConfigError` for the first field that is refused.
    """
    words: list[str] = []
    left_out: list[str] = []
    for field, value in target.items():
        if value in (None, False, "", [], {}):
            continue
        problem = _problem(field, value)
        if problem:
            raise ConfigError(f"{name}: {field} is not supported: {problem}")
        if field in LEFT_OUT:
            left_out.append(f"{field}: {LEFT_OUT[field]}")
        elif field == "cache-to":
            inline, others = _caches_to(value)
            words += inline
            left_out += [f"cache-to {text}: it writes a cache that others read" for text in others]
        elif field == "contexts":
            words += _contexts(value, folder)
        elif field in WORDS:
            words += WORDS[field](_rooted(field, value, folder))
    named = str(target.get("context") or ".")
    fetched = named if fetched_kind(named) is not None else None
    context = folder / named.removeprefix("cwd://") if fetched is None else folder
    return BuildSettings(
        name=name if NAME.fullmatch(name) else folder.name,
        context=context,
        fetched_from=fetched,
        dockerfile=str(target.get("dockerfile") or "Dockerfile"),
        dockerfile_inline=target.get("dockerfile-inline"),
        target=target.get("target") or None,
        build_args={
            key: str(value)
            for key, value in (target.get("args") or {}).items()
            if value is not None  # null takes an argument away
        },
        network=target.get("network") or "default",
        docker_args=tuple(words),
        source_notes=tuple(f"left out of {name}: {what}" for what in left_out),
    )


def _problem(field: str, value: Any) -> str:
    """Why a field with this value is not supported; "" when it can."""
    if field in REFUSED:
        return REFUSED[field]
    if field == "context":
        reason = _why_no_context(str(value))
        return f"{without_credentials(str(value))} {reason}" if reason else ""
    if field == "network" and value not in NETWORKS:
        return f"{value} is not one of {', '.join(NETWORKS)}"
    if field == "call" and value != "build":
        return "it does not build"
    if field == "contexts":
        made = [key for key, source in value.items() if str(source).startswith("target:")]
        if made:
            other = str(value[made[0]]).removeprefix("target:")
            return (
                f"{made[0]} is made by the target {other}, which bake builds in the same session, "
                "and docker build cannot: audit that target itself, or write both as stages of one "
                "Dockerfile"
            )
    known = {*OF_SETTINGS, *LEFT_OUT, *WORDS, "call", "contexts", "cache-to"}
    return "" if field in known else "cachetui does not know this field"


def _why_no_context(context: str) -> str:
    """Why a context that is no folder cannot be had; "" where it can, or is a folder."""
    if fetched_kind(context) in ("tarball", "stdin"):
        return "cannot be a context for bake and compose: give a folder or a URL"
    return why_not_fetched(context)


def as_csv(value: Any) -> str:
    """The comma-separated form of a cache, secret or output, which newer buildx print as a table
    (`util/buildflags`)."""
    if not isinstance(value, Mapping):
        return str(value)
    texts = [
        f"{key}={str(item).lower() if isinstance(item, bool) else item}"
        for key, item in value.items()
    ]
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(texts)
    return line.getvalue()


_PATHS = {"secret": ("src", "source"), "cache-from": ("src",)}
"""Keys of the comma-separated values of these fields that name files and folders."""


def _rooted(field: str, value: Any, folder: Path) -> Any:
    """A field's value with relative paths from `folder` on, as compose prints them: docker's client
    reads them there."""
    if field == "ssh":
        return [_keys_from(key, folder) for key in value]
    return (
        [_paths_from(as_csv(v), _PATHS[field], folder) for v in value] if field in _PATHS else value
    )


def _keys_from(key: Any, folder: Path) -> Any:
    if isinstance(key, Mapping):
        return {**key, "paths": [str(folder / path) for path in key.get("paths") or ()]}
    name, equals, paths = str(key).partition("=")
    return name + equals + ",".join(str(folder / path) for path in paths.split(",") if path)


def _paths_from(text: str, keys: Sequence[str], folder: Path) -> str:
    fields = [field.partition("=")[::2] for field in next(csv.reader([text]), [])]
    named = dict(fields)
    if keys == _PATHS["secret"] and not {"env", *keys} & named.keys() and named.get("id"):
        # bake takes a variable of this name, else a file (buildx `build/secrets.go`)
        variable = named.get("type") == "env" or named["id"] in os.environ
        return as_csv(
            {**named, **({"env": named["id"]} if variable else {"src": folder / named["id"]})}
        )
    if ("type", "env") in fields:
        return text  # its source is a variable
    if not any(key in keys and value and not value.startswith("/") for key, value in fields):
        return text
    return as_csv(
        {key: folder / value if key in keys and value else value for key, value in fields}
    )


def _caches_to(values: list[Any]) -> tuple[list[str], list[str]]:
    """(words of inline caches, those that are left out)."""
    texts = [as_csv(value) for value in values]
    inline = [text for text in texts if "type=inline" in text.split(",")]
    return _each("--cache-to")(inline), [text for text in texts if text not in inline]


def _contexts(values: Mapping[str, Any], folder: Path) -> Iterator[str]:
    for name, source in values.items():
        yield from ("--build-context", from_folder(f"{name}={source}", folder))


def _each(option: str) -> Callable[[list[Any]], list[str]]:
    return lambda values: [word for value in values for word in (option, as_csv(value))]


def _pairs(option: str) -> Callable[[Mapping[str, Any]], list[str]]:
    return lambda values: [
        word
        for name, value in values.items()
        if value is not None  # null takes it away
        for word in (option, f"{name}={value}")
    ]


def _hosts(values: Mapping[str, str]) -> list[str]:
    """A name may have several addresses, with commas between (buildx `bake/bake.go`)."""
    return [
        word
        for name, addresses in values.items()
        for address in addresses.split(",")
        for word in ("--add-host", f"{name}:{address.strip()}")
    ]


def _ssh(values: list[Any]) -> list[str]:
    """`default=` is how compose prints the agent; newer buildx print tables."""
    texts = [
        f"{v.get('id', 'default')}={','.join(v.get('paths') or ())}"
        if isinstance(v, Mapping)
        else str(v)
        for v in values
    ]
    return _each("--ssh")([text.removesuffix("=") for text in texts])


WORDS: Mapping[str, Callable[[Any], list[str]]] = {
    "annotations": _each("--annotation"),
    "attest": _each("--attest"),
    "cache-from": _each("--cache-from"),
    "entitlements": _each("--allow"),
    "extra-hosts": _hosts,
    "labels": _pairs("--label"),
    "no-cache-filter": _each("--no-cache-filter"),
    "platforms": lambda values: ["--platform", ",".join(values)],
    "pull": lambda _: ["--pull"],
    "secret": _each("--secret"),
    "shm-size": lambda value: ["--shm-size", str(value)],
    "ssh": _ssh,
    "ulimits": _each("--ulimit"),
}
