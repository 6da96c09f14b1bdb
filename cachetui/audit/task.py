"""What is the same for every host of an audit."""

from __future__ import annotations

from dataclasses import dataclass

from cachetui.audit.plan import Plan
from cachetui.audit.redact import Redactor
from cachetui.builders.docker_args import familiar, image_contexts
from cachetui.config.settings import BuildSettings
from cachetui.context.build_context import Context
from cachetui.dockerfile.parse import Dockerfile, external_images
from cachetui.records.document import BuildRecord


@dataclass(frozen=True)
class AuditTask:
    """The build and the plan of an audit. `max_age` is how old a stored run may be to answer, in
    seconds, 0 for none. `outputs` says to read what each image holds before it is removed,
    `no_mounts` that no step with a cache mount is begun."""

    audit: str
    settings: BuildSettings
    record: BuildRecord
    context: Context
    dockerfile: Dockerfile
    plan: Plan
    max_age: float
    redactor: Redactor
    outputs: bool = False
    no_mounts: bool = False

    def base_images(self) -> tuple[str, ...]:
        """The references of the images that the build takes from outside, also of stages that the
        legacy builder alone builds, if it is to; what names a named context that is an image
        stands for that."""
        settings = self.settings
        legacy = any(planned.backend == "legacy" for planned in self.plan.order)
        images = external_images(
            self.dockerfile, settings.target, settings.build_args, all_stages=legacy
        )
        named = image_contexts(settings.docker_args)
        folders = settings.named_contexts
        refs = (named.get(familiar(ref), ref) for ref in images if familiar(ref) not in folders)
        return tuple(dict.fromkeys(refs))
