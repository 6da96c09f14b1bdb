"""The builds of an experiment for one builder, their order, and when they are enough. Pure.

A finding says that a step missed because one input, the suspect, is not what it was. Two
questions settle that, and both are put to the very engine that missed.

**Does the suspect alone make the step miss?** Asked in a cache of its own, since an audit that
ran the build as found has warmed the host's: there the step would hit whatever the cause. The
build is made as it was (`then`: all as it is, but for the suspect), once as it is (`now`), and
as it was again. `now` must miss the step, and `then` again must find it: only the suspect lies
between them, so it is enough for the miss, and without it there is none. If `now` hits, the
suspect is in no key of that step; if `then` misses again, something else makes the step miss
each time. Both withdraw the finding.

**Is it what made this host miss?** Asked of the host's own cache, where the as-found run missed
the step: what that run added has the key of `now`, and what was there before is still there. So
`then` must hit. If it misses, and `now` hits (which shows that the cache was not emptied since),
the host's cache never had the step as the suspect would have it: withdrawn. If `now` misses too,
nothing is shown: undecided. The first question is still asked when `then` hits, for a step
that does not depend on the suspect hits as well.

Where the second cannot be asked (the step is a RUN that would use the user's own cache mount, or
what was there is not to be had any more), the finding is proved only if the engine's record of an
earlier run already shows what the step was like then; else it stays undecided.

**A result that the cache lost** has no suspect to change: the build is made twice as it is. If the
step hits the second time, its key does not change by itself; and the finding rests on inputs that
are all known to be those of a run that had it.

**A cache of its own** is made by a file of random content that is copied in below each FROM of
the derived Dockerfile, on both builders: every key below has it. RUN steps have the extra host
name and the mount namespace of a controlled run besides (see `builders.command_line`); `--no-cache`
is never used. All builds of one question have the same of each, so that they differ in nothing
but the suspect. The derived Dockerfile ends with the step that is watched; `COPY --link`, which
builds on no step above, loses its flag there.

**In the host's own cache** nothing is added to the build: neither file nor option nor tag. It
ends with the watched step too. Where it hits, as it should, nothing runs. Images that were not
there before are removed; the Dockerfile and the context of the derived builds lie in a folder of
their own on the host, which is removed; the user's files and tags are not touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cachetui.findings.build_options import forbids_cache
from cachetui.findings.case import Case
from cachetui.prove.change import Change, State
from cachetui.prove.derived_build import DerivedBuild, DerivedBuilds
from cachetui.prove.verdict import Made


@dataclass(frozen=True)
class BuilderPlan:
    """The builds for one builder by state ("then", "now"): `own` in a cache of their own, `host`
    in the host's own cache. `unasked` is why the host's own cache is not asked."""

    change: Change
    own: Mapping[str, DerivedBuild]
    host: Mapping[str, DerivedBuild]
    unasked: str | None

    def ordered(self) -> Iterator[tuple[str, DerivedBuild, State]]:
        """The builds in their order, each by its name; the host's own cache is asked first."""
        then, now = self.change.then, self.change.now
        if self.host:
            yield "host-then", self.host["then"], then
            yield "host-now", self.host["now"], now
        yield "own-then", self.own["then"], then
        if self.change.repeats == "key":
            yield "own-again", self.own["then"], then
            return
        if "cold" in self.own:
            yield "own-cold", self.own["cold"], now
        yield "own-now", self.own["now"], now
        yield "own-again", self.own["then"], then

    def needless(self, key: str, made: Mapping[str, Made]) -> bool:
        """Whether that build would tell nothing more, after those that were `made`."""
        if key == "host-now":
            return made["host-then"].status != "miss"
        return key.startswith("own") and not self.change.remakes and _settled(made)

    def by_layers_only(self) -> BuilderPlan:
        """The plan where only another image with the same layers is left on the host: the legacy
        builder's cache goes by the image's ID, so the host's own cache cannot answer."""
        if self.change.backend != "legacy" or not self.host:
            return self
        why = "the image of that ID is gone; another with the same layers stands in for it"
        return replace(self, host={}, unasked=why)


def builder_plan(case: Case, builds: DerivedBuilds, change: Change) -> BuilderPlan:
    """What is built to test a change."""
    states = (("then", change.then), ("now", change.now))
    own = {key: builds.own(change, state, key) for key, state in states}
    if change.repeats == "mount":
        # Another namespace, so an empty mount; another host name, so that it runs.
        first = builds.own(change, change.then, "then")
        own["cold"] = replace(first, name=f"{builds.name}-2")
    host: dict[str, DerivedBuild] = {}
    unasked = _unasked(case, change)
    if change.run is not None and unasked is None:
        for key, state in states:
            build = builds.host(change, state, key)
            if build is None:
                unasked = "what COPY sees there would change with the Dockerfile"
                break
            host[key] = build
    return BuilderPlan(change, own, {} if unasked else host, unasked)


def _unasked(case: Case, change: Change) -> str | None:
    """Why the host's own cache may not be asked: a RUN would use the user's mounts."""
    item = case.instruction(change.watch)
    if change.run is None or item is None:
        return None
    if forbids_cache(case.document.build.docker_args):
        return "the build has --no-cache, which looks nothing up and empties mounts"
    if change.backend == "buildkit" and item.cache_mounts:
        return f"line {item.line} would run with the user's own cache mount if it missed"
    return None


def _settled(made: Mapping[str, Made]) -> bool:
    """Whether the builds so far decide the verdict."""
    asked = made.get("host-then")
    if asked is not None and asked.status != "hit":
        return True
    first, now = made.get("own-then"), made.get("own-now")
    return (first is not None and first.status != "miss") or (
        now is not None and now.status != "miss"
    )
