"""One host's processes in namespaces of their own: a machine's worth of isolation, no more.

A `Machine` has its own PID, mount and host-name namespaces; network and files are shared. So a
host sees only its own processes, its daemons cannot find a containerd of the machine's, no mount
is left behind, and ending its first process ends everything that ever started in it, by the
kernel's own rule.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lab.errors import LabError, run

NAMESPACES = ("--mount", "--pid", "--uts")
UNSHARE = ("unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc")

# Engines keep state at these fixed places whatever their options say, and use a containerd that
# they find there. An empty folder over each hides the machine's and keeps the host's own.
FIRST = """
trap '' CHLD  # so that the kernel reaps the orphans this process inherits
for folder in /run/containerd /run/docker /run/runc /opt/containerd; do
    mkdir -p $folder
    mount -t tmpfs tmpfs $folder
done
echo "$1" > /proc/sys/kernel/hostname
# A boot of its own, each time it is started.
cat /proc/sys/kernel/random/uuid > "$2/boot_id"
mount --bind "$2/boot_id" /proc/sys/kernel/random/boot_id
exec sleep infinity
"""


@dataclass(frozen=True)
class Entry:
    """A process as /proc shows it."""

    pid: int
    parent: int
    pid_namespace: str
    name: str
    argv: tuple[str, ...]
    contained: bool = False
    """Whether it runs in a container of a lab's machine."""

    @property
    def cmdline(self) -> str:
        """The command line in one string."""
        return " ".join(self.argv)


def entry(pid: int) -> Entry | None:
    """The process `pid`; None if it is gone or a zombie."""
    try:
        text = _read(f"/proc/{pid}/stat")
        name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :]
        state, parent, _ = rest.split(maxsplit=2)
        if state in "ZX":
            return None
        words = _read(f"/proc/{pid}/cmdline").split("\0")
        namespace = os.readlink(f"/proc/{pid}/ns/pid")
    except (OSError, ValueError):
        return None
    return Entry(pid, int(parent), namespace, name, tuple(words[:-1]))


def _read(path: str) -> str:
    # Tests ask for all processes again and again while they wait for one to come or go.
    file = os.open(path, os.O_RDONLY)
    try:
        blocks = []
        while block := os.read(file, 1 << 16):
            blocks.append(block)
    finally:
        os.close(file)
    return b"".join(blocks).decode(errors="replace")


def process_table() -> dict[int, Entry]:
    """All processes by pid, in a hundredth of a second or two."""
    pids = (int(name) for name in os.listdir("/proc") if name.isdecimal())
    return {found.pid: found for pid in pids if (found := entry(pid)) is not None}


def environment(pid: int) -> dict[str, str]:
    """The environment that a process started with; empty if it is gone."""
    try:
        text = _read(f"/proc/{pid}/environ")
    except OSError:
        return {}
    pairs = (item.split("=", 1) for item in text.split("\0"))
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


