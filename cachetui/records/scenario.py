"""Scenarios: a builder, and how warm its caches are when it builds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import get_args

from cachetui.records.backend import Backend

COLD = "cold"
"""Layers and cache mounts cold."""

MOUNTS_WARM = "mounts-warm"
"""RUN steps run again, with their cache mounts as the cold run left them."""

WARM = "warm"
"""Everything as the cold run left it."""

FOUND = "as-found"
"""The build as the host's user would type it, with the host's own caches."""

IMPORTED = "imported"
"""The same, with the cache that the build imports: each hit is told from one of the host's own."""

PEEK = "peek"
"""The same, stopped when the first step that must run begins."""

EXPORT, IMPORT = "export-", "import-"
"""What a temperature begins with whose build exports, or imports, a kind of cache."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A builder and the temperature of its caches. `name` is what records and options hold."""

    backend: Backend
    temperature: str

    @staticmethod
    @cache
    def of(name: str) -> Scenario:
        """The scenario of that name. A name of a later version has a temperature that nothing
        here asks for, and counts as BuildKit's where the builder is not known either."""
        backend, _, temperature = name.partition("-")
        return Scenario("legacy" if backend == "legacy" else "buildkit", temperature)

    @property
    def name(self) -> str:
        """ "buildkit-mounts-warm", as in records, options and tables."""
        return f"{self.backend}-{self.temperature}"

    @property
    def description(self) -> str:
        """What runs, and with which caches, in a few words."""
        if self.temperature == COLD:
            mounts = ", cache mounts empty" if self.backend == "buildkit" else ""
            return f"every step runs{mounts}"
        if self.temperature.startswith(EXPORT):
            return "RUN steps run, and the cache is exported"
        if self == UNSHARED:
            return "RUN steps run, with no import"
        if self.temperature.startswith(IMPORT):
            return "nothing but the imported cache"
        return _DESCRIPTIONS.get(self.temperature, "")

    @property
    def as_found(self) -> bool:
        """Whether the build runs with the host's own caches."""
        return self.temperature in (FOUND, IMPORTED, PEEK)

    @property
    def peeks(self) -> bool:
        """Whether the build is stopped when its first RUN begins."""
        return self.temperature == PEEK

    @property
    def warms(self) -> bool:
        """Whether what the build makes stays in the host's own cache, as of any build there."""
        return self.temperature in (FOUND, IMPORTED)

    @property
    def leaves_images(self) -> bool:
        """Whether the images that the build makes stay, as those of any build of the user's. The
        one of a build with an import goes: BuildKit's cache is apart from it."""
        return self.warms and not self.imports

    @property
    def imports(self) -> bool:
        """Whether it is told which hits came with a cache that is imported."""
        return self.temperature == IMPORTED

    @property
    def controlled(self) -> bool:
        """Whether the build runs beside the host's own caches, which stay as they are."""
        return not self.as_found

    @property
    def shares(self) -> bool:
        """Whether the build is part of an experiment with shared caches."""
        return self.temperature.startswith((EXPORT, IMPORT))

    @property
    def cold(self) -> bool:
        """Whether nothing can hit, by construction."""
        return self.temperature == COLD

    @property
    def needs(self) -> Scenario | None:
        """The scenario whose results this one finds again, None where it finds none."""
        return Scenario(self.backend, COLD) if self.temperature in (WARM, MOUNTS_WARM) else None


_DESCRIPTIONS = {
    WARM: "the same build again",
    MOUNTS_WARM: "RUN steps run again, cache mounts full",
    FOUND: "as its user would, with its own cache",
    IMPORTED: "as its user would, with its own cache and the import",
    PEEK: "the same, stopped at the first RUN that misses",
}

BACKENDS: tuple[Backend, ...] = get_args(Backend)
"""The builders, in the order of tables."""

LEGACY_COLD, LEGACY_WARM, LEGACY_FOUND = (
    Scenario("legacy", temperature) for temperature in (COLD, WARM, FOUND)
)
BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM, BUILDKIT_WARM, BUILDKIT_FOUND = (
    Scenario("buildkit", temperature) for temperature in (COLD, MOUNTS_WARM, WARM, FOUND)
)

BUILDKIT_IMPORTED = Scenario("buildkit", IMPORTED)
"""As found, of a build that imports a cache."""

UNSHARED = Scenario("buildkit", f"{IMPORT}none")
"""What a fresh machine pays without a shared cache: RUN steps run, with empty cache mounts."""

PEEKS = tuple(Scenario(backend, PEEK) for backend in BACKENDS)
"""What `cachetui peek` runs; no plan of another command has them."""
BUILDKIT_PEEK = Scenario("buildkit", PEEK)

AS_FOUND = (LEGACY_FOUND, BUILDKIT_FOUND)
CONTROLLED = (LEGACY_COLD, LEGACY_WARM, BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM, BUILDKIT_WARM)
SCENARIOS = (*AS_FOUND, BUILDKIT_IMPORTED, *CONTROLLED)
"""All scenarios, in the order in which a host runs them."""

SCENARIO_NAMES = tuple(scenario.name for scenario in SCENARIOS)


@dataclass(frozen=True, slots=True)
class Planned:
    """One run to make on each host: the name of a scenario, and which of its repeats, from 1."""

    scenario: str
    repeat: int

    @property
    def kind(self) -> Scenario:
        return Scenario.of(self.scenario)

    @property
    def backend(self) -> Backend:
        return self.kind.backend
