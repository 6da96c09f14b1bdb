"""What the recordings show, checked by hand: `stage.index` or `stage.index.trigger` by status.

Warm is cold with every miss a hit, unless it is written out. `hit|miss` is either: WORKDIR's
vertex is not run anew by `--no-cache` (`dockerfile2llb/convert.go` dispatchWorkdir gives it no
IgnoreCache), so that depends on what the engine built before; a step beside one that fails may
be done by then or cancelled; 20.10 finds the COPY from the context in an imported cache and no RUN.
"""

from __future__ import annotations

from cachetui.records.backend import Backend
from cachetui.records.step import StepStatus
from tests.recordings.cases import Recording

COLD: dict[tuple[str, Backend], str] = {
    ("single", "legacy"): "hit: 0.0; miss: 0.1 0.2",
    ("single", "buildkit"): "hit: 0.0; miss: 0.1 0.2",
    ("stages", "legacy"): "hit: -1.0 0.0 1.0; miss: 0.1 0.2 0.3 0.4 1.1 1.2 1.3 1.4",
    ("stages", "buildkit"): "hit: 0.0 1.0; miss: 0.3 0.4 1.1 1.3; hit|miss: 0.2",
    ("unnamed", "legacy"): "hit: 0.0 1.0 2.0; miss: 0.1 1.1 2.1 2.2",
    ("unnamed", "buildkit"): "hit: 0.0 1.0 2.0; miss: 0.1 1.1 2.1 2.2",
    ("variables", "legacy"): "hit: -1.0 -1.1 0.0; miss: 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8",
    ("variables", "buildkit"): "hit: 0.0; miss: 0.5 0.6 0.7 0.8; hit|miss: 0.4",
    ("onbuild", "legacy"): (
        "hit: 0.0 1.0 2.0; miss: 0.0.0 0.0.1 0.0.2 0.0.3 0.1 0.2 1.1 1.2 2.0.0 2.1 2.2"
    ),
    ("onbuild", "buildkit"): (
        "hit: 0.0 0.1 1.0 2.0; miss: 0.0.2 0.0.3 0.2 1.2 2.0.0 2.1 2.2; hit|miss: 0.0.1"
    ),
    ("heredoc", "legacy"): "hit: 0.0; miss: 0.1 0.2 0.3 0.4",
    ("heredoc", "buildkit"): "hit: 0.0; miss: 0.1 0.2 0.3 0.4",
    ("link", "legacy"): "hit: 0.0 1.0; miss: 0.1 1.1 1.2 1.3",
    ("link", "buildkit"): "hit: 0.0 1.0; miss: 0.1 1.1 1.2 1.3",
    ("remote-add", "legacy"): "hit: 0.0 1.0; miss: 0.1 0.2 1.1 1.2",
    ("remote-add", "buildkit"): "hit: 0.0 1.0; miss: 0.1 0.2 1.1 1.2",
    ("target", "legacy"): "hit: 0.0 1.0 2.0; miss: 0.1 1.1 2.1 2.2; not-needed: 3.0 3.1",
    ("target", "buildkit"): "not-needed: 0.0 0.1 3.0 3.1; hit: 1.0 2.0; miss: 1.1 2.1 2.2",
    ("parallel-failure", "legacy"): (
        "hit: 0.0 1.0; miss: 0.1 0.2 1.1; failed: 1.2; not-reached: 1.3 2.0 2.1 2.2"
    ),
    ("parallel-failure", "buildkit"): (
        "hit: 0.0 1.0 2.0; not-reached: 0.1 0.2 1.3 2.1 2.2; miss: 1.1; failed: 1.2"
    ),
    ("equal", "legacy"): "hit: 0.0 1.0 2.0; miss: 0.1 0.2 0.3 0.4 1.1 1.2 1.3 1.4 1.5 2.1 2.2",
    ("equal", "buildkit"): "hit: 0.0 1.0 2.0; hit|miss: 0.1 1.1; miss: 0.2 0.3 1.2 1.4 1.5 2.1 2.2",
    ("cache-mount", "buildkit"): "hit: 0.0; miss: 0.1 0.2",
    ("cache-mount-legacy", "legacy"): "hit: 0.0; miss: 0.1; failed: 0.2; not-reached: 0.3",
    ("workdir", "legacy"): "hit: 0.0; miss: 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 0.10",
    ("workdir", "buildkit"): "hit: 0.0 0.1 0.3 0.6 0.9; miss: 0.2 0.7 0.10; hit|miss: 0.4 0.8",
    ("noise", "legacy"): "hit: 0.0; miss: 0.1 0.2 0.3",
    ("noise", "buildkit"): "hit: 0.0; miss: 0.1 0.2 0.3",
    ("padded", "legacy"): "hit: 0.0 1.0; miss: 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 0.10 0.11 1.1",
    ("padded", "buildkit"): "hit: 0.0 1.0; miss: 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 0.10 0.11 1.1",
    ("interleaved", "buildkit"): "hit: 0.0 1.0 2.0; miss: 0.1 1.1 2.1 2.2",
    ("chatty", "legacy"): "hit: 0.0; miss: 0.1",
    ("chatty", "buildkit"): "hit: 0.0; miss: 0.1",
    ("empty-lines", "legacy"): "hit: 0.0; miss: 0.1 0.2",
    ("empty-lines", "buildkit"): "hit: 0.0; miss: 0.1 0.2",
    ("told-cached", "buildkit"): (
        "hit: 0.0 1.0; miss|not-reached: 0.1; hit|miss|not-reached: 1.1; "
        "miss|not-reached: 1.2 2.1 2.2; hit|not-reached: 2.0; failed: 2.3; not-reached: 2.4"
    ),
    ("copy-image", "legacy"): "hit: 0.0; miss: 0.1 0.2",
    ("copy-image", "buildkit"): "hit: 0.0; miss: 0.1 0.2",
    ("names", "legacy"): "hit: 0.0 1.0 2.0 3.0 4.0 5.0; miss: 0.1 1.1 2.1 3.1 4.1 5.1 5.2 5.3 5.4",
    ("names", "buildkit"): (
        "hit: 0.0 1.0 2.0 3.0 4.0 5.0; miss: 0.1 1.1 2.1 3.1 4.1 5.1 5.2 5.3 5.4"
    ),
    ("same-name", "buildkit"): "hit: 0.0 1.0 2.0; miss: 0.1 1.1 2.1",
    ("same-name-legacy", "legacy"): "hit: 0.0; miss: 0.1; failed: 1.0; not-reached: 1.1 2.0 2.1",
    ("no-base", "legacy"): "failed: 0.0; not-reached: 0.1",
    ("no-base", "buildkit"): "failed: 0.0; not-reached: 0.1",
    ("imported", "buildkit"): "hit|miss: 0.0 0.1 1.0 1.2 1.3 1.4; hit: 1.1",
    ("imported-above", "buildkit"): "hit|miss: 0.0 0.1 1.0 1.2; hit: 1.1; miss: 1.3 1.4",
    ("pulled", "legacy"): "miss: 0.0 0.1",
    ("pulled", "buildkit"): "miss: 0.0 0.1",
    ("failed-copy", "legacy"): "hit: 0.0; miss: 0.1; failed: 0.2; not-reached: 0.3",
    ("failed-copy", "buildkit"): "hit: 0.0; miss|not-reached: 0.1; failed: 0.2; not-reached: 0.3",
    ("failed-onbuild", "legacy"): (
        "hit: 0.0 1.0; miss: 0.1 0.2 1.0.0; failed: 1.0.1; not-reached: 1.1"
    ),
    ("failed-onbuild", "buildkit"): "hit: 0.0 1.0; miss: 1.0.0; failed: 1.0.1; not-reached: 1.1",
    ("platforms", "buildkit"): "hit: 0.0 1.0; miss: 0.1 1.1",
    ("shared-vertexes", "buildkit"): "hit: 0.0 1.0; hit|miss: 0.1 0.2; miss: 0.3 1.1",
    ("kept-containers", "legacy"): "hit: 0.0; miss: 0.1 0.2 0.3",
    ("force-rm", "legacy"): "hit: 0.0; miss: 0.1; failed: 0.2",
    ("labels", "legacy"): "hit: 0.0; miss: 0.1; not-needed: 1.0 1.1",
    ("labels", "buildkit"): "hit: 0.0; miss: 0.1; not-needed: 1.0 1.1",
}

