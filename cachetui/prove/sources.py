"""Where an experiment gets its context, base image and values of build arguments from."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from cachetui.config.settings import HostSettings
from cachetui.context.build_context import Context
from cachetui.context.manifest import ContextError
from cachetui.context.of_build import context_of
from cachetui.hosts.checkout import read_checkout
from cachetui.hosts.machine import HostError
from cachetui.hosts.upload import path_on_host
from cachetui.prove.change import Change, Image
from cachetui.prove.errors import NoExperiment, ValueNeeded, unreadable
from cachetui.prove.experiment_host import ExperimentHost
from cachetui.prove.request import ProofRequest

ASK_SECONDS = 60.0


def argument_values(request: ProofRequest) -> dict[str, str]:
    """The values of the build's arguments. Only digests are kept, so values come from the settings
    or are given. Raises `ValueNeeded` for one that is in neither, and `NoExperiment` where a digest
    cannot be read."""
    known: list[tuple[str, str]] = [*request.given]
    for build in request.contexts:
        known += build.build_args.items()
    values: dict[str, str] = {}
    hasher = request.case.hasher
    for name, wanted in request.case.document.build.build_args.items():
        if not hasher.reads(wanted):
            raise unreadable(name)
        fitting = [
            value for other, value in known if other == name and hasher.matches(value, wanted)
        ]
        if not fitting:
            raise ValueNeeded(name, f"the value that {name} had in the audit is needed")
        values[name] = fitting[0]
    return values


def context_to_send(request: ProofRequest, host: ExperimentHost, folder: str) -> Context | None:
    """The audit's context where it must be sent again; None where it still lies in `folder` on the
    host. Raises `NoExperiment` when it is nowhere any more."""
    there = host.machine.run(
        f"test -d {shlex.quote(path_on_host(folder))}", timeout=ASK_SECONDS, cancel=host.cancel
    )
    if there.status == 0:
        return None
    wanted = request.case.document.build.context_digest
    reasons = list(request.unread)
    for build in request.contexts:
        try:
            context = context_of(build)
        except ContextError as error:
            reasons.append(str(error))
            continue
        if context.digest == wanted:
            return context
        reasons.append(f"{build.context} has changed since the audit")
    why = "; ".join(dict.fromkeys(reasons)) or "no folder of that build is known here"
    raise NoExperiment(
        f"the context that was built is no longer on {host.host.name}, and {why}. Run the "
        "audit again, or prove from the folder as it was"
    )


def check_checkout(request: ProofRequest, host: ExperimentHost, change: Change) -> None:
    """Raises `NoExperiment` when files would come from a checkout on the host that has changed
    since the audit."""
    evidence = request.case.evidence(request.host.name)
    checkout = evidence.checkout if evidence else None
    if checkout is None or checkout.digest is None:
        return
    if not any(edit.source == checkout.path for edit in change.then.files):
        return
    dockerfile = request.case.document.build.dockerfile
    now, _ = read_checkout(host.machine, checkout.path, dockerfile, cancel=host.cancel)
    if now.digest != checkout.digest:
        raise NoExperiment(
            f"{checkout.path} on {host.host.name} has changed since the audit; run the audit again"
        )


def find_base_image(request: ProofRequest, host: ExperimentHost, image: Image) -> str:
    """The ID of the image on the host, "" where it has to be pulled or copied. Raises
    `NoExperiment` when it can be had nowhere."""
    identity = host.find(image)
    if identity is not None:
        return identity
    if image.digest is None and not any(name in request.hosts for name in image.hosts):
        raise NoExperiment(
            f"the {image.ref} that the cache was made from is no longer on {host.host.name}, "
            "and it is not known where to get it"
        )
    return ""


def fetch_base_image(
    request: ProofRequest,
    host: ExperimentHost,
    image: Image,
    identity: str,
    connect: Callable[[HostSettings], ExperimentHost],
) -> None:
    """Give the image our tag on the host: it is there (`identity`), is pulled by its digest, or is
    copied from another host. Raises `HostError` and `NoExperiment`."""
    if identity:
        host.take(image, identity)
        return
    others = [request.hosts[name] for name in image.hosts if name in request.hosts]
    try:
        if image.digest is not None:
            host.pull(image)
            return
    except HostError as error:
        if error.kind != "shell" or not others:
            raise
    host.load(image, connect(others[0]))
