"""The two builders: the command line of a scenario, and the parsers of what they print."""

from __future__ import annotations

from cachetui.backends.events import Parser
from cachetui.record import OutputFormat


def parser_for(output: OutputFormat) -> Parser:
    """A new parser of that output."""
    if output == "legacy":
        from cachetui.backends.legacy import LegacyParser

        return LegacyParser()
    if output == "plain":
        from cachetui.backends.plain import PlainParser

        return PlainParser()
    from cachetui.backends.rawjson import RawJsonParser

    return RawJsonParser()
