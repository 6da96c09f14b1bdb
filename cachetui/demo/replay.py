"""Which recorded answer a command gets. Pure: no clock, no socket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from cachetui.demo.images import output_of, request_of
from cachetui.demo.placeholders import LEASE, REMOVAL, fill, normalise
from cachetui.demo.recording import Exchange, Recording, Session
from cachetui.hosts.asked_ahead import questions_of, telling
from cachetui.hosts.machine import Completed


@dataclass(frozen=True, slots=True)
class Answer:
    """What to print when, and how to end: `parts` are (seconds, 1 or 2, bytes)."""

    parts: tuple[tuple[float, int, bytes], ...]
    seconds: float
    status: int
    known: bool = True


class Replay:
    """The answers of one connection, in which a command that comes again gets the answer that it
    got the next time when it was recorded, and the last one from then on; once an audit's images
    are removed, what it got after that.

    `contexts` maps the digest of a build context (hex) to the recorded build that it is; the
    connection plays the session of the context that it names, and before it names one that in
    which its commands were recorded.
    """

    def __init__(self, recording: Recording, contexts: Mapping[str, str]) -> None:
        self._recording = recording
        self._contexts = contexts
        self._session: Session | None = recording.sessions[0]
        self._asked: Counter[str] = Counter()
        self._values: dict[str, str] = {}

    def answer(self, command: str) -> Answer:
        """The recorded answer; exit status 127 with a message for what was not recorded. Questions
        that come together are answered one by one."""
        together = questions_of(command)
        if together is not None:
            token, questions = together
            return _together([self.answer(question) for question in questions], token)
        key, values = normalise(command)
        self._values.update(values)
        if key == LEASE:
            return Answer((), 0.0, 0)
        if "context" in values:
            build = self._contexts.get(values["context"])
            self._choose(next((s for s in self._recording.sessions if s.build == build), None))
        elif self._session is not None and not self._recorded(key):
            others = (s for s in self._recording.sessions if _answers(s, key))
            self._choose(next(others, self._session))
        exchanges = self._recorded(key)
        if not exchanges:
            return self._unknown(command)
        number = self._asked[key]
        self._asked[key] += 1
        exchange = exchanges[min(number, len(exchanges) - 1)]
        if key == REMOVAL:
            self._pass(exchange)
        request = request_of(command)
        return self._filled(exchange) if request is None else self._found(request, exchange)

    def _pass(self, exchange: Exchange) -> None:
        """What was recorded before this has been answered: an audit that reads no images lists them
        fewer times before it removes them."""
        every = self._session.exchanges if self._session is not None else ()
        before = takewhile(lambda one: one is not exchange, every)
        self._asked |= Counter(one.command for one in before)

    def _found(self, request: Mapping[str, Any], exchange: Exchange) -> Answer:
        """What our program found in an image."""
        output = output_of(request, _text(exchange), self._layer)
        return Answer(((exchange.seconds, 1, output),), exchange.seconds, exchange.status)

    def _layer(self, name: str) -> str | None:
        """What was found in a layer, in whichever session it was read."""
        every = (one for session in self._recording.sessions for one in _answers(session, name))
        return next(map(_text, every), None)

    def _recorded(self, key: str) -> list[Exchange]:
        return _answers(self._session, key) if self._session else []

    def _choose(self, session: Session | None) -> None:
        if session is not self._session:
            self._session = session
            self._asked.clear()

    def _filled(self, exchange: Exchange) -> Answer:
        return Answer(
            tuple(
                (chunk.at, chunk.source, fill(chunk.text, self._values).encode())
                for chunk in exchange.chunks
            ),
            exchange.seconds,
            exchange.status,
        )

    def _unknown(self, command: str) -> Answer:
        first = command.strip().split("\n", 1)[0]
        shown = first if len(first) <= 200 else first[:199] + "…"
        said = (
            f"{self._recording.host} is a recorded host of cachetui's demo, "
            f"and this is not in the recording: {shown}\n"
        )
        return Answer(((0.0, 2, said.encode()),), 0.0, 127, known=False)


def _together(answers: Sequence[Answer], token: str) -> Answer:
    """The answers to questions of one script: all at once, as its pipes may have them."""
    told = [Completed(one.status, _printed(one, 1), _printed(one, 2)) for one in answers]
    seconds = max(one.seconds for one in answers)
    known = all(one.known for one in answers)
    return Answer(((seconds, 1, telling(told, token)),), seconds, 0, known=known)


def _printed(answer: Answer, source: int) -> bytes:
    return b"".join(text for _, where, text in answer.parts if where == source)


def _text(exchange: Exchange) -> str:
    return "".join(chunk.text for chunk in exchange.chunks)


def _answers(session: Session, key: str) -> list[Exchange]:
    return [exchange for exchange in session.exchanges if exchange.command == key]
