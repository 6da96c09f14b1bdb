"""hosts.toml: typed settings, and errors that name file, table, key and what would be right."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from cachetui.config import amounts, context_source, docker_context
from cachetui.config.build_keys import DOCKER_KEYS, NO_CACHE, options_of
from cachetui.config.builder_choice import take_builder, with_builder
from cachetui.config.hours import Hours
from cachetui.config.places import places
from cachetui.config.repository import repository
from cachetui.config.settings import (
    NO_STORE_LIMITS,
    BuildSettings,
    HostSettings,
    Settings,
    StoreLimits,
)
from cachetui.config.toml_table import ConfigError, Places, Table

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Names go into tables, file names and image tags."""

NETWORKS = ("default", "none", "host")
DAY = 86400.0


HOST_KEYS = HostSettings.__struct_fields__
DEFAULT_KEYS = tuple(key for key in HOST_KEYS if key not in ("name", "address"))
BUILD_KEYS = (
    *(
        key
        for key in BuildSettings.__struct_fields__
        if key not in ("name", "named_contexts", "dockerfile_inline", "fetched_from")
        and not key.startswith("source")
    ),
    *("compose", "service", "bake"),
    *(key.key for key in DOCKER_KEYS),
)

EXAMPLE = '[[hosts]] with name = "ci-1" and address = "ci-1.example.com" (or address = "local")'


def find() -> Path | None:
    """The hosts.toml that `load(None)` reads, None where there is none."""
    for path in places():
        if path.exists():
            return path
    return None


def load(path: Path | None) -> Settings:
    """Read and check a hosts.toml: `path`, else the first of `places()`.

    Raises ConfigError with one message for the first thing that is wrong.
    """
    if path is None:
        path = find()
        if path is None:
            looked = " nor ".join(str(place) for place in places())
            raise ConfigError(
                f"there is no hosts.toml: neither {looked}; cachetui init suggests one, or write "
                f"{EXAMPLE}"
            )
    top = Table(str(path), *read_toml(path), place="", label="top of the file")
    top.only(("registry", "defaults", "hosts", "builds", "store"))
    folder = path.absolute().parent
    return Settings(
        path=path,
        hosts=_hosts(top, folder),
        builds=_builds(top, folder),
        store=_store(top),
        registry=_registry(top),
    )


def read_toml(path: Path) -> tuple[Places, dict[str, Any]]:
    """The file parsed; every way in which it cannot be is a ConfigError."""
    import tomli

    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; write one with {EXAMPLE}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder, not a file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: is not UTF-8 text; save the file as UTF-8") from None
    text = text.removeprefix("\ufeff")
    try:
        return Places(text), tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        what = str(getattr(error, "msg", error))
        where, column = getattr(error, "lineno", "?"), getattr(error, "colno", "?")
        raise ConfigError(f"{path}:{where}: is not valid TOML: {what} (column {column})") from None
    except RecursionError:
        raise ConfigError(f"{path}: nests arrays or tables too deeply") from None


def _hosts(top: Table, folder: Path) -> tuple[HostSettings, ...]:
    defaults: dict[str, Any] = {}
    if "defaults" in top.values:
        table = top.inner("defaults", "[defaults]")
        for key in ("name", "address"):
            if key in table.values:
                raise table.error("belongs to each host, under its own [[hosts]]", key)
        table.only(DEFAULT_KEYS)
        defaults = _host_values(table, folder)
    if isinstance(top.values.get("hosts"), dict):
        raise top.error("each host needs a table of its own: write [[hosts]], not [hosts]", "hosts")
    tables = top.array("hosts", "[[hosts]]")
    if not tables:
        raise top.error(f"it lists no hosts; add {EXAMPLE}")
    hosts: list[HostSettings] = []
    for table in tables:
        name = _name(table)
        table.label = f'[[hosts]] "{name}"'
        table.only(HOST_KEYS)
        if any(name == host.name for host in hosts):
            raise table.error(f'another host is named "{name}" too; names must differ', "name")
        layers = [defaults, _address_and_more(table), _host_values(table, folder)]
        merged = {key: value for layer in layers for key, value in layer.items()}
        merged["env"] = {k: v for layer in layers for k, v in layer.get("env", {}).items()}
        hosts.append(with_builder(HostSettings(name=name, **merged), None))
    return tuple(hosts)


