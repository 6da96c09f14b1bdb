"""The build as a user types it, to fill a host's cache with it."""

from __future__ import annotations

import shlex

from cachetui.findings.case import Case
from cachetui.findings.host_commands import HostCommand
from cachetui.records.backend import Backend

_SWITCH: dict[Backend, str] = {"legacy": "DOCKER_BUILDKIT=0", "buildkit": "DOCKER_BUILDKIT=1"}


def build_on(case: Case, host: str, backend: Backend) -> tuple[HostCommand, ...]:
    """The build on a host: in its own checkout where that is the context which was sent, else of
    the folder that one is in here. Nothing where the audit does not keep all that it takes, such as
    the values of build arguments."""
    build, facts, evidence = case.document.build, case.facts(host), case.evidence(host)
    if build.build_args or build.named_contexts or build.docker_args:
        return ()
    if build.dockerfile_name and build.fetched is None:
        return ()
    if build.builder or facts is None or facts.builds_elsewhere:
        return ()
    words = ["build"]
    if build.network != "default":
        words.append(f"--network={build.network}")
    if build.target is not None:
        words += ["--target", build.target]
    if build.dockerfile != "Dockerfile":
        words += ["-f", build.dockerfile]
    if build.fetched is not None:
        if backend == "legacy" or "#" not in build.fetched:
            return ()  # a tarball's place is known on the auditor's machine alone
        named = ["-f", build.dockerfile_name] if build.dockerfile_name else []
        text = shlex.join([*words, *named, build.fetched])
        return (HostCommand(text, (host,), docker=True, environment=_SWITCH[backend]),)
    text = shlex.join([*words, "."])
    checkout = evidence.checkout if evidence else None
    if checkout is not None and checkout.digest == build.context_digest:
        there = f"cd {shlex.quote(checkout.path)} && {_SWITCH[backend]} docker {text}"
        return (HostCommand(there, (host,)),)
    return (HostCommand(text, (host,), docker=True, environment=_SWITCH[backend]),)
