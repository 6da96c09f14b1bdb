"""Which images on a host our builds made, and which tags they gave: these are to be removed."""

from __future__ import annotations

from dataclasses import dataclass, field

from cachetui.audit.build_job import BuildJob
from cachetui.audit.build_run import BuildOutcome
from cachetui.audit.cleanup import image_ids, image_parents, images_we_made, removal_command
from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import Machine


@dataclass
class MadeImages:
    """Fill it build by build. `before` are the image IDs that were on the host before ours, `tags`
    maps each tag of ours to its image's ID, None where that is not known."""

    before: frozenset[str] = frozenset()
    tags: dict[str, str | None] = field(default_factory=dict)
    _printed: list[str] = field(default_factory=list)
    _bases: frozenset[str] = frozenset()

    def expect(self, job: BuildJob) -> None:
        """A build is about to run: from now on its tag may be there."""
        if job.tag is not None:
            self.tags.setdefault(job.tag, None)

    def add(self, job: BuildJob, outcome: BuildOutcome) -> None:
        """A build has run, and its tag is there."""
        if job.tag is not None and outcome.run.image is not None:
            self.tags[job.tag] = outcome.run.image.id

    def claim_printed(self, outcome: BuildOutcome) -> None:
        """The images whose IDs a build printed are ours, those that it is based on are not."""
        self._printed += outcome.printed_images
        self._bases |= outcome.bases

    def on(self, machine: Machine, host: HostSettings) -> list[str]:
        """The IDs of the images on the host that our builds made, children before parents.
        Raises `HostError`."""
        if not self._printed:
            return []
        new = image_ids(machine, host) - self.before
        return images_we_made(self._printed, self._bases, image_parents(machine, host, new))

    def removal(
        self, host: HostSettings, images: list[str], *, spare_unknown: bool = True
    ) -> str | None:
        """The command that removes our tags and these images; None when there are none.

        With `spare_unknown` a tag whose image is not known may stand on one that was there
        before: that image stays.
        """
        known: set[str | None] = {None, *self.before} if spare_unknown else {*self.before}
        shared = [tag for tag, image in self.tags.items() if image in known]
        return removal_command(host, list(self.tags), images, shared)
