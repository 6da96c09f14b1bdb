"""A build on a host: what the inputs of its steps are read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cachetui.builders.docker_args import familiar, fetched_contexts
from cachetui.dockerfile.parse import Dockerfile
from cachetui.findings.build_options import pulls_always
from cachetui.findings.context_files import ContextFiles
from cachetui.records.backend import Backend
from cachetui.records.digest import ValueHasher
from cachetui.records.document import BuildRecord
from cachetui.records.host import HostFacts, HostReport
from cachetui.records.image_settings import ImageSettings


@dataclass(frozen=True)
class BuildOnHost:
    """A build on a host: what its steps' inputs are read from. `files` None: not known; `context`
    is the digest of the context that they are of. `digests` are those that BuildKit resolved
    references to, for images that the host does not list. `hasher` reads digests of values."""

    build: BuildRecord
    dockerfile: Dockerfile
    backend: Backend
    host: HostReport | None
    files: ContextFiles | None
    context: str
    digests: Mapping[str, str] = field(default_factory=dict)
    hasher: ValueHasher = field(default_factory=ValueHasher.for_once, compare=False)

    @property
    def facts(self) -> HostFacts | None:
        return self.host.facts if self.host else None

    @property
    def triggers(self) -> Mapping[str, tuple[str, ...]]:
        """The ONBUILD triggers of the host's base images."""
        return self.facts.triggers if self.facts else {}

    def image(self, ref: str) -> str | None:
        """A token for what the build took a reference for: layers, else `@` and a digest. With
        --pull BuildKit takes the registry's image and leaves the host's alone; the legacy builder
        gives the host's name to it (lab, all engines)."""
        by_digest = f"@{self.digests[ref]}" if ref in self.digests else None
        if self.host is None or (self.backend == "buildkit" and self.pulls):
            return by_digest
        before, after = self.host.base_before(ref), self.host.base_after(ref)
        if (before and before.id) != (after and after.id):
            fetched = self.backend == "legacy" and (self.pulls or before is None)
            if not fetched:
                return by_digest if before is None else None  # another moved it meanwhile
        layers = self.host.base_layers(ref)
        return " ".join(layers) if layers else by_digest

    def settings(self, ref: str) -> ImageSettings | None:
        """What the image sets that the build took a reference for; None where that is not known."""
        token = self.image(ref)
        return (
            None
            if self.host is None or token is None or token.startswith("@")
            else self.host.base_settings(ref)
        )

    def image_id(self, ref: str) -> str | None:
        """The ID of the host's own image of that name: another ID is another configuration."""
        image = self.host.base_after(ref) if self.host else None
        return image.id if image else None

    @property
    def pulls(self) -> bool:
        return pulls_always(self.build.docker_args)


def settings_of(build: BuildOnHost, base: str | None) -> ImageSettings | None:
    """What the base of a chain sets, of `scratch` (None) nothing; None where it is not known, or is
    a named context."""
    if base is None:
        return ImageSettings()
    others = (build.build.named_contexts, fetched_contexts(build.build.docker_args))
    if any(familiar(base) in named for named in others):
        return None
    return build.settings(base)
