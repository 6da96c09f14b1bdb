"""What to run: scenarios, repeats and their order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.backend import Backend
from cachetui.records.scenario import (
    AS_FOUND,
    BACKENDS,
    BUILDKIT_COLD,
    BUILDKIT_FOUND,
    BUILDKIT_IMPORTED,
    BUILDKIT_MOUNTS_WARM,
    CONTROLLED,
    PEEKS,
    SCENARIO_NAMES,
    SCENARIOS,
    Planned,
    Scenario,
)


class PlanError(Exception):
    """What was asked cannot be planned: says what would be right."""


@dataclass(frozen=True)
class Plan:
    """`scenarios` as columns, `order` as they run on a host, one after the other. `notes` say
    what was left out or added, and why."""

    scenarios: tuple[str, ...]
    order: tuple[Planned, ...]
    repeats: int
    notes: tuple[str, ...] = ()


def make_plan(
    dockerfile: Dockerfile,
    *,
    scenarios: Sequence[str] | None = None,
    as_found: bool = False,
    imports: bool = False,
    imported: bool = False,
    check_stale: bool = False,
    repeat: int = 1,
) -> Plan:
    """Choose and order the runs of a host.

    `scenarios` None means the five controlled ones, less those that cannot differ; with
    `check_stale`, none but those that it adds: `buildkit-imported`, and the cold run that this is
    compared with. `as_found` adds the scenarios as found of the builders that are chosen, and no
    builder; where the build `imports` a cache, `buildkit-imported` is BuildKit's. `imported` adds
    that one unless scenarios are named. What was found as it was comes first, before anything of
    ours has run, and once: it warms the cache that it looks at. Repeats interleave the scenarios,
    the backends taking turns to go first, so that a drift of the host's load does not fall on one
    of them. Raises `PlanError`.
    """
    if repeat < 1:
        raise PlanError(f"--repeat takes a whole number from 1, not {repeat}")
    notes: list[str] = []
    chosen: set[Scenario] = set()
    if scenarios is not None or not check_stale:
        chosen = _chosen(scenarios, notes)
    if check_stale:
        chosen |= {BUILDKIT_IMPORTED, BUILDKIT_COLD}
    if as_found:
        _add_as_found(chosen, notes if scenarios is not None else [], imports=imports)
    if imported and scenarios is None:
        chosen.add(BUILDKIT_IMPORTED)
    if BUILDKIT_IMPORTED in chosen:
        _check_import(chosen, notes, imports=imports)
    if scenarios is None and not dockerfile.uses_cache_mounts and BUILDKIT_MOUNTS_WARM in chosen:
        chosen.discard(BUILDKIT_MOUNTS_WARM)
        notes.append(
            f"{BUILDKIT_MOUNTS_WARM.name} is left out: the Dockerfile has no RUN --mount=type=cache"
        )
    if any(scenario.warms for scenario in chosen):
        notes.append(
            "as found: the build ran as its user would type it, with the same files on every host, "
            "so it warmed each host's own cache, as any build would"
            + ("; it is not repeated" if repeat > 1 else "")
        )
    ordered = [scenario for scenario in SCENARIOS if scenario in chosen]
    order = [Planned(scenario.name, 1) for scenario in ordered if scenario.as_found]
    for number in range(1, repeat + 1):
        turn = [Planned(s.name, number) for s in ordered if s.controlled]
        if number % 2 == 0:
            turn.sort(key=lambda planned: -BACKENDS.index(planned.backend))
        order += turn
    return Plan(tuple(s.name for s in ordered), tuple(order), repeat, tuple(notes))


def peek_plan(
    backends: Sequence[Backend] = BACKENDS, without_mounts: Dockerfile | None = None
) -> Plan:
    """One look at each builder's cache (`cachetui peek`), in the order of `BACKENDS`. The note says
    what is left out `without_mounts` of this Dockerfile."""
    names = tuple(scenario.name for scenario in PEEKS if scenario.backend in backends)
    notes: tuple[str, ...] = ()
    if without_mounts is not None and "buildkit" in backends:
        items = without_mounts.instructions
        lines = ", ".join(f"line {item.line}" for item in items if item.cache_mounts)
        if lines:
            notes = (f"--no-mounts leaves out {lines}; steps built on that are not decided",)
    return Plan(names, tuple(Planned(name, 1) for name in names), 1, notes)


def _chosen(names: Sequence[str] | None, notes: list[str]) -> set[Scenario]:
    if names is None:
        return set(CONTROLLED)
    for name in names:
        if name not in SCENARIO_NAMES:
            raise PlanError(f"no scenario {name!r}; there are {', '.join(SCENARIO_NAMES)}")
    if not names:
        raise PlanError(f"no scenario named; there are {', '.join(SCENARIO_NAMES)}")
    chosen = {Scenario.of(name) for name in names}
    for scenario in sorted(chosen, key=lambda scenario: scenario.name):
        needed = scenario.needs
        if needed is not None and needed not in chosen:
            notes.append(f"{needed.name} runs too: {scenario.name} finds what it left")
            chosen.add(needed)
    return chosen


def _check_import(chosen: set[Scenario], notes: list[str], *, imports: bool) -> None:
    """Raises `PlanError` without a cache to import."""
    if not imports:
        raise PlanError(
            f"{BUILDKIT_IMPORTED.name} needs a cache that the build imports: --cache-from, or "
            "cache_from of the build in hosts.toml"
        )
    if BUILDKIT_FOUND in chosen:
        chosen.discard(BUILDKIT_FOUND)
        notes.append(
            f"{BUILDKIT_FOUND.name} is left out: {BUILDKIT_IMPORTED.name} is the same build, and "
            "tells which hits came with the import"
        )


def _add_as_found(chosen: set[Scenario], notes: list[str], *, imports: bool) -> None:
    backends = {scenario.backend for scenario in chosen}
    if imports and BUILDKIT_FOUND in chosen:
        imports = False  # it was asked for by its name
    wanted = (BUILDKIT_IMPORTED if imports and s == BUILDKIT_FOUND else s for s in AS_FOUND)
    for scenario in wanted:
        if scenario.backend in backends and scenario not in chosen:
            notes.append(
                f"{scenario.name} runs too: --as-found adds it for a builder of --scenarios"
            )
            chosen.add(scenario)


def missing_with_needs(order: Sequence[Planned], stored: set[Planned]) -> list[Planned]:
    """Which runs to make when some are stored: those that are not, and the cold run before each
    of them, since what a stored cold run left on the host may be gone."""
    missing = {planned for planned in order if planned not in stored}
    for planned in list(missing):
        needed = planned.kind.needs
        if needed is not None:
            missing.add(Planned(needed.name, planned.repeat))
    return [planned for planned in order if planned in missing]