def _hours(table: Table) -> Hours | None:
    text = table.take_text("only_between")
    hours = Hours.of(text) if text is not None else None
    if text is not None and hours is None:
        raise table.error(f'"{text}" is not a time of day; write "22:00-06:00"', "only_between")
    return hours


def _name(table: Table) -> str:
    name = table.take_text("name")
    if name is None:
        raise table.error('has no name; add name = "ci-1"')
    if not NAME.fullmatch(name):
        raise table.error(
            f'"{name}" must start with a letter or digit and contain only letters, digits, . _ -',
            "name",
        )
    return name


def _address_and_more(table: Table) -> dict[str, Any]:
    """The host's address, with what a context of docker says of it where that is named."""
    text = table.take_text("address")
    if text is None:
        raise table.error('has no address; add address = "ci-1.example.com" (or "local")')
    if not text.startswith(docker_context.PREFIX):
        return {"address": _address(table, text)}
    name = text.removeprefix(docker_context.PREFIX)
    try:
        of_context = docker_context.host_of(name)
    except docker_context.NoContext as error:
        raise table.error(f'"{name}" {error}', "address") from None
    return {**of_context, "address": _address(table, of_context["address"])}


def _address(table: Table, address: str) -> str:
    if "@" in address:
        raise table.error(
            f'must be without a user; write user = "{address.split("@")[0]}"', "address"
        )
    if re.fullmatch(r"\[[^][]*:[^][]*\]", address):
        # Brackets are for where a port could follow; here none does.
        address = address[1:-1]
    if re.fullmatch(r"[^:]+:\d+|\[.*\]:\d+", address):
        raise table.error(
            f"must be without a port; write port = {address.rsplit(':')[-1]}", "address"
        )
    if "://" in address:
        raise table.error("must be a name or an address, not a URL", "address")
    if address.startswith("-") or re.search(r"[\s/\[\]]", address):
        raise table.error(f'"{address}" is not a host name or address', "address")
    return address


def _host_values(table: Table, folder: Path) -> dict[str, Any]:
    """The keys of a host or of [defaults] that are there, checked; name and address apart."""
    values = {
        "user": table.take_text("user"),
        "port": table.take_port("port"),
        "identity_file": table.take_path("identity_file", folder),
        "known_hosts": table.take_path("known_hosts", folder),
        "tags": _tags(table),
        "docker": _docker(table),
        "builder": take_builder(table),
        "env": table.take_map("env"),
        "connect_timeout": table.take_number("connect_timeout", 10.0, 0, 600),
        "build_timeout": table.take_number("build_timeout", 3600.0, 0, 7 * DAY),
        "only_between": _hours(table),
        "max_builds_per_day": table.take_whole("max_builds_per_day", 1, 1_000_000),
        "context_on_host": table.take_text("context_on_host"),
        "image_on_host": table.take_text("image_on_host"),
        "registry": _registry(table),
        "dask_worker": _dask_worker(table),
    }
    return {key: value for key, value in values.items() if key in table.values}


def _registry(table: Table) -> str | None:
    text = table.take_text("registry")
    try:
        return repository(text) if text is not None else None
    except ValueError as error:
        raise table.error(f'"{text}" {error}', "registry") from None


def _dask_worker(table: Table) -> str | None:
    text = table.take_text("dask_worker")
    if text is not None and not NAME.fullmatch(text):
        raise table.error(f'"{text}" must contain only letters, digits, . _ -', "dask_worker")
    return text


def _tags(table: Table) -> tuple[str, ...] | None:
    tags = table.take_strings("tags")
    for tag in tags or ():
        if not NAME.fullmatch(tag):
            raise table.error(f'"{tag}" must contain only letters, digits, . _ -', "tags")
    return tags


def _docker(table: Table) -> tuple[str, ...] | None:
    """The words of the docker command, given as one string or as an array."""
    if isinstance(table.values.get("docker"), str):
        try:
            words = tuple(shlex.split(table.take_text("docker") or ""))
        except ValueError as error:
            raise table.error(f"cannot be split into words: {error}", "docker") from None
    elif isinstance(table.values.get("docker", []), list):
        taken = table.take_strings("docker")
        if taken is None:
            return None
        words = taken
    else:
        raise table.error(
            'must be a string such as "sudo -n docker", or an array of words', "docker"
        )
    if not words or not all(words):
        raise table.error('must have a command; the default is "docker"', "docker")
    return words


