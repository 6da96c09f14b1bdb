"""What the auditor and the workers tell each other, and how often.

Everything goes through queues of the Dask scheduler: one to the auditor for each audit, and one to
each process of a worker. An item is a pickled list of messages, as Dask pickles what tasks take
and give: who may submit tasks to a cluster can run programs on its workers anyway.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

from cachetui.config.settings import HostSettings
from cachetui.records.scenario import Planned

PING = 5.0
"""Seconds after which a worker that has had nothing to say says so."""

SILENT = 20.0
"""Seconds without an answer after which a worker ends its builds: nobody takes their results."""

GONE = 40.0
"""Seconds without a word after which a worker's hosts count as lost. By then it has ended its
builds, if it lives: longer than `SILENT` and a second or two for that."""

PIECE = 1024 * 1024
"""Bytes of a file in one message."""


@dataclass(frozen=True, slots=True)
class HostOrder:
    """All that a Dask task is given: where to ask for the rest. No value that may be a secret is
    in it, since Dask keeps tasks. `attempt` is another one each time that a host is audited."""

    desk: str
    host: str
    attempt: str
    version: str


@dataclass(frozen=True, slots=True)
class Message:
    """From a worker's process: a call of `method` for an execution of an order. One with a `number`
    is answered."""

    process: str
    execution: str
    number: int | None
    method: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """To a worker's process: what call `number` gave, or the error that it raised."""

    number: int
    value: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """To a worker's process: end this execution's builds, for a reason. When it is `lost`, nobody
    takes what it says any more, nor answers."""

    execution: str
    reason: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class LogWanted:
    """To a worker's process: tell what a run under way has printed, from that block of its log
    on."""

    execution: str
    planned: Planned
    block: int


@dataclass(frozen=True, slots=True)
class Granted:
    """What an execution may audit. `hasher_key` tells which secret the digests are made with, the
    secret itself stays with the auditor. `logged` says to tell what is logged, too."""

    host: HostSettings
    only: frozenset[Planned] | None
    hasher_key: str
    logged: bool = False


class NotGranted(Exception):
    """The order is not to be carried out: it is over, or somebody does or did so already."""


def packed(messages: list[Any]) -> bytes:
    """An item of a queue."""
    return pickle.dumps(messages, protocol=5)


def unpacked(item: bytes) -> list[Any]:
    """The messages of an item."""
    messages: list[Any] = pickle.loads(item)
    return messages
