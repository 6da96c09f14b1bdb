"""Where a derived build lies on the host, and the commands that put it there. Pure.

Each backend has a folder for either state; the host's own cache is asked before the file that
sets the other cache apart comes into it. Dockerfiles of derived builds in a cache of their own lie
in the context, kept from COPY by an added line of the ignore file; those for the host's own cache
lie beside it, since what COPY sees there must not change.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cachetui.builders.command_line import Build
from cachetui.builders.docker_args import without
from cachetui.dockerfile.parse import Dockerfile, parse
from cachetui.hosts.upload import context_name, named_on_host, path_on_host
from cachetui.prove import context_edits
from cachetui.prove import dockerfile_pieces as pieces
from cachetui.prove.change import Change, State
from cachetui.prove.dockerfile_pieces import Pieces
from cachetui.records.backend import Backend
from cachetui.records.document import BuildRecord
from cachetui.records.scenario import BUILDKIT_MOUNTS_WARM, FOUND, WARM, Planned, Scenario
from cachetui.records.step import StepId

SALT = ".cachetui-salt"
DOCKERFILE = ".cachetui-dockerfile"
BEGIN = "set -eu\numask 077"


@dataclass(frozen=True)
class DerivedBuild:
    """A derived build: the shell script that prepares it, the build, its Dockerfile, where the
    watched step stands in that, and whether it may be stopped as soon as that step is known.
    `name` is the experiment's, by which tag, mount namespace and host name are its own."""

    script: str
    build: Build
    dockerfile: Dockerfile
    watch: StepId
    planned: Planned
    stop_early: bool = False
    name: str = ""


