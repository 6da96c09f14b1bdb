"""`cachetui paths` and `cachetui keys`: where settings and results are, and the app's keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cachetui.store.place import StorePlace


def format_paths(hosts_file: Path | None, store_place: StorePlace | None) -> Iterator[str]:
    """A line for each place: what it is, its path, whether it is there; separated by tabs. A
    `hosts_file` that is given is the only one that is read."""
    from cachetui.config.places import places
    from cachetui.store.glance import default_folder

    if hosts_file is not None:
        yield _place("hosts", hosts_file)
    else:
        for name, path in zip(("hosts", "hosts, else"), places(), strict=True):
            yield _place(name, path)
    yield _place("keys and theme", places()[-1].with_name("app.toml"))
    place = store_place or default_folder()
    yield f"results\t{place.absolute() if isinstance(place, Path) else place}"


def _place(name: str, path: Path) -> str:
    return f"{name}\t{path.absolute()}\t{'found' if path.exists() else 'not there'}"


def format_keys() -> Iterator[str]:
    """The app's keys under their headings: id, key, what it does."""
    from cachetui.tui import preferences
    from cachetui.tui.view import key_tables

    yield f'# {preferences.path_of_file()}:  [keys]  id = "key"'
    for title, entries in key_tables.sheet():
        yield ""
        yield f"# {title}"
        for shown, what, name in entries:
            yield f"{name:<22} {shown:<16} {what}"
