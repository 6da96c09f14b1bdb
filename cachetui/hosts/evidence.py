"""What a host's caches and images are before an audit touches them: evidence for findings.

Two short questions, which may have been asked ahead (`evidence_questions`); where something is run
as found one command more, beside the list of cache records that the audit takes anyway. What a
build can change is asked again afterwards. Nothing on the host is changed.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from msgspec import structs

from cachetui.builders.client import client
from cachetui.config.settings import HostSettings
from cachetui.hosts.asked_ahead import Question
from cachetui.hosts.cache_records import CacheRecord
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.image_chains import (
    ASK_SECONDS,
    asked,
    chains_and_pulled,
    images_of,
    images_question,
)
from cachetui.hosts.machine import HostError, Machine
from cachetui.records.digest import ValueHasher
from cachetui.records.host import (
    BaseImage,
    CacheEntry,
    HostEvidence,
    HostFacts,
    LegacyChain,
)


def gather_evidence(
    machine: Machine,
    host: HostSettings,
    refs: Sequence[str],
    records: Iterable[CacheRecord] | None,
    *,
    gc: Sequence[str],
    as_found: bool,
    step_images: bool,
    hasher: ValueHasher,
) -> HostEvidence:
    """The evidence of a host. `refs` are the base images, `records` BuildKit's cache as it was
    listed just before, `gc` the rules of its garbage collection; `as_found` keeps these,
    `step_images` asks for the images of steps that the legacy builder left, whose commands and
    values are kept as digests by `hasher`.

    Nothing is raised for what a host does not tell: it is None, or empty. A connection that
    breaks is (`HostError`).
    """
    docker = client(host.docker, host.env)
    printed = asked(machine, first_command(docker, refs)) or ""
    bases, platform = parse_first(printed, refs)
    if not as_found:
        return HostEvidence(at=time.time(), bases=bases, default_platform=platform)
    images = images_of(machine, docker) if step_images else None
    chains: tuple[LegacyChain, ...] | None = None
    pulled: tuple[LegacyChain, ...] = ()
    if images is not None:
        chains, pulled = chains_and_pulled(machine, docker, images, bases, hasher)
    return HostEvidence(
        at=time.time(),
        bases=bases,
        legacy=chains,
        pulled=pulled,
        cache=None if records is None else tuple(map(_entry, records)),
        cache_bytes=None if records is None else sum(record.bytes for record in records),
        gc=tuple(gc),
        default_platform=platform,
    )


def evidence_questions(
    host: HostSettings, refs: Sequence[str], *, step_images: bool
) -> tuple[Question, ...]:
    """What `gather_evidence` asks first, the quickest first; `bases_after` asks the first of them
    again."""
    docker = client(host.docker, host.env)
    first = Question(first_command(docker, refs), ASK_SECONDS)
    return (first, images_question(docker)) if step_images else (first,)


def bases_after(
    machine: Machine,
    host: HostSettings,
    facts: HostFacts,
    before: HostEvidence,
    hasher: ValueHasher,
) -> tuple[BaseImage, ...] | None:
    """The base images with their layers as they are now, after the runs; None when it cannot be
    told. The first command again, and the facts too where an image is another than `before`;
    values are kept as digests by `hasher`."""
    refs = tuple(facts.bases)
    docker = client(host.docker, host.env)
    printed = asked(machine, first_command(docker, refs)) if refs else None
    if printed is None:
        return None
    bases, _ = parse_first(printed, refs)
    known = facts
    if {image.ref: image.id for image in bases} != {i.ref: i.id for i in before.bases}:
        try:
            known = ask_facts(machine, host, refs, usage=False, hasher=hasher)
        except HostError as error:
            if error.kind in ("lost", "cancelled"):
                raise
            return None
    return tuple(
        structs.replace(
            image, layers=known.bases.get(image.ref), settings=known.base_settings.get(image.ref)
        )
        for image in bases
    )


def first_command(docker: str, refs: Sequence[str]) -> str:
    """Base images and the platform that the user sets."""
    form = "{{.Id}}|{{.Created}}|{{range .RepoDigests}}{{.}} {{end}}"
    asks = "; ".join(
        f"echo base; {docker} image inspect --format {shlex.quote(form)} {shlex.quote(ref)} "
        "2>/dev/null || echo none"
        for ref in refs
    )
    return f'{asks or ":"}; echo "platform=$DOCKER_DEFAULT_PLATFORM"; true'


def parse_first(text: str, refs: Sequence[str]) -> tuple[tuple[BaseImage, ...], str | None]:
    """What `first_command` prints: base images and DOCKER_DEFAULT_PLATFORM."""
    head, _, tail = text.partition("platform=")
    bases: list[BaseImage] = []
    for ref, part in zip(refs, head.split("base\n")[1:], strict=False):
        identity, _, rest = part.strip().partition("|")
        created, _, digests = rest.partition("|")
        if identity.startswith("sha256:"):
            bases.append(
                BaseImage(
                    ref=ref, id=identity, created=created or None, digests=tuple(digests.split())
                )
            )
    return tuple(bases), tail.partition("\n")[0].strip() or None


def _entry(record: CacheRecord) -> CacheEntry:
    return CacheEntry(
        type=record.type,
        description=record.description,
        bytes=record.bytes,
        created=seconds(record.created_at),
        last_used=seconds(record.last_used_at),
        uses=record.uses,
    )


def seconds(text: str | None) -> float | None:
    """Docker's "2026-11-24 04:03:10.530418233 +0000 UTC" in seconds since the epoch."""
    date = re.match(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)? ([+-]\d{4})", text or "")
    if date is None:
        return None
    with suppress(ValueError):
        whole = datetime.strptime(f"{date[1]} {date[3]}", "%Y-%m-%d %H:%M:%S %z")
        return whole.timestamp() + float(date[2] or 0)
    return None