@dataclass(frozen=True)
class DerivedBuilds:
    """`sent` is the folder of the context that was sent, `root` that of the experiment `name`;
    `dockerfile` is the Dockerfile's path in what was sent."""

    name: str
    sent: str
    root: str
    dockerfile: str
    record: BuildRecord
    original: Dockerfile

    def own(self, change: Change, state: State, key: str) -> DerivedBuild:
        """The build in a cache of its own."""
        folder = self._folder(change.backend, key)
        remade = change.remakes
        whole = state.dockerfile if remade else self._cut(state, change.watch)
        parts = pieces.unlinked(whole)
        stage = change.watch.stage_index - (2 if remade else 0)
        needed = self.original.all_needed(stage)
        bottom = {i for i in needed if self.original.stages[i].base_stage is None}
        parts = pieces.salted(parts, bottom, f"COPY {SALT} /{SALT}\n")
        text = pieces.text(parts)
        name = f"{DOCKERFILE}-{key}"
        lines = f"\n{name}\n{name}.dockerignore\n!{SALT}\n"
        steps = [
            f"printf %s {shlex.quote(self.name)} >{SALT}",
            f"chmod 644 {SALT}",
            "[ -e .dockerignore ] || { : >.dockerignore; chmod 644 .dockerignore; }",
            f"printf %s {shlex.quote(lines)} >>.dockerignore",
            f"printf %s {shlex.quote(text)} >{name}",
        ]
        own = self._own_ignore
        if own is not None:
            steps.append(f"printf %s {shlex.quote(own + lines)} >{name}.dockerignore")
        script = self._copied(state, folder) + (
            f"\ncd {shlex.quote(path_on_host(folder))}\n" + _if(f"! -e {SALT}", steps)
        )
        again = remade and key == "now"
        planned = Planned(
            (BUILDKIT_MOUNTS_WARM if again else Scenario(change.backend, WARM)).name, 1
        )
        context, file = path_on_host(folder), path_on_host(folder, f"context/{name}")
        return self._derived(script, context, file, parts, state, change, planned)

    def host(self, change: Change, state: State, key: str) -> DerivedBuild | None:
        """The build in the host's own cache, None where it cannot be made without changing what
        COPY sees."""
        folder = self._folder(change.backend, key)
        planned = Planned(Scenario(change.backend, FOUND).name, 1)
        base = folder if state.files else self.sent
        script = self._copied(state, folder) if state.files else BEGIN
        context = path_on_host(base)
        legacy = change.backend == "legacy"
        if legacy and not state.edited:
            file = path_on_host(base, self.dockerfile)
            return self._derived(script, context, file, state.dockerfile, state, change, planned,
                              target=self.record.target, stop_early=True)  # fmt: skip
        if legacy and "context/.dockerignore" in self.record.ignore_files:
            # docker would add a line to that file, so the Dockerfile must stand in its place.
            if change.image is not None:
                return None
            script = self._copied(state, folder)
            file = path_on_host(folder, self.dockerfile)
            script += (
                f"\nprintf %s {shlex.quote(pieces.text(state.dockerfile))} >{shlex.quote(file)}"
            )
            context = path_on_host(folder)
            return self._derived(script, context, file, state.dockerfile, state, change, planned,
                              target=self.record.target, stop_early=True)  # fmt: skip
        parts = self._cut(state, change.watch)
        file = f"{folder}.dockerfile"
        script += f"\nmkdir -p {shlex.quote(self.root)}"
        script += f"\nprintf %s {shlex.quote(pieces.text(parts))} >{shlex.quote(file)}"
        own = self._own_ignore
        if own is not None:
            script += f"\nprintf %s {shlex.quote(own)} >{shlex.quote(file + '.dockerignore')}"
        return self._derived(script, context, file, parts, state, change, planned)

    def _derived(
        self,
        script: str,
        context: str,
        file: str,
        parts: Pieces,
        state: State,
        change: Change,
        planned: Planned,
        *,
        target: str | None = None,
        stop_early: bool = False,
    ) -> DerivedBuild:
        folder = context.rpartition("/")[0]
        build = Build(
            context=context,
            dockerfile=file,
            target=target,
            build_args=state.build_args,
            network=self.record.network,
            docker_args=kept_options(self.record.docker_args),
            named_contexts=named_on_host(folder, self.record.named_contexts),
        )
        parsed = parse(pieces.text(parts), state.build_args)
        watch = pieces.place(parts, change.watch)
        return DerivedBuild(script, build, parsed, watch, planned, stop_early, self.name)

    # Parts

    def _folder(self, backend: Backend, key: str) -> str:
        return f"{self.root}/{self.name}-{backend}-{key}"

    def _copied(self, state: State, folder: str) -> str:
        """Copy the context that was sent, and change it."""
        to = shlex.quote(folder)
        copied = shlex.quote(f"{folder}/{context_name(self.sent)}")
        named = shlex.quote(path_on_host(folder))
        steps = [
            f"mkdir -p {shlex.quote(self.root)}",
            f"cp -RPp {shlex.quote(self.sent)} {to}",
            f"mv {copied} {named}",
        ]
        changes = context_edits.commands(state.files)
        if changes:
            steps += [f"cd {named}", *changes]
        return f"{BEGIN}\n{_if(f'! -d {to}', steps)}"

    def _cut(self, state: State, watch: StepId) -> Pieces:
        return pieces.until(state.dockerfile, watch, self._needed(watch))

    def _needed(self, watch: StepId) -> Collection[int]:
        """The stage of the step, and those that it needs."""
        return self.original.all_needed(watch.stage_index)

    @property
    def _own_ignore(self) -> str | None:
        """The text of `<Dockerfile>.dockerignore`, which BuildKit goes by."""
        return self.record.ignore_files.get(f"{self.dockerfile}.dockerignore")


def _if(test: str, steps: Sequence[str]) -> str:
    lines = "\n".join(f"  {step}" for step in steps)
    return f"if [ {test} ]; then\n{lines}\nfi"


def kept_options(args: Sequence[str]) -> tuple[str, ...]:
    """The build's own options without those that would fetch another base image, or send a
    cache of ours somewhere."""
    return without(args, "pull", "cache-to")
