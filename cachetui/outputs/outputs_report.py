"""What a comparison of images says: the images, in groups of the same content."""

from __future__ import annotations

from cachetui.outputs.difference import ImageDifference
from cachetui.records.base import Record

SCHEMA = 1
"""The version of the report's JSON."""

NOT_LOOKED_AT = "its image was not looked at: run the audit with --outputs"
"""The reason of an image that nobody asked for."""


class OutputImage(Record, frozen=True, kw_only=True):
    """The image of a run. `run` is the run's id; `group` a letter that images of the same content
    share, "A" for those like the baseline; None where it could not be compared, and then
    `reason` says why. `unattributed` counts layers that no step is known to have made."""

    run: str
    host: str
    scenario: str
    repeat: int
    group: str | None = None
    reason: str | None = None
    id: str = ""
    config_digest: str = ""
    layers: tuple[str, ...] = ()
    bytes: int = 0
    unattributed: int = 0

    @property
    def label(self) -> str:
        """Its name for people: "old legacy-cold", with the repeat from the second on."""
        again = f" #{self.repeat}" if self.repeat > 1 else ""
        return f"{self.host} {self.scenario}{again}"


class OutputGroup(Record, frozen=True, kw_only=True):
    """Images of the same content: labels of `images`, and their `difference` from the
    baseline: what counts is the same for all of them, and of what does not (times, bookkeeping),
    it is that of the image with most of it."""

    name: str
    images: tuple[str, ...]
    difference: ImageDifference


class OutputsReport(Record, frozen=True, kw_only=True):
    """What came out of an audit, or of some runs. `baseline` labels the image that the others are
    compared with, None when there is none. The first of `groups` holds it."""

    schema: int = SCHEMA
    baseline: str | None
    strict: bool = False
    ignore: tuple[str, ...] = ()
    images: tuple[OutputImage, ...] = ()
    groups: tuple[OutputGroup, ...] = ()

    @property
    def same(self) -> bool:
        """Whether all images have the same content. False with none to compare."""
        return len(self.groups) == 1 and all(image.group for image in self.images)
