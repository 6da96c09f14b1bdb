"""Options of a build that changed since the host's earlier run, and what its client adds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cachetui.findings.build_inputs import EPOCH
from cachetui.findings.build_options import build_options, option_text
from cachetui.findings.claim import HOSTS
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.findings.variables import PREDEFINED
from cachetui.findings.wording import join_names
from cachetui.records.digest import differ


def changed_options(question: Question) -> list[Evidence]:
    """Options of the build, and what the client adds to it, that are in this step's key."""
    before = question.before
    assert before is not None
    builds = (question.case.document.build, before.document.build)
    args = tuple(build.docker_args for build in builds)
    now, then = (build_options(each) for each in args)
    here, there = (build.network for build in builds)
    found: list[tuple[str, bool]] = []
    for name in sorted(question.changes.changed):
        kind, _, rest = name.partition(":")
        option = {"platform": "--platform", "network": "--network", "option": rest}.get(kind)
        if option is not None and now.get(option) != then.get(option):
            found.append((_other_option(option, *args), True))
        elif kind == "network" and here != there:  # else it is that of the line
            found.append((f"the network of the build is {here}; before: {there}", True))
        elif kind == "undeclared":
            text = f"the build argument {rest} changed: it is in BuildKit's key even without an ARG"
            found.append((text, True))
        elif kind == "epoch" or (kind == "proxies" and not _other_arguments(question)):
            found.append((_from_client(question, kind), True))
    if any(question.changes.sources.is_other_context(name) for name in _named(question)):
        # Of an image that no host has, or a URL, only the name is known.
        sure = any(n.startswith(("from", "mount:")) for n in question.changes.changed)
        found.append((_other_option("--build-context", *args), sure))
    return [Evidence(kind="earlier", text=text, data={"sure": sure}) for text, sure in found]


def _other_option(option: str, now: Sequence[str], then: Sequence[str]) -> str:
    here, there = (option_text(option, args) for args in (now, then))
    return f"docker_args of the build have {here}; before: {there}"


def _named(question: Question) -> Iterable[str]:
    """What the instruction copies from or mounts from, by the name that a named context can have,
    if that is not known to be the same."""
    item, changes = question.instruction, question.changes
    if item is None or question.run.backend == "legacy":
        return
    kinds = {name.partition(":")[0] for name in (*changes.changed, *changes.unknown)}
    if isinstance(item.copy_from, str) and kinds & {"from", "named context"}:
        yield item.copy_from
    for mount in item.mounts:
        if mount.from_ and mount.from_stage is None and kinds & {"mount", "named context"}:
            yield mount.from_


def _other_arguments(question: Question) -> bool:
    """Whether an ARG has, or had, a value: that alone makes the legacy builder's key another, as
    a proxy does."""
    return any(name.startswith("arg:") for name in question.changes.changed)


def _from_client(question: Question, kind: str) -> str:
    """What became of arguments that need no ARG: given to the build, or added by the client."""
    before = question.before
    assert before is not None
    now = question.case.document.build.build_args
    then = before.document.build.build_args
    wanted = PREDEFINED if kind == "proxies" else {EPOCH}
    given = sorted(n for n in wanted if differ(now.get(n), then.get(n)))
    where = (
        "docker's configuration" if kind == "proxies" else "the environment of the docker client"
    )
    what = f"--build-arg {join_names(given)}" if given else f"{where} on {HOSTS}"
    if kind == "epoch":
        name = "the build argument" if given else EPOCH
        return f"{what}: {name} changed, and on 28.5 it is in the key of WORKDIR"
    return (
        f"{what}: the legacy builder's key of every RUN has whether any proxy is given, "
        "not its value"
    )
