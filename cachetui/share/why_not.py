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
) -> tuple[str, ...]:
    """Sentences about engines and stores, where no RUN was kept, or one was not with a cache of
    `mode` max. `resolved` are base images that a graph driver's host found in a registry."""
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
    local = [ref for ref in _differ_by_store(source, facts) if ref not in resolved]
    if local and (none or (again and mode == "max")):
        notes.append(
            f"{', '.join(local)} was not pulled from a registry: its layers are the same on both, "
            "but its key can differ, since the containerd store goes by the manifest and a graph "
            "driver by the layers; push it to a registry and name it so in FROM"
        )
    return tuple(notes)


def _keyword(dockerfile: Dockerfile, step: KeptStep) -> str:
    return dockerfile.stages[step.stage_index].instructions[step.index].keyword


def _differ_by_store(source: HostFacts, facts: HostFacts) -> list[str]:
    """Base images that both have, of the same layers, with stores of two kinds."""
    if source.store.startswith("containerd") == facts.store.startswith("containerd"):
        return []
    return [
        ref for ref, layers in facts.bases.items() if layers and layers == source.bases.get(ref)
    ]
