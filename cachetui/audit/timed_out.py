"""What a build waited for that was stopped, by its user or since its host's time for it was over.

BuildKit gives up neither the manifest of a cache nor a layer when the connection stalls, and says
nothing of it: see `layer_pulls`. Its output tells what was on its way when the build was stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cachetui.builders.layer_pulls import LayerPulls
from cachetui.builders.registry_refs import answers
from cachetui.builders.step_map import StepMap
from cachetui.builders.transfers import is_reference
from cachetui.records.share import CacheTransfer

_SHORT = len("sha256:") + 12


@dataclass(frozen=True)
class Waiting:
    """What a build waited for, in words, and the references from one of which it was to come."""

    what: str
    refs: tuple[str, ...]


def waiting_for(
    steps: StepMap, transfers: Sequence[CacheTransfer], pulls: LayerPulls
) -> Waiting | None:
    """The import or the layers that a build still had on their way, where no step was at work but
    those that wait for them. None where a step was, or nothing tells."""
    keys = dict.fromkeys(key for key, _ in pulls.open)
    wait = [step for key in keys if (step := steps.step_of(key)) is not None]
    if set(steps.running()) - set(wait):
        return None
    imports = [one for one in transfers if one.direction == "import" and one.error is None]
    begun = tuple(one.name for one in imports if not one.ended)
    if begun:
        return Waiting(f"to import the cache manifest from {_either(begun)}", begun)
    if not wait:
        return None
    layers = [layer for key, layer in pulls.open if steps.step_of(key) == wait[0]]
    many = "a layer" if len(layers) == 1 else f"{len(layers)} layers"
    short = ", ".join(layer[:_SHORT] for layer in layers[:3])
    stage, first = steps.dockerfile.stages[wait[0].stage_index], wait[0]
    line = steps.dockerfile.instruction(first.stage_index, first.index).line
    what = f"to download {many} ({short}{', …' if len(layers) > 3 else ''})"
    if first.index == 0 and first.trigger is None:
        return Waiting(f"{what} of the image of line {line}, {stage.base}", (stage.base,))
    names = tuple(one.name for one in imports)
    if not names:
        return None
    return Waiting(f"{what} of line {line}, which hit in the cache from {_either(names)}", names)


def stopped_by_user(waiting: Waiting | None) -> str:
    """The reason of a run that was stopped by whoever ran it."""
    return f"stopped; the last that the build did was {waiting.what}" if waiting else "stopped"


def timed_out(waiting: Waiting, host: str, seconds: float) -> str:
    """The reason of a run that was stopped after `seconds` while it waited for that."""
    asked = dict.fromkeys(answers(ref, host) for ref in waiting.refs if is_reference(ref))
    return "; ".join(
        (
            f"the build did not end within {seconds:g} s, its build_timeout, and was stopped. The "
            f"last that it did was {waiting.what}. BuildKit does not give up a connection that "
            "stalls, and says nothing of it",
            *asked,
            "where it only takes that long, raise build_timeout",
        )
    )


def _either(names: Sequence[str]) -> str:
    return " or ".join(names)
