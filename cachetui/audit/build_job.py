"""One build to be run on one host: its settings and its command."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cachetui.audit.redact import Redactor
from cachetui.builders.audit_names import tag
from cachetui.builders.builder import Builder
from cachetui.builders.command_line import Build, build_command, shown_command
from cachetui.builders.first_run import until_first_run
from cachetui.builders.registry import builder_named
from cachetui.config.settings import BUILDER_VARIABLE, HostSettings
from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.host import HostFacts
from cachetui.records.run import MountUse, OutputFormat
from cachetui.records.scenario import Planned

NOT_WRITTEN = 73
"""Exit status of a build for which a file could not be put on the host."""


@dataclass(frozen=True)
class BuildJob:
    """What is needed to run one build. `of` is the key of what it is a run of (see `run_key`);
    `bad_names` are paths of the context that are not UTF-8. `files` are put on the host before it,
    path there → text. `parts` are the builds to be run in its place, one after the other, of which
    each shows some of its steps; None: itself."""

    audit: str
    host: HostSettings
    facts: HostFacts
    planned: Planned
    build: Build
    dockerfile: Dockerfile
    redactor: Redactor
    of: str = ""
    notes: tuple[str, ...] = ()
    bad_names: tuple[str, ...] = ()
    files: Sequence[tuple[str, str]] = ()
    parts: tuple[BuildJob, ...] | None = None

    @property
    def builder(self) -> Builder:
        return builder_named(self.planned.backend)

    @property
    def builds_elsewhere(self) -> bool:
        """Whether it is built by a builder that is in no docker engine."""
        return self.planned.backend == "buildkit" and self.facts.builds_elsewhere

    @property
    def output(self) -> OutputFormat:
        """The richest output that the host's client can give; lines, where the host reads them."""
        if self.planned.kind.peeks and "plain" in self.builder.parsers:
            return "plain"
        return self.builder.output_format(self.facts)

    @property
    def tag(self) -> str | None:
        """The image's tag; what is found as it is gets none, as its user would give none."""
        return tag(self.audit, self.planned) if self.planned.kind.controlled else None

    @property
    def command(self) -> str:
        """The build's command as the host's shell gets it, values and all."""
        command = build_command(
            self.host.docker, self.host.env, self.build, self.planned, self.audit, self.output
        )
        if self.planned.kind.peeks:
            command = until_first_run(command, self.planned.backend, self.host.docker, self.audit)
        return "".join(_put(path, text) for path, text in self.files) + command

    @property
    def shown_command(self) -> str:
        """The build's command to be shown, kept and typed: without values."""
        name = self.host.builder if self.builds_elsewhere else None
        elsewhere = {BUILDER_VARIABLE: name} if name is not None else {}
        return shown_command(
            self.host.docker, self.build, self.planned, self.audit, self.output, elsewhere
        )

    @property
    def cache_mounts(self) -> tuple[MountUse, ...]:
        """The cache mounts that the build's RUN steps name; () on a builder without them, and where
        the parts that are run in its place have none."""
        if not self.builder.has_cache_mounts or self.parts is not None:
            return ()
        return tuple(
            MountUse(
                stage_index=instruction.stage_index,
                index=instruction.index,
                target=mount.target,
                id=mount.id or mount.target,
                sharing=mount.sharing or "shared",
            )
            for instruction in self.dockerfile.instructions
            for mount in instruction.cache_mounts
        )

    def in_parts(
        self, dockerfiles: Sequence[Dockerfile], folder: str, ignore: str | None
    ) -> BuildJob:
        """The same build, of which what these Dockerfiles have is built: each up to its last stage,
        from the same context. `folder` is where they are put on the host, `ignore` the text of the
        ignore file that goes with them."""
        return replace(self, parts=tuple(self._part(file, folder, ignore) for file in dockerfiles))

    def _part(self, dockerfile: Dockerfile, folder: str, ignore: str | None) -> BuildJob:
        digest = hashlib.sha256(f"{ignore}\n{dockerfile.text}".encode()).hexdigest()
        path = f"{folder}/Dockerfile-{digest[:16]}"
        files = [(path, dockerfile.text)]
        if ignore is not None:
            files.append((f"{path}.dockerignore", ignore))
        build = replace(self.build, dockerfile=path, target=None, archive=None)
        return replace(self, dockerfile=dockerfile, build=build, files=files)


def _put(path: str, text: str) -> str:
    """Shell text that puts a file on the host, whole or not at all."""
    to, new = shlex.quote(path), shlex.quote(f"{path}.new")
    return f"printf %s {shlex.quote(text)} > {new} && mv {new} {to} || exit {NOT_WRITTEN}\n"
