"""Why there is no experiment for a finding."""

from __future__ import annotations

from cachetui.records.host import BuildxBuilder


class NoExperiment(Exception):
    """No experiment is possible for this finding: says why, and what to do."""


def unreadable(name: str) -> NoExperiment:
    """The digest of the build argument `name` was made with another secret."""
    return NoExperiment(
        f"no value can be compared with the stored digest of {name}: it was made with the secret "
        "of another store. Run the audit again"
    )


def no_experiment_on(builder: BuildxBuilder) -> tuple[str, str]:
    """Why there are no experiments on a builder that is in no docker engine, and what to do."""
    return (
        f"BuildKit builds with the builder {builder.text} there, whose images docker neither has "
        "nor changes, and that an experiment leaves its caches as they were was shown of docker's "
        "own builders alone",
        "name a docker context by builder, or unset BUILDX_BUILDER there",
    )


class ValueNeeded(NoExperiment):
    """An experiment is possible once the value of the build argument `name` is given."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{why}, and values are not stored: pass it with --build-arg {name}=VALUE")
        self.name = name
