"""The builders, by name."""

from __future__ import annotations

from cachetui.builders.builder import Builder
from cachetui.builders.buildkit import BUILDKIT
from cachetui.builders.events import Parser
from cachetui.builders.legacy import LEGACY
from cachetui.records.backend import Backend
from cachetui.records.run import OutputFormat

BUILDERS: tuple[Builder, ...] = (LEGACY, BUILDKIT)
"""All builders, in the order of tables."""

_BY_NAME = {builder.name: builder for builder in BUILDERS}
_PARSERS = {output: make for builder in BUILDERS for output, make in builder.parsers.items()}


def builder_named(name: Backend) -> Builder:
    """The builder of that name."""
    return _BY_NAME[name]


def parser_for(output: OutputFormat) -> Parser:
    """A new parser of what a builder prints in that format."""
    return _PARSERS[output]()
