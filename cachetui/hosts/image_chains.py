"""The images of a host that legacy builds made: the chains from a base image on, step by step, and
those that were made elsewhere, of which only the last is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cachetui.builders import history_line
from cachetui.hosts.asked_ahead import AskedAhead, Question
from cachetui.hosts.machine import HostError, Machine
from cachetui.records.digest import ValueHasher
from cachetui.records.host import (
    MAX_CHAINS,
    MAX_OTHER_CHAINS,
    MAX_PULLED,
    BaseImage,
    LegacyChain,
)

ASK_SECONDS = 30.0
MAX_IMAGES = 3000
"""Images of a host that are looked through."""

_LINE = "{{.Id}}|{{.Parent}}|{{.Created}}"

_HISTORY = "history --no-trunc --format '{{.CreatedBy}}' \"$i\""
_ENTRY = re.compile(r"^image (?=sha256:[0-9a-f]{64}$)", re.MULTILINE)
"""Before what is asked of each of several images."""


@dataclass(frozen=True, slots=True)
class ImageLine:
    """An image on the host: its ID, its parent's ("" for none) and its date as docker has it."""

    id: str
    parent: str
    created: str


def images_of(machine: Machine, docker: str) -> dict[str, ImageLine] | None:
    """All images of the host, by ID; None when that cannot be told."""
    listing = asked(machine, images_question(docker).command)
    return None if listing is None else parse_listing(listing)


def images_question(docker: str) -> Question:
    """What `images_of` asks."""
    return _question(
        f"{docker} image ls -aq --no-trunc | sort -u | head -n {MAX_IMAGES} | "
        f"xargs {docker} image inspect --format {shlex.quote(_LINE)} 2>/dev/null; true"
    )


def _question(command: str) -> Question:
    return Question(command, ASK_SECONDS)


def chains_and_pulled(
    machine: Machine,
    docker: str,
    images: dict[str, ImageLine],
    bases: Sequence[BaseImage],
    hasher: ValueHasher,
) -> tuple[tuple[LegacyChain, ...] | None, tuple[LegacyChain, ...]]:
    """What the legacy builder made from the base images, and from others, which may be what a
    reference named before, None when that cannot be told; and what it made on the base images
    without an image for each step."""
    paths = _paths(images, bases)
    known = [image.id for image in bases if image.id in images]
    alone = parentless(images, known) if known else []
    histories = _histories_command(docker, paths)
    pulled = _pulled_command(docker, [*known, *alone])
    machine = AskedAhead(machine)
    machine.ask(
        [_question(one) for one, of in ((histories, paths), (pulled, alone)) if of],
    )
    chains: tuple[LegacyChain, ...] | None = ()
    if paths:
        told = asked(machine, histories)
        chains = None if told is None else parse_histories(told, paths, hasher)
    told = asked(machine, pulled) if alone else None
    return chains, () if told is None else parse_pulled(told, known, images, hasher)


def _paths(images: dict[str, ImageLine], bases: Sequence[BaseImage]) -> list[list[ImageLine]]:
    """The chains of images whose histories are asked for."""
    ids = {image.id for image in bases}
    chains = leaves(images, ids)
    paths = [path for path in chains if path[0].id in ids][:MAX_CHAINS]
    return paths + [path for path in chains if path[0].id not in ids][:MAX_OTHER_CHAINS]


def _histories_command(docker: str, paths: Sequence[Sequence[ImageLine]]) -> str:
    names = " ".join(path[-1].id for path in paths)
    return f'for i in {names}; do echo "image $i"; {docker} {_HISTORY} 2>/dev/null; done'


def _pulled_command(docker: str, images: Sequence[str]) -> str:
    form = shlex.quote('{{join .RepoTags " "}}|{{join .RootFS.Layers " "}}')
    return (
        f'for i in {" ".join(images)}; do echo "image $i"; '
        f'{docker} image inspect --format {form} "$i" 2>/dev/null; '
        f"{docker} {_HISTORY} 2>/dev/null; done"
    )


def parse_listing(text: str) -> dict[str, ImageLine]:
    """Images by ID."""
    images: dict[str, ImageLine] = {}
    for line in text.splitlines():
        parts = line.strip().split("|")
        if len(parts) == 3 and parts[0].startswith("sha256:"):
            images[parts[0]] = ImageLine(*parts)
    return images


