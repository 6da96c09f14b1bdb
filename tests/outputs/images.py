"""Images made by hand, compared without a host or an engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cachetui.dockerfile.parse import parse
from cachetui.outputs.attribute import attribute
from cachetui.outputs.compare import Output, compare
from cachetui.outputs.contents import ImageContents
from cachetui.outputs.difference import ImageDifference
from cachetui.outputs.layers import LayerMeta, key
from cachetui.records.step import StepId
from tests.outputs.tars import File, read_layer, sha, tar


class Images:
    """Makes images of layers, and remembers their lines."""

    def __init__(self) -> None:
        self.lines: dict[str, list[bytes]] = {}

    def contents(
        self,
        layers: Sequence[Sequence[File]],
        history: Iterable[dict[str, Any]] = (),
        **config: Any,
    ) -> ImageContents:
        """An image of these layers, each given as for `tars.tar`."""
        metas: list[LayerMeta] = []
        for files in layers:
            data = tar(*files)
            digest = f"sha256:{sha(data)}"
            self.lines[digest] = sorted(read_layer(data)[0], key=key)
            metas.append(LayerMeta(digest=digest, bytes=len(data), entries=len(files)))
        return ImageContents(
            id="sha256:x",
            config_digest="sha256:y",
            config={
                "architecture": "amd64",
                "os": "linux",
                **config,
                "history": list(history) or [{"created_by": "x"} for _ in layers],
            },
            layers=tuple(metas),
            bytes=sum(meta.bytes for meta in metas),
        )

    def output(self, label: str, *layers: Sequence[File], **config: Any) -> Output:
        """An image whose layers are of the steps (0, 0), (0, 1), …"""
        steps = tuple(StepId(0, number) for number in range(len(layers)))
        texts = {step: (step.index + 1, f"RUN step {step.index}") for step in steps}
        return Output(label, self.contents(layers, **config), steps, frozenset(steps), texts)

    def compare(self, a: Output, b: Output, **options: Any) -> ImageDifference:
        return compare(a, b, lambda digest: self.lines[digest], **options)


def legacy(*texts: str) -> list[dict[str, Any]]:
    """History entries of the legacy builder: "-" at the beginning for an empty layer."""
    return [
        {"created_by": text.lstrip("-"), **({"empty_layer": True} if text[0] == "-" else {})}
        for text in texts
    ]


def buildkit(*texts: str) -> list[dict[str, Any]]:
    """History entries of BuildKit."""
    return [{**entry, "comment": "buildkit.dockerfile.v0"} for entry in legacy(*texts)]


def steps_of(
    dockerfile: str, history: list[dict[str, Any]], **options: Any
) -> list[tuple[int, int, int | None] | None]:
    """The steps that the layers of an image with this history are attributed to."""
    layers = sum(not entry.get("empty_layer") for entry in history)
    contents = Images().contents([[(f"f{i}", b"")] for i in range(layers)], history)
    found = attribute(contents, parse(dockerfile), **options)
    return [
        None if step is None else (step.stage_index, step.index, step.trigger) for step in found
    ]
