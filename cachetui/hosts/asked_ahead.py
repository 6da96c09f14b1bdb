"""Several questions to a host in one command, so that one round trip answers them all.

A channel, the watchers around a command and its four round trips cost more, here and on the host,
than what most questions ask. So they are put in one script, which runs them side by side and says
of each its status, its standard output and its standard error. Who needs an answer then asks as
ever: a machine that was asked ahead has it already. Whatever was not told (the script did not come
to its end, or a host's shell made something else of it) is asked by itself, with the errors and the
time limit that it has.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cachetui.hosts.lease import Holder, Lease
from cachetui.hosts.machine import Cancel, Completed, HostError, Machine, OnOutput

MARK = "cachetui-together"
"""In every script of several questions, before its token."""

# A question begins with the token and its number, and ends with the token, "!" and the status,
# behind which stands what it said on standard error. The token is new each time: nothing that a
# question prints can look like it.
_TELL = """\
_mark=TOKEN # MARK TOKEN
_tell() {
  echo; echo "$_mark $1"
  { _said=$("_$1" </dev/null 2>&1 >&3 3>&-); } 3>&1
  _status=$?
  echo; echo "$_mark ! $_status"
  printf '%s\\n' "$_said"
}
""".replace("MARK TOKEN", f"{MARK} TOKEN")
_TOKEN = re.compile(rf"# {MARK} ([0-9a-f]{{32}})\n")


@dataclass(frozen=True, slots=True)
class Question:
    """A command that reads no standard input, and the seconds that it may take."""

    command: str
    seconds: float


class AskedAhead:
    """A machine that knows the answers to what it was asked ahead. Each is given once, and none
    after a build, which may change what it says."""

    def __init__(self, machine: Machine) -> None:
        self.name = machine.name
        self._machine = machine
        self._answers: dict[str, Completed | HostError] = {}

    def ask(self, questions: Sequence[Question], cancel: Cancel | None = None) -> None:
        """Ask all of them now, side by side; one alone is asked when it is needed. Put first what
        is quick: an answer comes after those before it. Raises `HostError` as `Machine.run`, but
        no timeout: that is raised by the question whose time is over, if it is run."""
        if len(questions) < 2:
            return
        seconds = min(question.seconds for question in questions)
        token = secrets.token_hex(16)
        command = script([question.command for question in questions], token)
        over: HostError | None = None
        try:
            printed = self._machine.run(command, timeout=seconds, cancel=cancel).stdout
        except HostError as error:
            if error.kind not in ("timeout", "shell"):
                raise
            over, printed = error, error.printed
        answers = parse(printed, token)
        told = [answers.get(number) for number in range(len(questions))]
        self._answers.update(
            (question.command, answer)
            for question, answer in zip(questions, told, strict=True)
            if answer is not None
        )
        if over is not None and over.kind == "timeout" and None in told:
            slow = questions[told.index(None)]
            if slow.seconds <= seconds:
                self._answers[slow.command] = over

    def run(
        self,
        command: str,
        *,
        stdin: Iterable[bytes] | bytes = b"",
        timeout: float,
        cancel: Cancel | None = None,
    ) -> Completed:
        """See `Machine.run`."""
        answer = self._answers.pop(command, None)
        if answer is None:
            return self._machine.run(command, stdin=stdin, timeout=timeout, cancel=cancel)
        if isinstance(answer, HostError):
            raise answer
        return answer

    def stream(
        self,
        command: str,
        on_output: OnOutput,
        *,
        timeout: float,
        cancel: Cancel | None = None,
    ) -> int:
        """See `Machine.stream`."""
        self._answers.clear()
        return self._machine.stream(command, on_output, timeout=timeout, cancel=cancel)

    def hold(
        self,
        lease: Lease,
        on_wait: Callable[[Holder | None], None] | None,
        cancel: Cancel | None = None,
    ) -> None:
        """See `Machine.hold`."""
        self._machine.hold(lease, on_wait, cancel)

    def release(self) -> bool:
        """See `Machine.release`."""
        return self._machine.release()

    def close(self) -> None:
        """See `Machine.close`."""
        self._machine.close()


def script(commands: Sequence[str], token: str) -> str:
    """Shell text that runs the commands side by side and tells of each, in their order, as `parse`
    reads it. What comes later waits in a pipe until it is its turn."""
    functions = "".join(f"_{number}() {{\n{text}\n}}\n" for number, text in enumerate(commands))
    return f"{_TELL.replace('TOKEN', token)}{functions}{_turns(len(commands))}"


def _turns(count: int) -> str:
    turns = "_tell 0"
    for number in range(1, count):
        turns = f"_tell {number} | {{\n{turns}\ncat\n}}"
    return f"{turns}\ntrue\n"


def questions_of(text: str) -> tuple[str, list[str]] | None:
    """The token and the commands of a text that `script` made, None for any other."""
    token = _TOKEN.search(text)
    if token is None or not text.startswith(head := _TELL.replace("TOKEN", token[1])):
        return None
    rest = text.removeprefix(head).removeprefix("_0() {\n")
    commands: list[str] = []
    while (next_one := f"\n}}\n_{len(commands) + 1}() {{\n") in rest:
        command, _, rest = rest.partition(next_one)
        commands.append(command)
    last = f"\n}}\n{_turns(len(commands) + 1)}"
    return (token[1], [*commands, rest.removesuffix(last)]) if rest.endswith(last) else None


def telling(answers: Iterable[Completed], token: str) -> bytes:
    """What `script` prints where its commands give back these answers."""
    return b"".join(
        b"\n%b %d\n%b\n%b ! %d\n%b\n"
        % (mark := token.encode(), number, one.stdout, mark, one.status, one.stderr)
        for number, one in enumerate(answers)
    )


def parse(printed: bytes, token: str) -> dict[int, Completed]:
    """By number, what the commands of `script` gave back, as far as it was printed."""
    found: dict[int, Completed] = {}
    number, output = b"", b""
    for part in printed.split(f"\n{token} ".encode())[1:]:
        head, ended, rest = part.partition(b"\n")
        if not ended:
            break
        if not head.startswith(b"! "):
            number, output = head, rest
        elif number.isdigit() and head[2:].isdigit():
            found[int(number)] = Completed(int(head[2:]), output, rest.rstrip(b"\n"))
            number = b""
    return found
