"""Every builder that a record can name is there, with a parser for every format."""

from __future__ import annotations

from typing import get_args

from cachetui.builders.registry import BUILDERS, builder_named, parser_for
from cachetui.records.backend import Backend
from cachetui.records.run import OutputFormat
from cachetui.records.scenario import BACKENDS


def test_builders_are_those_of_records_in_their_order() -> None:
    assert tuple(builder.name for builder in BUILDERS) == BACKENDS == get_args(Backend)
    assert all(builder_named(builder.name) is builder for builder in BUILDERS)


def test_each_format_has_a_parser_of_its_own() -> None:
    parsers = [type(parser_for(output)) for output in get_args(OutputFormat)]
    assert len(set(parsers)) == len(get_args(OutputFormat))
