"""The layers that a build has on their way, among BuildKit's vertices. Pure.

BuildKit does not give up a download whose connection stalls or is reset in the middle of a layer,
and prints nothing of it (our lab: 26.1, and 28.5 with both stores).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cachetui.builders.events import Ended, Event, LayerPull

MOST = 1000


@dataclass
class LayerPulls:
    """Takes a run's events in order."""

    _open: dict[tuple[str, str], None] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, LayerPull):
            if event.ended:
                self._open.pop((event.key, event.layer), None)
            elif len(self._open) < MOST:
                self._open[event.key, event.layer] = None
        elif isinstance(event, Ended):
            for one in [one for one in self._open if one[0] == event.key]:
                del self._open[one]

    @property
    def open(self) -> tuple[tuple[str, str], ...]:
        """(key of the vertex, digest) of each, in the order in which they began."""
        return tuple(self._open)