class Machine:
    """The namespaces of one host, told from others by the host's folder."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the namespaces. Raises LabError if that is not allowed here."""
        holder = self._child = subprocess.Popen(
            [*UNSHARE, "sh", "-ec", FIRST, "sh", self.name, str(self.folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert holder.stderr is not None
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            first = self._first()
            if first is not None and first.name == "sleep":
                holder.stderr.close()
                return
            if holder.poll() is not None:
                break
            time.sleep(0.01)
        holder.kill()
        message = holder.communicate()[1].decode(errors="replace").strip()
        raise LabError(f"{self.name}: no namespaces of its own: {message or 'no answer in 10 s'}")

    def _first(self, table: Mapping[int, Entry] | None = None) -> Entry | None:
        """The machine's first process."""
        table = process_table() if table is None else table
        holders = {found.pid for found in table.values() if held_folder(found) == self.folder}
        # While it starts, the first process is a copy of its holder.
        own = (found for found in table.values() if found.parent in holders)
        return next(own, None)

    @property
    def running(self) -> bool:
        """Whether the namespaces exist."""
        return self._first() is not None

    def enter(self, *argv: str | Path) -> list[str]:
        """The command line that runs `argv` on this machine. Raises LabError if it is down."""
        first = self._first()
        if first is None:
            raise LabError(f"{self.name} is down")
        return ["nsenter", "--target", str(first.pid), *NAMESPACES, "--", *map(str, argv)]

    def run(self, *argv: str | Path, timeout: float = 60) -> str:
        """Run a command on this machine; its output. Raises LabError if it fails."""
        return run(self.enter(*argv), timeout=timeout)

    def spawn(self, argv: Sequence[str | Path], env: Mapping[str, str], log: Path) -> None:
        """Start a daemon on this machine, its output appended to `log`."""
        with log.open("ab") as output:
            subprocess.run(
                self.enter("setsid", "--fork", *argv),
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=30,
                check=True,
            )

    @contextmanager
    def with_files(self, tree: Path) -> Iterator[None]:
        """Lay the folders `usr` and `etc` of a tree over this machine's, as an installed package
        would; no other machine sees it. Raises LabError."""
        over = [top for top in ("usr", "etc") if (tree / top).is_dir()]
        with ExitStack() as undo:
            for top in over:
                lower = f"lowerdir={tree / top}:/{top}"
                self.run("mount", "-t", "overlay", "overlay", "-o", lower, f"/{top}")
                undo.callback(self.run, "umount", "--lazy", f"/{top}")
            yield

    @contextmanager
    def small_disk(self, folder: Path, size: str) -> Iterator[None]:
        """Let `folder` of this machine be a disk of its own of that size (as mount's `size=`) with
        nothing on it; no other machine sees it. Raises LabError."""
        self.run("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", folder)
        try:
            yield
        finally:
            self.run("umount", "--lazy", folder)

    def processes(self) -> list[Entry]:
        """The machine's own processes, a parent before its children, without the first one.

        Those in containers have PID namespaces of their own: see `everything`.
        """
        return [found for found in self.everything() if not found.contained]

    def everything(self, table: Mapping[int, Entry] | None = None) -> list[Entry]:
        """The same with the processes in containers, which are RUN steps; `table` is a
        `process_table` where there is one already."""
        table = process_table() if table is None else table
        first = self._first(table)
        if first is None:
            return []
        children: dict[int, list[Entry]] = {}
        for found in table.values():
            children.setdefault(found.parent, []).append(found)
        inside = [first]
        for parent in inside:
            inside += children.get(parent.pid, [])
        own = first.pid_namespace
        return [replace(found, contained=found.pid_namespace != own) for found in inside[1:]]

    def signal(self, number: signal.Signals, *names: str) -> None:
        """Send a signal to this machine's own processes called one of `names`."""
        for found in self.processes():
            if found.name in names:
                with suppress(ProcessLookupError):
                    os.kill(found.pid, number)

    def stop(self) -> None:
        """End everything on this machine, and wait until nothing of it is left (10 s at most)."""
        remaining = [found.pid for found in self.everything()]
        for found in process_table().values():
            if held_folder(found) == self.folder:
                remaining.append(found.pid)
                with suppress(ProcessLookupError):
                    os.kill(found.pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while remaining and time.monotonic() < deadline:
            remaining = [pid for pid in remaining if entry(pid) is not None]
            time.sleep(0.02)
        if remaining:
            raise LabError(f"{self.name}: processes {remaining} do not end")

    def reap(self) -> None:
        """Forget the ended machine's holder, if this process started it."""
        if self._child is not None:
            self._child.wait(timeout=10)
            self._child = None


def held_folder(process: Entry) -> Path | None:
    """The folder of the host whose namespaces this process holds; None if it holds none."""
    if process.name == "unshare" and process.argv[: len(UNSHARE)] == UNSHARE:
        return Path(process.argv[-1])
    return None


def machines_below(folder: Path) -> list[Machine]:
    """The machines that run for hosts in `folder`."""
    held = {held_folder(found) for found in process_table().values()}
    return [
        Machine(path.name, path) for path in sorted(filter(None, held)) if path.parent == folder
    ]


def namespaces_refused() -> str | None:
    """Why this machine does not let us make namespaces; None if it does."""
    for tool in ("unshare", "nsenter"):
        if shutil.which(tool) is None:
            return f"{tool} (util-linux) is not installed"
    try:
        run([*UNSHARE, "true"], timeout=10)
    except LabError:
        return "this root may not make mount and PID namespaces"
    return None
