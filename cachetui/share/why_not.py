"""Why an import kept nothing although it came: what is known of two engines. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cachetui.builders.features import NEWER_RUN_KEYS
from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.host import HostFacts
from cachetui.records.share import KeptStep
from cachetui.records.versions import version_key


def why_not_kept(
    dockerfile: Dockerfile,
    steps: Sequence[KeptStep],
    source: HostFacts,
    facts: HostFacts,
    *,
    mode: str,
    resolved: Collection[str],
    resolved_there: Collection[str] = (),
) -> tuple[str, ...]:
    """Sentences about engines and stores, where no RUN was kept, or one was not with a cache of
    `mode` max. `resolved` are base images of which BuildKit printed the digest in their registry
    on the host that imports, `resolved_there` on the one that exported."""
    runs = [one for one in steps if _keyword(dockerfile, one) == "RUN"]
    again = [one for one in runs if one.kept == "not-kept"]
    none = bool(again) and len(again) == len(runs)
    notes: list[str] = []
    apart = (version_key(source.engine) < NEWER_RUN_KEYS) != (
        version_key(facts.engine) < NEWER_RUN_KEYS
    )
    if none and apart:
        notes.append(
            f"Docker Engine {facts.engine} reads what {source.engine} exports, but reuses no RUN "
            "of it: their versions of BuildKit compute different keys; share between hosts of "
            "similar versions"
        )
    if none or (again and mode == "max"):
        notes += _other_keys_of_bases(source, facts, resolved, resolved_there)
    return tuple(notes)


def _keyword(dockerfile: Dockerfile, step: KeptStep) -> str:
    return dockerfile.stages[step.stage_index].instructions[step.index].keyword


def _other_keys_of_bases(
    source: HostFacts,
    facts: HostFacts,
    resolved: Collection[str],
    resolved_there: Collection[str],
) -> list[str]:
    """Base images that one host has itself, where the other asked a registry.

    BuildKit on a graph driver takes an image that the host has under the name in FROM, and keys
    it by its layers. Else, and always on the containerd store, the key is that of the manifest
    (our lab: 26.1 and 28.5 reuse nothing then, and all with --pull on both).
    """
    here = _found_on(facts, resolved)
    there = _found_on(source, resolved_there)
    sides = (
        ("the host", here - there),
        ("the host that exported", there - here),
    )
    return [
        f"{who} has {', '.join(sorted(refs))} as an image of its own, and BuildKit on a graph "
        "driver makes another key of that than of one that it finds in a registry: build with "
        "--pull on both hosts (`cachetui share --pull` shows what that saves); where no registry "
        "has it, push it to one first and name it so in FROM"
        for who, found in sides
        if (refs := [ref for ref in found if _may_be_same(ref, source, facts)])
    ]


def _found_on(facts: HostFacts, resolved: Collection[str]) -> set[str]:
    """The base images that a graph driver's host has, and BuildKit did not look for elsewhere."""
    if facts.store.startswith("containerd"):
        return set()
    return {ref for ref, layers in facts.bases.items() if layers and ref not in resolved}


def _may_be_same(ref: str, source: HostFacts, facts: HostFacts) -> bool:
    """Whether no host is known to have other layers: these would be another image."""
    return len({layers for one in (source, facts) if (layers := one.bases.get(ref))}) == 1
