"""What an experiment will run, as shell commands with comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cachetui.audit.redact import Redactor
from cachetui.context.build_context import Context
from cachetui.prove.change import Image
from cachetui.prove.experiment_host import ExperimentHost
from cachetui.prove.plan import BuilderPlan


def dry_run(
    host: ExperimentHost,
    finding: str,
    plans: Sequence[BuilderPlan],
    to_send: Context | None,
    image: tuple[Image, str] | None,
) -> Iterator[str]:
    """The lines. `to_send` is the context where it must be sent again, `image` the base image to be
    had and its ID on the host ("": not there yet)."""
    name = host.host.name
    yield f"# host {name} ({host.host.address}): {finding}"
    for what in dict.fromkeys(plan.change.what for plan in plans):
        yield f"# the suspect: {what}"
    if to_send is not None:
        yield f"# sent again: the context ({to_send.size} bytes)"
    if image is not None:
        yield from _image_lines(host, *image)
    shown: set[str] = set()
    for plan in plans:
        for key, build, state in plan.ordered():
            whose = f"{name}'s own cache" if key.startswith("host") else "a cache of its own"
            only = ", only if the last one misses" if key == "host-now" else ""
            yield f"# {plan.change.backend}, {state.name}, in {whose}{only}"
            if build.script not in shown:
                shown.add(build.script)
                yield build.script
            yield host.job(build, Redactor({})).shown_command
    yield "# afterwards: our tags, the images that were made, our cache mounts and our folder"
    if image is not None:
        host.expect(*image)
    yield from host.tidying(builds=[build for plan in plans for build in plan.own.values()])


def _image_lines(host: ExperimentHost, image: Image, identity: str) -> Iterator[str]:
    if identity:
        yield f"{host.docker} tag {identity} {image.tag}"
        return
    if image.digest:
        yield host.pull_command(image)
    if image.hosts:
        only = "if that fails, " if image.digest else ""
        yield f"# {only}copied from {image.hosts[0]}: docker save there, docker load here"
