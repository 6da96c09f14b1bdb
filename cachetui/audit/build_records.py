"""The engine's own records of our builds: what `docker buildx history` lists.

BuildKit keeps one for each build, with the values of its build arguments, and drops the oldest
when there are too many. So ours would be read by others, and push those of the user's builds out.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import PurePosixPath

from cachetui.audit.build_job import BuildJob
from cachetui.builders.client import client
from cachetui.config.settings import HostSettings
from cachetui.records.versions import version_key

RECORDS_SINCE = (0, 20)
"""The buildx that came with `history rm`."""


def recorded_names(job: BuildJob) -> frozenset[str]:
    """What the names of the engine's records of the job's build begin with, none where nothing can
    be done about them: the legacy builder keeps none, and an older buildx cannot remove one.

    It is the name of the context's folder, followed by Dockerfile and target where they are not
    the usual ones; or that of the Dockerfile's folder, where it lies outside (our lab: buildx
    0.29). Those of standard input are named alike, the user's too: they stay. (`history inspect`
    would tell them apart, but after it and `history rm`, `history ls` ends the engine: 28.5.)
    """
    buildx = job.facts.buildx
    if job.planned.backend != "buildkit" or not buildx or version_key(buildx) < RECORDS_SINCE:
        return frozenset()
    if job.build.archive is not None:
        return frozenset()
    context, file = PurePosixPath(job.build.context), PurePosixPath(job.build.dockerfile)
    outside = not file.is_relative_to(context)
    return frozenset([context.name, *([file.parent.name] if outside else [])])


def forget_builds_command(host: HostSettings, names: Collection[str]) -> str:
    """Remove the records of builds whose name begins with one of `names`; does nothing where
    there are none."""
    history = f"{client(host.docker, host.env)} buildx history"
    patterns = " | ".join(f"{shlex.quote(name)}*" for name in sorted(names))
    ask = shlex.join(["ls", "--no-trunc", "--format", "{{.Ref}} {{.Name}}"])
    return (
        f"refs=$({history} {ask} 2>/dev/null | while read -r ref name; do case $name in "
        f'({patterns}) echo "$ref" ;; esac; done); '
        f'[ -z "$refs" ] || {history} rm $refs >/dev/null 2>&1; true'
    )
