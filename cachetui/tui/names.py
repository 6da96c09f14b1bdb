"""The names of the places; no more, for the first frame is drawn before Textual is loaded."""

from __future__ import annotations

PLACE_NAMES = ("Fleet", "Compare", "Step", "Timeline", "Mounts", "History", "Outputs", "Findings")
"""In the order of their numbers. One that is called X is class XPlace in screens/x.py; its keys
stand in a table of `keys`, and in `keys.TOGETHER` and `keys.TITLES`."""
