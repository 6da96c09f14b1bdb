"""Why there is no experiment for a finding."""

from __future__ import annotations


class NoExperiment(Exception):
    """No experiment is possible for this finding: says why, and what to do."""


def unreadable(name: str) -> NoExperiment:
    """The digest of the build argument `name` was made with another secret."""
    return NoExperiment(
        f"no value can be held against what is kept of {name}: its digest was made with another "
        "secret than this store has. Run the audit again"
    )


class ValueNeeded(NoExperiment):
    """An experiment is possible once the value of the build argument `name` is given."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{why}, and values are not stored: pass it with --build-arg {name}=VALUE")
        self.name = name