WARM: dict[tuple[str, Backend], str] = {
    # The cold run of stage b made the newer image of the same parent and command as stage a's
    # COPY; the legacy builder probes the newest, and below that no RUN without b's LABEL is known.
    ("equal", "legacy"): "miss: 0.3 0.4",
}

SAME: dict[str, list[set[str]]] = {
    "stages": [{"0.0", "1.0"}],
    "unnamed": [{"0.0", "1.0"}],
    "link": [{"0.0", "1.0"}],
    "remote-add": [{"0.0", "1.0"}],
    "target": [{"1.0", "2.0"}],
    "parallel-failure": [{"0.0", "1.0", "2.0"}],
    "equal": [{"0.0", "1.0", "2.0"}, {"0.1", "1.1"}, {"0.2", "1.2"}, {"0.3", "1.4"}],
    "interleaved": [{"0.0", "1.0", "2.0"}],
    "told-cached": [{"0.0", "1.0"}],
    "imported": [{"0.0", "1.0"}],
    "imported-above": [{"0.0", "1.0"}],
    "names": [{"0.0", "2.0", "3.0", "4.0", "5.0"}],
}
"""Steps that are one vertex for BuildKit."""

NO_VERTEX: dict[str, set[str]] = {
    "unnamed": {"2.0"},
    "onbuild": {"0.1", "1.0", "2.0"},
    "workdir": {"0.1", "0.3", "0.6", "0.9"},
    "padded": {"1.0"},
    "names": {"1.0"},
    "same-name": {"1.0", "2.0"},
    "failed-onbuild": {"0.0", "1.0"},
    "platforms": {"0.0", "1.0"},
    "shared-vertexes": {"1.0"},
    "told-cached": {"2.0"},
}
"""Steps that succeed without a vertex: FROM scratch, FROM a stage, WORKDIR / (BuildKit)."""


def expected(recording: Recording) -> dict[str, set[StepStatus]]:
    """What each step of a recording may be."""
    backend: Backend = "legacy" if recording.output == "legacy" else "buildkit"
    found = _read(COLD[recording.case.name, backend])
    if recording.temperature == "warm":
        found = {
            step: {"hit" if status == "miss" else status for status in statuses}
            for step, statuses in found.items()
        }
        found.update(_read(WARM.get((recording.case.name, backend), "")))
    return found


def _read(text: str) -> dict[str, set[StepStatus]]:
    found: dict[str, set[StepStatus]] = {}
    for part in filter(None, text.split("; ")):
        statuses, steps = part.split(": ")
        for step in steps.split():
            found[step] = set(statuses.split("|"))  # type: ignore[arg-type]
    return found
