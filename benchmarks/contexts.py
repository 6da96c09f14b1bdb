"""Build contexts: sent over SSH beside `tar | ssh host tar -x`, and read beside `git status`.

Sending: 200 MB in 200 files and 20,000 files of 1 kB, to one host and to eight at once. The host is
an sshd on loopback; both sides write into folders of it. Then one file of 300 MB in all is changed,
and all that is sent for it is counted, commands included. Reading: 100,000 files, a second time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from _common import finish, folder, judge, judge_at_least, median, say_machine, spread, ssh_words

sys.path.insert(0, str(Path(__file__).parents[1]))
from cachetui.config.settings import HostSettings
from cachetui.context.build_context import Context, read_context
from cachetui.context.known_digests import REST_NS
from cachetui.hosts.connect import Connector
from cachetui.hosts.machine import Completed, Machine
from cachetui.hosts.upload import context_folder, put_context
from cachetui.store.known_files import known_digests
from tests.hosts.sshd import Sshd

KINDS = {"200 MB in 200 files": (200, 1_000_000), "20,000 files of 1 kB": (20_000, 1000)}
MOST_FILES = 50_000
"""Files in all from which on there is one round: they take minutes."""

GOALS = {"200 MB in 200 files": 0.8, "20,000 files of 1 kB": 0.85}


def fill(place: Path, files: int, size: int) -> Path:
    """A context of that many files of random bytes, a hundred in a folder."""
    for number in range(files):
        file = place / f"d{number // 100}" / f"f{number % 100}"
        if not number % 100:
            file.parent.mkdir(parents=True)
        file.write_bytes(os.urandom(size))
    (place / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    return place


class Counted:
    """A machine, and the bytes that its commands and their input are."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.name = machine.name
        self.bytes = 0

    def run(self, command: str, *, stdin: Iterable[bytes] | bytes = b"", **how: Any) -> Completed:
        self.bytes += len(command)
        blocks = [stdin] if isinstance(stdin, bytes) else stdin
        return self.machine.run(command, stdin=self._counting(blocks), **how)

    def _counting(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self.bytes += len(block)
            yield block


def cachetui_sends(host: HostSettings, context: Context, to: Path, count: int) -> tuple[float, int]:
    """Seconds until `count` hosts have the context, connecting apart, and the bytes sent to one."""
    connector = Connector(ssh_config=None, system_config=None)
    machines = [Counted(connector.connect(host)) for _ in range(count)]

    def send(number: int) -> None:
        place = context_folder(str(to / str(number)), context.digest)
        machine = cast("Machine", machines[number])
        put_context(machine, place, context, on_sent=lambda _: None)

    begun = time.monotonic()
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(send, range(count)))
    seconds = time.monotonic() - begun
    for each in machines:
        each.machine.close()
    connector.close()
    return seconds, machines[0].bytes


def ssh_sends(host: HostSettings, place: Path, to: Path, count: int) -> float:
    """The same by OpenSSH and tar, over connections that are there already."""
    words = []
    for number in range(count):
        control = to.parent / f"c{number}"
        words.append(ssh_words(host, "-o", f"ControlPath={control}"))
        master = [*words[-1][:1], "-o", "ControlMaster=yes", "-o", "ControlPersist=60", "-fN"]
        subprocess.run([*master, *words[-1][1:]], check=True)
    begun = time.monotonic()
    sending = []
    for number, ssh in enumerate(words):
        (to / str(number)).mkdir(parents=True)
        tar = subprocess.Popen(["tar", "-C", place, "-cf", "-", "."], stdout=subprocess.PIPE)
        sending.append(
            subprocess.Popen([*ssh, f"tar -xf - -C {to / str(number)}"], stdin=tar.stdout)
        )
    for each in sending:
        assert each.wait() == 0
    seconds = time.monotonic() - begun
    for ssh in words:
        subprocess.run([ssh[0], "-O", "exit", *ssh[1:]], check=True, capture_output=True)
    return seconds


