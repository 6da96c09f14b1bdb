"""Scenarios: a builder, and how warm its caches are."""

from __future__ import annotations

from dataclasses import dataclass

from cachetui.records.backend import Backend

AS_FOUND = ("legacy-as-found", "buildkit-as-found")
CONTROLLED = (
    "legacy-cold",
    "legacy-warm",
    "buildkit-cold",
    "buildkit-mounts-warm",
    "buildkit-warm",
)
SCENARIOS = (*AS_FOUND, *CONTROLLED)

# A warm run means nothing without the cold run whose results it finds again.
NEEDS = {
    "legacy-warm": "legacy-cold",
    "buildkit-mounts-warm": "buildkit-cold",
    "buildkit-warm": "buildkit-cold",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """One run to make on each host: a scenario, and which of its repeats, from 1."""

    scenario: str
    repeat: int

    @property
    def backend(self) -> Backend:
        return backend_of(self.scenario)

    @property
    def controlled(self) -> bool:
        return self.scenario not in AS_FOUND


def backend_of(scenario: str) -> Backend:
    """The builder that a scenario uses."""
    return "legacy" if scenario.startswith("legacy") else "buildkit"
