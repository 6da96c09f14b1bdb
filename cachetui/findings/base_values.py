"""Values of a base image's variables, as far as the build's own words tell them.

Of such a value only a digest is kept. What a COPY makes of it can be no more than what the context
has, and where a line was written otherwise, its words are in a Dockerfile: so digests of the paths
and words tell which of them it is, and nothing else is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from cachetui.findings.build_on_host import BuildOnHost
from cachetui.findings.context_files import ROOT, ContextFiles
from cachetui.findings.scope import BaseScope, references
from cachetui.records.digest import ValueHasher
from cachetui.records.image_settings import ImageSettings

MOST_ENTRIES = 20_000
"""Entries of a context whose paths are tried: a second at worst."""
MOST_WORDS = 2000
_WORD = re.compile(r"""[^\s"'=:,\[\]]+""")


def base_scope(build: BuildOnHost, settings: ImageSettings, texts: Sequence[str]) -> BaseScope:
    """What the image sets, with the values of variables that the Dockerfile uses. `texts` are the
    Dockerfiles whose words are tried, its own among them."""
    used = settings.env.keys() & {name for text in texts for name in references(text)} - {"PATH"}
    if not used:
        return BaseScope(settings)
    known: dict[str, str] = {}
    for text in texts:
        known |= _words(build.hasher, text)
    if build.files is not None and len(build.files.entries) <= MOST_ENTRIES:
        if not build.files.digests:
            paths = _paths(build.files)
            build.files.digests.update((build.hasher.digest(path), path) for path in paths)
        known |= build.files.digests
    digests = ((name, settings.env[name]) for name in sorted(used))
    return BaseScope(settings, {name: known[one] for name, one in digests if one in known})


@lru_cache(maxsize=32)
def _words(hasher: ValueHasher, text: str) -> dict[str, str]:
    """The words of a Dockerfile, and the parts of those that are paths, by their digests."""
    words: dict[str, None] = {}
    for word in _WORD.findall(text):
        parts = word.strip("/").split("/")[:8]
        ends = [(first, last) for first in range(len(parts)) for last in range(first, len(parts))]
        for first, last in ends:
            words |= dict.fromkeys(_writings("/".join(parts[first : last + 1])))
        words[word] = None
        if len(words) > MOST_WORDS * 6:
            break
    return {hasher.digest(word): word for word in words}


def _paths(files: ContextFiles) -> Iterator[str]:
    """The paths of a context and the names in them, as they are written."""
    yield from ("", ".", "./", "/")
    for entry in files.entries:
        path = entry.path.removeprefix(f"{ROOT}/")
        for one in dict.fromkeys((path, path.rpartition("/")[2])):
            yield from _writings(one)


def _writings(path: str) -> tuple[str, ...]:
    return (path, f"{path}/", f"/{path}", f"/{path}/", f"./{path}", f"./{path}/")
