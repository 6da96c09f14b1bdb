"""Several questions in one command: each answered as by itself, whatever becomes of the others."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator

import pytest

from cachetui.config.settings import HostSettings
from cachetui.hosts.asked_ahead import (
    AskedAhead,
    Question,
    parse,
    questions_of,
    script,
    telling,
)
from cachetui.hosts.machine import Cancel, Completed, HostError, Machine
from tests.answering_machine import AnsweringMachine
from tests.hosts.conftest import connector
from tests.hosts.test_watcher import KNOWN, NASTY, SHELLS

TOKEN = "ab" * 16
SEVERAL = [
    "echo one; echo no >&2; exit 3",
    "printf %s 'no end of line'; false",
    "head -c 200000 /dev/zero | tr '\\0' x",
    f"cat; printf %s {shlex.quote(NASTY)}",
    'x=set\nif true; then\n  echo "$x"\nfi',
    'echo "${x-unset}"; echo a >&2; echo b >&2',
]
THEIRS = [
    Completed(3, b"one\n", b"no"),
    Completed(1, b"no end of line", b""),
    Completed(0, b"x" * 200_000, b""),
    Completed(0, NASTY.encode(), b""),
    Completed(0, b"set\n", b""),
    Completed(0, b"unset\n", b"a\nb"),
]


@pytest.mark.fault("shells")
@pytest.mark.parametrize("name", SHELLS)
def test_each_has_its_own_status_and_outputs(name: str) -> None:
    words = [*KNOWN[name], "-c", script(SEVERAL, TOKEN)]
    done = subprocess.run(words, input=b"not for them", capture_output=True, timeout=60)
    assert done.stderr == b""
    assert [parse(done.stdout, TOKEN)[number] for number in range(len(SEVERAL))] == THEIRS


def test_what_is_printed_can_be_told_and_read() -> None:
    assert questions_of(script(SEVERAL, TOKEN)) == (TOKEN, SEVERAL)
    assert questions_of(script(["a\n}\nb", "_1() {\nc\n}"], TOKEN)) == (
        TOKEN,
        ["a\n}\nb", "_1() {\nc\n}"],
    )
    assert questions_of("echo one") is None
    assert list(parse(telling(THEIRS, TOKEN), TOKEN).values()) == THEIRS


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = connector().connect(HostSettings(name="h", address="local"))
    yield machine
    machine.close()


def test_an_answer_is_given_once_and_by_one_command(machine: Machine) -> None:
    asked: list[str] = []

    class Counting(AnsweringMachine):
        def answer(self, command: str) -> Completed:
            asked.append(command)
            return machine.run(command, timeout=60.0)

    ahead = AskedAhead(Counting())
    ahead.ask([Question(command, 60.0) for command in SEVERAL])
    assert [ahead.run(command, timeout=60.0) for command in SEVERAL] == THEIRS
    assert len(asked) == 1
    assert ahead.run(SEVERAL[1], timeout=60.0) == THEIRS[1]
    assert asked[1:] == [SEVERAL[1]]


def test_no_answer_is_given_after_a_build(machine: Machine) -> None:
    ahead = AskedAhead(machine)
    ahead.ask([Question("date +%s%N", 60.0), Question("echo", 60.0)])
    before = machine.run("date +%s%N", timeout=60.0).text
    ahead.stream("true", lambda *_: None, timeout=60.0)
    assert int(ahead.run("date +%s%N", timeout=60.0).text) > int(before)


def test_one_alone_is_asked_when_it_is_needed() -> None:
    AskedAhead(Silent()).ask([Question("true", 60.0)])  # a Silent one would raise


def test_the_one_whose_time_is_over_says_so_and_the_others_have_answers(machine: Machine) -> None:
    ahead = AskedAhead(machine)
    slow = Question("sleep 600", 3.0)
    ahead.ask([Question("echo quick; exit 4", 90.0), slow, Question("echo behind", 90.0)])
    with pytest.raises(HostError) as caught:
        ahead.run(slow.command, timeout=slow.seconds)
    assert caught.value.kind == "timeout"
    assert ahead.run("echo quick; exit 4", timeout=90.0) == Completed(4, b"quick\n", b"")
    assert ahead.run("echo behind", timeout=90.0) == Completed(0, b"behind\n", b"")


class Silent(AnsweringMachine):
    """A machine that runs nothing: commands end as `error` says."""

    def __init__(self, kind: str = "lost") -> None:
        self.error = HostError("h", kind, "why")  # type: ignore[arg-type]

    def answer(self, command: str) -> Completed:
        del command
        raise self.error


@pytest.mark.parametrize("kind", ["lost", "cancelled", "busy"])
def test_a_host_that_is_gone_is_told_at_once(kind: str) -> None:
    with pytest.raises(HostError, match="why"):
        AskedAhead(Silent(kind)).ask([Question("one", 60.0), Question("two", 60.0)])


def test_who_may_take_longer_is_asked_again_when_the_time_of_all_is_over() -> None:
    class Slow(Silent):
        def answer(self, command: str) -> Completed:
            if questions_of(command):
                raise self.error
            return Completed(0, b"alone", b"")

    ahead = AskedAhead(Slow("timeout"))
    ahead.ask([Question("patient", 120.0), Question("hasty", 30.0)])
    assert ahead.run("patient", timeout=120.0).stdout == b"alone"
    assert ahead.run("hasty", timeout=30.0).stdout == b"alone"


def test_what_a_host_makes_something_else_of_is_asked_by_itself() -> None:
    class Odd(AnsweringMachine):
        def answer(self, command: str) -> Completed:
            if questions_of(command):
                return Completed(127, b"Welcome!\n", b"sh: what?")
            return Completed(0, command.encode(), b"")

    ahead = AskedAhead(Odd())
    ahead.ask([Question("one", 60.0), Question("two", 60.0)])
    assert ahead.run("two", timeout=60.0).text == "two"


def test_an_answer_that_was_cut_off_counts_for_nothing() -> None:
    whole = telling(THEIRS[:2], TOKEN)
    for end in range(len(whole) - len(b"\n")):
        found = parse(whole[:end], TOKEN)
        for number, answer in found.items():
            assert answer.status == THEIRS[number].status
            assert answer.stdout == THEIRS[number].stdout


def test_a_cancel_is_handed_on() -> None:
    given: list[Cancel | None] = []

    class Noting(AnsweringMachine):
        def run(self, command: str, **how: object) -> Completed:
            del command
            given.append(how["cancel"])  # type: ignore[arg-type]
            return Completed(0, b"", b"")

    class Set:
        def is_set(self) -> bool:
            return True

        def wait(self, timeout: float | None = None) -> bool:
            return timeout is None or True

    cancel = Set()
    AskedAhead(Noting()).ask([Question("one", 60.0), Question("two", 60.0)], cancel)
    assert given == [cancel]
