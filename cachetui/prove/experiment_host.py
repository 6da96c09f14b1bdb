"""The host at work: derived builds run there, base images fetched, all of it removed again."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from cachetui.audit.allowance import count_build
from cachetui.audit.build_job import BuildJob
from cachetui.audit.build_recorder import BuildRecorder
from cachetui.audit.build_records import forget_builds_command, recorded_names
from cachetui.audit.build_run import run_build
from cachetui.audit.cleanup import empty_flags_command, mount_flags, run_removal
from cachetui.audit.host_notes import Besides, HostNotes
from cachetui.audit.made_images import MadeImages, Removable
from cachetui.audit.redact import Redactor
from cachetui.builders.audit_names import mount_namespace, tag
from cachetui.builders.client import client, last_line
from cachetui.builders.legacy_images import LegacyMade
from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.hosts.upload import remove_folder_command
from cachetui.prove.change import Image
from cachetui.prove.derived_build import DerivedBuild
from cachetui.prove.errors import NoExperiment
from cachetui.prove.verdict import Made
from cachetui.records.host import HostFacts
from cachetui.records.host_json import loads
from cachetui.records.run import Run
from cachetui.store.database import Store
from cachetui.store.troubles import StoreError

ASK_SECONDS = 120.0
COPY_SECONDS = 3600.0
_BLOCK = 1 << 20


@dataclass
class ExperimentHost:
    """One host during one experiment, by the experiment's `name`. `commands` are those that ran;
    build arguments stand in them without their values. `trouble` is the first thing that could not
    be noted of a build under way."""

    machine: Machine
    host: HostSettings
    facts: HostFacts
    name: str
    root: str
    store: Store
    cancel: Cancel
    commands: list[str] = field(default_factory=list)
    trouble: StoreError | None = None
    _images: MadeImages = field(default_factory=MadeImages)
    _notes: HostNotes | None = None
    _fetched: dict[str, str | None] = field(default_factory=dict)
    _builds: list[DerivedBuild] = field(default_factory=list)
    _folders: set[str] = field(default_factory=set)

    def begin(self, *, noted: bool = True) -> None:
        """Count what the host holds, so that what comes after is known to be ours; `noted`: it is
        about to come."""
        self._images.begin(self.machine, self.host)
        if noted and self._notes is None:
            self._notes = HostNotes.begin(
                self.store, self.name, self.host, self.facts, self._images, "", self._not_noted
            )

    def _not_noted(self, error: StoreError) -> None:
        self.trouble = self.trouble or error

    def build(
        self,
        build: DerivedBuild,
        redactor: Redactor,
        on_doing: Callable[[str], None],
        on_end: Callable[[Run, BuildRecorder], None] = lambda *_: None,
    ) -> Made:
        """Prepare a derived build and run it. Raises `HostError`, and `StoreError` where what it
        makes cannot be noted; a build that fails is made. `on_end` is told of it while its log is
        there."""
        self._builds.append(build)
        job = self.job(build, redactor)
        self._images.expect(job)
        count_build(self.host, self.store)
        self.will_write(self.root)
        self.shell(build.script)
        decided = Event()

        def watch(recorder: BuildRecorder) -> None:
            on_doing(recorder.doing)
            self._note(recorder.made(cut=True))
            if build.stop_early:
                known = recorder.finished(ended=False, failed=False)
                if any(step.id == build.watch and step.status in ("hit", "miss") for step in known):
                    decided.set()

        recorders: list[BuildRecorder] = []
        with self.store.spool() as folder:
            outcome = run_build(
                self.machine,
                job,
                folder,
                cancel=_Either(self.cancel, decided),
                on_start=recorders.append,
                on_change=watch,
            )
            on_end(outcome.run, recorders[0])
        self.commands += outcome.run.commands
        self._images.add(job, outcome)
        self._note(outcome.made)
        self._images.claim(self.machine, self.host, outcome)
        self._note()
        if self.cancel.is_set():
            raise HostError(self.host.name, "cancelled", "stopped")
        if outcome.run.status == "lost":
            raise HostError(self.host.name, "lost", outcome.run.reason or "the connection broke")
        return Made(outcome.run, build.watch)

    def will_write(self, folder: str) -> None:
        """Note a folder that is about to be made below our cache folder. Raises `StoreError` where
        it cannot be noted: then it is not to be made."""
        self._folders.add(folder)
        self._note()
        if self.trouble is not None:
            raise self.trouble

    def _note(self, made: LegacyMade | None = None) -> None:
        if self._notes is not None:
            tags = {tag: image for tag, image in self._fetched.items() if "@" not in tag}
            self._notes.note(
                self._images,
                made=made,
                recorded=self._recorded(self._builds),
                besides=Besides(tags, self._spaces(self._builds), self._folders),
            )

    def job(self, build: DerivedBuild, redactor: Redactor) -> BuildJob:
        return BuildJob(
            audit=build.name,
            host=self.host,
            facts=self.facts,
            planned=build.planned,
            build=build.build,
            dockerfile=build.dockerfile,
            redactor=redactor,
        )

    def shell(
        self,
        script: str,
        stdin: Iterable[bytes] | bytes = b"",
        *,
        failed: str = "could not prepare the experiment",
        timeout: float = COPY_SECONDS,
    ) -> str:
        """Run a script that must succeed; returns what it printed. Raises `HostError`, which says
        what `failed`."""
        self.commands.append(self.shown(script))
        done = self.machine.run(script, stdin=stdin, timeout=timeout, cancel=self.cancel)
        if done.status != 0:
            said = last_line(done.error_text, self.host.env) or f"exit status {done.status}"
            raise HostError(self.host.name, "shell", f"{failed}: {said}")
        return done.text

    def shown(self, command: str) -> str:
        """A command as it may be shown and kept: without the values of the host's `env`."""
        for name, value in self.host.env.items():
            command = command.replace(shlex.quote(f"{name}={value}"), f'{name}="${name}"')
        return command

    # Base images

    @property
    def docker(self) -> str:
        return client(self.host.docker, self.host.env)

    def find(self, image: Image) -> str | None:
        """The ID of the image on this host: the very one, else one of the same layers."""
        form = "{{.Id}}|{{json .RootFS.Layers}}"
        ask = (
            f"{self.docker} image ls -aq --no-trunc | sort -u | "
            f"xargs {self.docker} image inspect --format {shlex.quote(form)} 2>/dev/null; true"
        )
        done = self.machine.run(ask, timeout=ASK_SECONDS, cancel=self.cancel)
        same_layers: str | None = None
        for line in done.text.splitlines():
            identity, _, layers = line.partition("|")
            if image.id is not None and identity == image.id:
                return identity
            with suppress(ValueError):
                if tuple(loads(layers) or ()) == image.layers:
                    same_layers = same_layers or identity
        return same_layers

    def expect(self, image: Image, identity: str) -> None:
        """Note an image that is still to be taken, for the dry run."""
        self._fetched.setdefault(image.tag, identity or None)

    def take(self, image: Image, identity: str) -> None:
        """Give an image of this host our tag."""
        self._fetched[image.tag] = identity
        self.shell(f"{self.docker} tag {shlex.quote(identity)} {shlex.quote(image.tag)}")

    def push(self, tag: str, ref: str) -> None:
        """Push an image of ours under a name that goes again, for as long as the host's builds may
        take. Raises `HostError`."""
        self._fetched[ref] = None
        self._note()
        word, name = shlex.quote(tag), shlex.quote(ref)
        self.shell(
            f"{self.docker} tag {word} {name} && {self.docker} push -q {name}",
            failed="docker push failed",
            timeout=self.host.build_timeout,
        )

    def pull(self, image: Image) -> None:
        """Fetch it by its digest."""
        self._fetched[image.tag] = None
        if image.digest:
            self._fetched[image.digest] = None
        self.shell(self.pull_command(image))

    def pull_command(self, image: Image) -> str:
        name = shlex.quote(image.digest or "")
        return f"{self.docker} pull -q {name} && {self.docker} tag {name} {shlex.quote(image.tag)}"

    def load(self, image: Image, other: ExperimentHost) -> None:
        """Copy it from another host, where it gets our tag for as long as that takes."""
        identity = other.find(image)
        if identity is None:
            raise NoExperiment(f"{other.host.name} has no longer the {image.ref} that it had")
        other.begin()
        try:
            other.take(image, identity)
            self._fetched[image.tag] = None
            with self.store.spool() as folder:
                file = folder / "image"
                with file.open("wb") as saved:

                    def keep(data: bytes, _: float) -> None:
                        saved.write(data)

                    status = other.machine.stream(
                        f"{other.docker} save {shlex.quote(image.tag)} 2>/dev/null",
                        keep,
                        timeout=COPY_SECONDS,
                        cancel=self.cancel,
                    )
                if status != 0:
                    raise HostError(other.host.name, "shell", f"docker save {image.ref} failed")
                self.shell(f"{self.docker} load -q", stdin=_blocks(file))
        finally:
            other.tidy()

    # What is left behind

    def tidy(self) -> None:
        """Remove what the experiment made. Nothing is raised for a connection that broke."""
        removed = False
        try:
            with suppress(HostError):
                removed = self._tidy()
        finally:
            if self._notes is not None:
                self._notes.removed(removed)
                self._notes = None

    def _tidy(self) -> bool:
        commands = self.tidying(self._images.on(self.machine, self.host))
        self.commands += map(self.shown, commands)
        return run_removal(self.machine, commands, self.cancel)

    def tidying(
        self, found: Removable | None = None, builds: Iterable[DerivedBuild] = ()
    ) -> list[str]:
        """The commands that remove what is ours; `builds` are those that are still to be made.

        A base image goes last: with an image on it docker would take its name alone.
        """
        every = [*self._builds, *builds]
        controlled = [build for build in every if build.planned.kind.controlled]
        for build in controlled:
            self._images.tags.setdefault(tag(build.name, build.planned), None)
        fetched = MadeImages(self._images.before, self._fetched)
        commands = [
            self._images.removal(self.host, found or Removable(), spare_unknown=False),
            fetched.removal(self.host, Removable(), spare_unknown=False),
        ]
        commands += [
            empty_flags_command(self.host, flags, space)
            for space, flags in sorted(self._spaces(every).items())
        ]
        recorded = self._recorded(every)
        if recorded:
            commands.append(forget_builds_command(self.host, recorded))
        if every:
            commands.append(remove_folder_command(self.root))
        return [command for command in commands if command]

    def _spaces(self, builds: Iterable[DerivedBuild]) -> dict[str, set[str]]:
        """The cache mount namespaces of builds, with the `--mount` options of their mounts."""
        spaces: dict[str, set[str]] = {}
        for build in builds:
            if build.planned.kind.controlled and build.planned.backend == "buildkit":
                space = spaces.setdefault(mount_namespace(build.name), set())
                space |= mount_flags(build.dockerfile)
        return spaces

    def _recorded(self, builds: Iterable[DerivedBuild]) -> set[str]:
        """What the engine calls builds in its records, and the builds that empty their mounts."""
        builds = list(builds)
        names = {name for b in builds for name in recorded_names(self.job(b, Redactor({})))}
        spaces = {mount_namespace(b.name) for b in builds if b.planned.kind.controlled}
        return names | spaces if names else set()


@dataclass(frozen=True)
class _Either:
    """Set when one of two is."""

    one: Cancel
    other: Cancel

    def is_set(self) -> bool:
        return self.one.is_set() or self.other.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        return self.other.is_set() or self.one.wait(timeout) or self.other.is_set()


def _blocks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as data:
        while block := data.read(_BLOCK):
            yield block
