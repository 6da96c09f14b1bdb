"""The parser of what a builder prints, by the format of its output."""

from __future__ import annotations

from cachetui.builders.events import Parser
from cachetui.records.run import OutputFormat


def parser_for(output: OutputFormat) -> Parser:
    """A new parser of that output."""
    if output == "legacy":
        from cachetui.builders.legacy_output import LegacyParser

        return LegacyParser()
    if output == "plain":
        from cachetui.builders.plain_output import PlainParser

        return PlainParser()
    from cachetui.builders.rawjson_output import RawJsonParser

    return RawJsonParser()