def _builds(top: Table, folder: Path) -> dict[str, BuildSettings]:
    if "builds" not in top.values:
        return {}
    builds = top.inner("builds", "[builds]")
    by_name: dict[str, BuildSettings] = {}
    for name, value in builds.values.items():
        if not isinstance(value, dict):
            raise builds.error("each build is a table: write [builds.api] above its keys", name)
        table = builds.inner(name, f"[builds.{name}]")
        if not NAME.fullmatch(name):
            raise table.error(f'"{name}" must contain only letters, digits, . _ -')
        if "no_cache" in table.values:
            raise table.error(f"is not passed on: {NO_CACHE}; remove the key", "no_cache")
        table.only(BUILD_KEYS)
        source = _source(table, folder)
        context, fetched = _context(table, folder) if source is None else (folder, None)
        network = table.take_text("network", "default")
        if network not in NETWORKS:
            raise table.error(f'"{network}" must be one of {", ".join(NETWORKS)}', "network")
        by_name[name] = BuildSettings(
            name=name,
            context=context,
            fetched_from=fetched,
            dockerfile=table.take_text("dockerfile") or "Dockerfile",
            target=table.take_text("target") if "bake" not in table.values else None,
            source=source,
            source_folder=folder if source is not None else None,
            build_args=table.take_map("build_args") or {},
            network=network,
            docker_args=(*(table.take_strings("docker_args") or ()), *options_of(table, folder)),
            ignore=table.take_strings("ignore") or (),
            context_on_host=table.take_text("context_on_host"),
            image_on_host=table.take_text("image_on_host"),
            builder=take_builder(table),
        )
    return by_name


def _source(table: Table, folder: Path) -> str | None:
    """`FILE#TARGET` of a build that stands in a compose or bake file."""
    for key, name_key in (("compose", "service"), ("bake", "target")):
        file = table.take_path(key, folder)
        if file is None:
            continue
        for other in ("context", "dockerfile"):
            if other in table.values:
                raise table.error(f"comes from the {key} file; remove one of them", other)
        for other in ("bake",) if key == "compose" else ("compose", "service"):
            if other in table.values:
                raise table.error(f"cannot be used with {key}; remove one of them", other)
        name = table.take_text(name_key)
        return f"{file}#{name}" if name else str(file)
    if "service" in table.values:
        raise table.error('needs the file that it is in: compose = "compose.yaml"', "service")
    return None


def _context(table: Table, folder: Path) -> tuple[Path, str | None]:
    """(the context's folder, or the one in which it is named; what is fetched in its place)."""
    text = table.take_text("context")
    if text is None:
        raise table.error('has no context; add context = "./folder"')
    if context_source.fetched_kind(text) is not None and not (folder / text).is_dir():
        reason = context_source.why_not_fetched(text)
        if reason:
            raise table.error(f'"{context_source.without_credentials(text)}" {reason}', "context")
        return folder, context_source.from_folder(text, folder)
    path = table.take_path("context", folder)
    assert path is not None
    return path, None


def _store(top: Table) -> StoreLimits:
    if "store" not in top.values:
        return NO_STORE_LIMITS
    table = top.inner("store", "[store]")
    table.only(("max_size", "max_age"))
    size, age = table.take_text("max_size"), table.take_text("max_age")
    try:
        return store_limits(size, age)
    except ValueError as error:
        key = "max_size" if size is not None and not amounts.size(size) else "max_age"
        raise table.error(str(error), key) from None


def store_limits(size: str | None, age: str | None) -> StoreLimits:
    """The limits that these texts set, None for no limit. Raises `ValueError` with what is wrong
    with the first that is."""
    max_size = amounts.size(size) if size is not None else None
    if size is not None and not max_size:
        raise ValueError(f'"{size}" is not a size; write "500MB" or "2GB"')
    max_age = amounts.seconds(age) if age is not None else None
    if age is not None and not max_age:
        raise ValueError(f'"{age}" is not a time; write "12h" or "90d"')
    return StoreLimits(max_size=max_size, max_age=max_age, size_text=size or "", age_text=age or "")