def measure_sending(host: HostSettings, place: Path, rounds: int) -> list[bool]:
    """Both ways in turn."""
    met = []
    for what, (files, size) in KINDS.items():
        source = fill(place / "source", files, size)
        context = read_context(source)
        for count in (1, 8):
            ours: list[float] = []
            theirs: list[float] = []
            for _ in range(1 if files * count > MOST_FILES else rounds):
                for took in (ours, theirs):
                    to = place / "to"
                    to.mkdir()
                    if took is ours:
                        took.append(cachetui_sends(host, context, to, count)[0])
                    else:
                        took.append(ssh_sends(host, source, to, count))
                    shutil.rmtree(to)
            print(f"      {what} to {count}: {spread(ours)}; ssh and tar {spread(theirs)}")
            ratio = median(theirs) / median(ours)
            met.append(judge_at_least(f"{what} to {count}, speed of ssh's", ratio, GOALS[what]))
        shutil.rmtree(source)
    return met


def measure_change(host: HostSettings, place: Path) -> bool:
    """Send a context, change a file, and send it again: bytes of the second over the file's."""
    source, size = fill(place / "source", 300, 1_000_000), 1_000_000
    to = place / "to"
    to.mkdir()
    whole, _ = cachetui_sends(host, read_context(source), to, 1)
    (source / "d1" / "f7").write_bytes(os.urandom(size))
    seconds, sent = cachetui_sends(host, read_context(source), to, 1)
    print(f"      300 MB of which 1 MB is changed: {seconds:.2f} s, {whole:.2f} s for all of it")
    shutil.rmtree(source)
    shutil.rmtree(to)
    return judge(
        "bytes sent for a changed file of 1 MB in 300 MB, over its own", sent / size, 1.5, " ×"
    )


def walk(folder: str) -> None:
    """The least that Python does to see whether a file has changed: each folder in order, and the
    status of each entry."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        entry.stat(follow_symlinks=False)
        if entry.is_dir(follow_symlinks=False):
            walk(entry.path)


def measure_reading(place: Path, rounds: int) -> bool:
    """A context that is read again, and `git status` of the same files, which git knows."""
    source = fill(place / "source", 100_000, 100)
    git = ["git", "-C", str(source), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"], ["status"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    (source / ".dockerignore").write_text(".git\n")
    time.sleep(REST_NS / 1e9 + 1)  # what has just been written is read each time

    def read() -> None:
        with known_digests(place / "store", source) as known:
            read_context(source, known=known)

    (place / "store").mkdir()
    read()
    ours: list[float] = []
    theirs: list[float] = []
    bare: list[float] = []
    for _ in range(rounds):
        begun = time.monotonic()
        read()
        ours.append(time.monotonic() - begun)
        begun = time.monotonic()
        walk(str(source))
        bare.append(time.monotonic() - begun)
        begun = time.monotonic()
        subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True)
        theirs.append(time.monotonic() - begun)
    print(
        f"      100,000 files read again: {spread(ours)}; git status {spread(theirs)}; "
        f"only walked in Python: {spread(bare)}"
    )
    shutil.rmtree(source)
    return judge("100,000 files read again, over git status", median(ours) / median(theirs), 1.5)


def main() -> int:
    """Print all ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds (3)")
    parser.add_argument(
        "--only", choices=("sending", "change", "reading"), help="one of the three (all)"
    )
    arguments = parser.parse_args()
    say_machine()
    with folder() as place:
        sshd = Sshd(place / "sshd")
        try:
            host = sshd.settings()
            met: list[bool] = []
            if arguments.only in (None, "change"):
                met.append(measure_change(host, place))
            if arguments.only in (None, "reading"):
                met.append(measure_reading(place, arguments.rounds))
            if arguments.only in (None, "sending"):  # ends with what takes longest
                met += measure_sending(host, place, arguments.rounds)
        finally:
            sshd.stop()
    return finish(met)


if __name__ == "__main__":
    sys.exit(main())