def leaves(images: dict[str, ImageLine], bases: Collection[str]) -> list[list[ImageLine]]:
    """The chains to each image that is nobody's parent, newest first, each with the image in
    front that it stands on: a base image, or one without a parent."""
    parents = {image.parent for image in images.values()}
    chains: list[list[ImageLine]] = []
    for image in images.values():
        if image.id in parents or not image.parent:
            continue
        path = [image]
        seen = {image.id}
        while path[0].id not in bases and path[0].parent:
            above = images.get(path[0].parent)
            if above is None or above.id in seen:
                path = []
                break
            seen.add(above.id)
            path.insert(0, above)
        if len(path) > 1:
            chains.append(path)
    return sorted(chains, key=lambda path: path[-1].created, reverse=True)


def parse_histories(
    text: str, paths: Sequence[Sequence[ImageLine]], hasher: ValueHasher
) -> tuple[LegacyChain, ...]:
    """The chains with what made each image; `docker history` has the newest first."""
    by_leaf = {path[-1].id: path for path in paths}
    chains: list[LegacyChain] = []
    for part in _ENTRY.split(text)[1:]:
        leaf, _, rest = part.partition("\n")
        path = by_leaf.get(leaf.strip())
        lines = [line for line in rest.splitlines() if line.strip()]
        if path is None or len(lines) < len(path) - 1:
            continue
        made = [history_line.kept(line, hasher) for line in reversed(lines[: len(path) - 1])]
        chains.append(
            LegacyChain(
                base=path[0].id,
                image=path[-1].id,
                made_by=tuple(made),
                created=path[-1].created or None,
            )
        )
    return tuple(chains)


def parentless(images: dict[str, ImageLine], bases: Collection[str]) -> list[str]:
    """The IDs of those that stand on no other and on which no other stands, newest first: pulled
    or loaded, or made by BuildKit."""
    parents = {image.parent for image in images.values()}
    alone = [
        image
        for image in images.values()
        if not image.parent and image.id not in parents and image.id not in bases
    ]
    alone.sort(key=lambda image: image.created, reverse=True)
    return [image.id for image in alone[:MAX_PULLED]]


def parse_pulled(
    text: str, bases: Sequence[str], images: dict[str, ImageLine], hasher: ValueHasher
) -> tuple[LegacyChain, ...]:
    """Those that have the layers and the history of one of the base images below their own; of
    what `chains_and_pulled` asks for. BuildKit marks the lines of its images."""
    told: dict[str, _Told] = {}
    for part in _ENTRY.split(text)[1:]:
        identity, described, *history = [*part.split("\n"), ""][:-1]
        tags, _, layers = described.partition("|")
        lines = history[:-1] if history and not history[-1] else history
        told[identity] = _Told(tags.split(), layers.split(), lines[::-1])
    chains: list[LegacyChain] = []
    for identity, image in told.items():
        for base in bases if identity not in bases else ():
            below = told.get(base)
            if below is None or not image.stands_on(below):
                continue
            made = image.history[len(below.history) :]
            if made and not any(line.rstrip().endswith("# buildkit") for line in made):
                chains.append(
                    LegacyChain(
                        base=base,
                        image=identity,
                        made_by=tuple(history_line.kept(line, hasher) for line in made),
                        created=images[identity].created or None,
                        name=next(iter(image.tags), None),
                    )
                )
    return tuple(chains)


@dataclass(frozen=True, slots=True)
class _Told:
    """An image's tags, the digests of its layers, and what made it, oldest first."""

    tags: list[str]
    layers: list[str]
    history: list[str]

    def stands_on(self, base: _Told) -> bool:
        return (
            bool(base.layers)
            and self.layers[: len(base.layers)] == base.layers
            and self.history[: len(base.history)] == base.history
        )


def asked(machine: Machine, command: str) -> str | None:
    """What a command prints, None when it fails or takes too long."""
    try:
        done = machine.run(command, timeout=ASK_SECONDS)
    except HostError as error:
        if error.kind in ("timeout", "shell"):
            return None
        raise
    return done.text if done.status == 0 else None
