"""The suspect of a finding: the one thing that an experiment would change."""

from __future__ import annotations

from cachetui.records.base import Record


class Suspect(Record, frozen=True, tag_field="kind"):
    """Base of the suspects, one for each rule that has any, defined with the rule.

    In a finding's JSON a suspect is an object with its `kind`. `prove` reads it back as the type
    that the rule names (`registry.suspect_of`) and chooses the experiment by that type.
    """
