"""What an earlier context on the host has is not sent again, and what is put together there is what
was read here."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cachetui.config.settings import HostSettings
from cachetui.context.build_context import Context, read_context
from cachetui.hosts.machine import Cancel, Completed, HostError
from cachetui.hosts.upload import (
    context_folder,
    link_command,
    path_on_host,
    put_context,
    remove_folder_command,
)
from tests.hosts.conftest import connector
from tests.hosts.sshd import Sshd, until

SIZE = 100_000
BUSYBOX = pytest.param("busybox", marks=[pytest.mark.lab, pytest.mark.takes_turns])


@dataclass
class Shell:
    """A machine that runs its commands in a shell here, and counts what it is sent."""

    words: list[str]
    env: dict[str, str]
    name: str = "h"
    commands: list[str] = field(default_factory=list)
    sent: int = 0

    def run(
        self,
        command: str,
        *,
        stdin: Iterable[bytes] | bytes = b"",
        timeout: float,
        cancel: Cancel | None = None,  # noqa: ARG002 (a machine takes it)
    ) -> Completed:
        data = stdin if isinstance(stdin, bytes) else b"".join(stdin)
        self.commands.append(command)
        self.sent += len(command) + len(data)
        done = subprocess.run(
            [*self.words, "-c", command],
            input=data,
            env=self.env,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return Completed(done.returncode, done.stdout, done.stderr)

    def put(self, cache: Path, context: Context) -> tuple[Path, int]:
        """Put the context there; where it is then, and the bytes that were sent for it."""
        folder = context_folder(str(cache), context.digest)
        before = self.sent
        assert put_context(self, folder, context, on_sent=lambda _: None)  # type: ignore[arg-type]
        assert os.listdir(folder).count(".sent") == 1
        assert sorted(os.listdir(Path(folder).parent)) == sorted(
            name for name in os.listdir(Path(folder).parent) if len(name) == 64
        )
        return Path(path_on_host(folder)), self.sent - before


@pytest.fixture(params=["dash", "bash", BUSYBOX])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    """Shells and tools that hosts have."""
    if request.param == "busybox":
        busybox = str(request.getfixturevalue("lab").folder / "busybox")
        tools = tmp_path / "tools"
        tools.mkdir()
        for name in subprocess.check_output([busybox, "--list"], text=True).split():
            (tools / name).symlink_to(busybox)
        return Shell([busybox, "sh"], {"PATH": str(tools)})
    found = shutil.which(request.param)
    if found is None:
        pytest.skip(f"no {request.param} here")
    return Shell([found], dict(os.environ))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A context of ten files, a megabyte."""
    root = tmp_path / "source"
    (root / "sub").mkdir(parents=True)
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    for number in range(9):
        (root / "sub" / f"f{number}").write_bytes(os.urandom(SIZE))
    (root / "top").write_bytes(os.urandom(SIZE))
    return root


def times(root: Path, *, whole_seconds: bool = False) -> dict[bytes, int]:
    """Each file's time of change in nanoseconds."""
    every = (path for entry in os.scandir(os.fsencode(root)) for path in _below(entry))
    per = 1_000_000_000 if whole_seconds else 1
    return {
        os.path.relpath(path, os.fsencode(root)): os.lstat(path).st_mtime_ns // per
        for path in every
        if os.path.isfile(path) and not os.path.islink(path)
    }


def _below(entry: os.DirEntry[bytes]) -> Iterator[bytes]:
    if entry.is_dir(follow_symlinks=False):
        for inner in os.scandir(entry.path):
            yield from _below(inner)
    else:
        yield entry.path


def inode(path: Path) -> int:
    return path.lstat().st_ino


def test_of_a_changed_file_little_more_than_its_bytes_is_sent(
    shell: Shell, source: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "it's here"
    first, whole = shell.put(cache, read_context(source))
    assert whole > 10 * SIZE
    (source / "sub/f3").write_bytes(os.urandom(SIZE))
    context = read_context(source)
    second, sent = shell.put(cache, context)
    assert SIZE < sent < 1.5 * SIZE
    assert read_context(second).digest == context.digest
    busybox = "busybox" in shell.words[0]
    assert times(second, whole_seconds=busybox) == times(source, whole_seconds=busybox)
    same = [n for n in range(9) if inode(first / f"sub/f{n}") == inode(second / f"sub/f{n}")]
    assert same == [0, 1, 2, 4, 5, 6, 7, 8]
    assert "link" not in {entry.kind for entry in read_context(second).entries}
    third, sent = shell.put(cache, read_context(_moved(source)))
    assert sent < SIZE / 2
    assert inode(third / "moved/f0") == inode(first / "sub/f0")


def _moved(source: Path) -> Path:
    (source / "sub").rename(source / "moved")
    return source


def test_odd_names_kinds_and_modes_are_as_they_were(
    shell: Shell, source: Path, tmp_path: Path
) -> None:
    odd = [b"\xff\xfe", b"a\nb", b"a\\nb", b"-rf", b"'\"$(x)`", b"  *", "é…".encode(), b"n" * 150]
    odd += [b"c\rd", b"\x1b[31m", b"..x", b"%s %d", b"#x"]
    for name in odd:
        with open(os.path.join(os.fsencode(source), name), "wb") as file:
            file.write(b"odd" + name)
    for number in range(5):
        (source / f"empty{number}").touch()
    for number in range(3):
        (source / f"copy{number}").write_bytes(b"the same")
        os.utime(source / f"copy{number}", ns=(5, 1_700_000_000_123_456_789))
    os.utime(source / "empty1", ns=(-5, -1_500_000_000))
    (source / "sub/f1").chmod(0o4751)
    (source / "sub/f2").chmod(0o400)
    (source / "sub").chmod(0o2550)
    (source / "s").symlink_to("../outside")
    os.link(source / "top", source / "z-hard")
    os.mkfifo(source / "pipe")
    named = tmp_path / "named"
    shutil.copytree(source, named, symlinks=True, ignore=lambda *_: {"pipe", "z-hard"})
    (tmp_path / "other.Dockerfile").write_text("FROM scratch\n")
    for change in ("before", "after"):
        (source / "changes").write_text(change)
        context = read_context(source, "../other.Dockerfile", {"n@me": named})
        place, sent = shell.put(tmp_path / "cache", context)
    assert sent < SIZE
    again = read_context(place, "../Dockerfile", {"n@me": place.parent / "contexts/n@me"})
    assert again.digest == context.digest
    (source / "sub").chmod(0o700)
    assert inode(place / "top") == inode(place / "z-hard")
    files = [e for e in again.entries if e.kind == "file" and e.path.startswith("context/")]
    assert len({inode(place / e.path.removeprefix("context/")) for e in files}) == len(files)


@pytest.mark.parametrize("what", ["mode", "time"])
def test_a_file_of_another_mode_or_time_is_sent(
    shell: Shell, source: Path, tmp_path: Path, what: str
) -> None:
    first, _ = shell.put(tmp_path / "cache", read_context(source))
    before = {path: (first / path).stat() for path in ("top", "sub/f0")}
    (source / "sub/f1").write_bytes(b"x")
    if what == "mode":
        (source / "top").chmod(0o600)
    else:
        os.utime(source / "top", ns=(0, before["top"].st_mtime_ns + 1_000_000_000))
    second, sent = shell.put(tmp_path / "cache", read_context(source))
    assert SIZE < sent < 1.5 * SIZE
    now = (second / "top").stat()
    assert now.st_mode == (source / "top").stat().st_mode
    assert int(now.st_mtime) == int((source / "top").stat().st_mtime)
    still = (first / "top").stat()
    assert (still.st_mode, still.st_mtime_ns) == (before["top"].st_mode, before["top"].st_mtime_ns)


def _other_bytes(root: Path) -> None:
    status = (root / "sub/f0").stat()
    (root / "sub/f0").write_bytes(os.urandom(SIZE))
    os.utime(root / "sub/f0", ns=(status.st_atime_ns, status.st_mtime_ns))


def _truncated(root: Path) -> None:
    os.truncate(root / "sub/f0", SIZE // 2)


def _other_mode(root: Path) -> None:
    (root / "sub/f0").chmod(0o666)


def _other_time(root: Path) -> None:
    os.utime(root / "sub/f0", (7, 7))


def _gone(root: Path) -> None:
    (root / "sub/f0").unlink()


def _a_link(root: Path) -> None:
    (root / "sub/f0").rename(root / "sub/elsewhere")
    (root / "sub/f0").symlink_to("elsewhere")


def _a_folder(root: Path) -> None:
    _gone(root)
    (root / "sub/f0").mkdir()


def _one_file(root: Path) -> None:
    for name in ("sub/copy1", "sub/copy2"):
        (root / name).unlink()
        os.link(root / "sub/copy0", root / name)


def _lies(root: Path) -> None:
    listed = root.parent / ".sent"
    listed.write_bytes(listed.read_bytes().replace(b"context/sub/f0", b"context/sub/f1"))


@pytest.mark.parametrize(
    "change",
    [
        _other_bytes,
        _truncated,
        _other_mode,
        _other_time,
        _gone,
        _a_link,
        _a_folder,
        _one_file,
        _lies,
    ],
)
def test_what_was_changed_on_the_host_is_not_taken(
    shell: Shell, source: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    for number in range(3):
        (source / f"sub/copy{number}").write_bytes(b"the same")
        os.utime(source / f"sub/copy{number}", (5, 1_700_000_000))
    first, _ = shell.put(tmp_path / "cache", read_context(source))
    change(first)
    (source / "top").write_bytes(b"x")
    context = read_context(source)
    second, sent = shell.put(tmp_path / "cache", context)
    assert sent > 9 * SIZE
    assert read_context(second).digest == context.digest
    assert all((second / f"sub/f{n}").lstat().st_nlink == 1 for n in range(9))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n\n",
        b"\xff\0\x1b[2J" * 50,
        b"81a4 100000 1 2 " + b"a" * 64 + b"  context/../../../etc/passwd\n",
        b"81a4 100000 1 2 " + b"a" * 64 + b"  /etc/passwd\n",
    ],
)
def test_a_list_of_something_else_is_of_no_use(
    shell: Shell, source: Path, tmp_path: Path, text: bytes
) -> None:
    first, _ = shell.put(tmp_path / "cache", read_context(source))
    listed = first.parent / ".sent"
    kinds = [line.partition(b"  ")[0] for line in listed.read_bytes().splitlines()]
    lying = b"".join(kind + b"  context/../../../../etc/passwd\n" for kind in kinds)
    listed.write_bytes(text + lying)
    (source / "top").write_bytes(b"x")
    context = read_context(source)
    second, sent = shell.put(tmp_path / "cache", context)
    assert sent > 9 * SIZE
    assert read_context(second).digest == context.digest


@pytest.mark.parametrize("without", ["grep", "xargs", "stat", "sha256sum", "cut", "ln", "find"])
def test_a_host_without_a_tool_is_sent_all(source: Path, tmp_path: Path, without: str) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    names = (
        "cat chmod cmp cut find grep head ln mkdir mv rm sh sha256sum sort stat tail tar test tr"
    )
    for name in {*names.split(), "uniq", "xargs"} - {without}:
        (tools / name).symlink_to(shutil.which(name) or "/nowhere")
    shell = Shell([shutil.which("sh") or "sh"], {"PATH": str(tools)})
    shell.put(tmp_path / "cache", read_context(source))
    (source / "top").write_bytes(b"x")
    context = read_context(source)
    second, sent = shell.put(tmp_path / "cache", context)
    assert read_context(second).digest == context.digest
    assert (sent > 9 * SIZE) == (without != "find")


@pytest.mark.parametrize("kept", [0, 1, 5, 20])
def test_half_of_one_leaves_nothing(shell: Shell, source: Path, tmp_path: Path, kept: int) -> None:
    first, _ = shell.put(tmp_path / "cache", read_context(source))
    (source / "sub/f0").write_bytes(os.urandom(SIZE))
    context = read_context(source)
    folder = context_folder(str(tmp_path / "cache"), context.digest)
    incoming = str(first.parent.parent / ".incoming-1")
    blocks = list(context.tar_members({"context/top": ".context/top"}))
    command = link_command(folder, incoming, first.parent.name)
    done = shell.run(command, stdin=b"".join(blocks[:kept]), timeout=60)
    assert done.status != 0
    assert os.listdir(first.parent.parent) == [first.parent.name]
    assert (first / "top").read_bytes() == (source / "top").read_bytes()


def test_one_that_was_put_there_meanwhile_stays(shell: Shell, source: Path, tmp_path: Path) -> None:
    first, _ = shell.put(tmp_path / "cache", read_context(source))
    (source / "sub/f0").write_bytes(os.urandom(SIZE))
    context = read_context(source)
    second, _ = shell.put(tmp_path / "cache", context)
    there = inode(second)
    incoming = str(first.parent.parent / ".incoming-1")
    command = link_command(str(second.parent), incoming, first.parent.name)
    blocks = b"".join(context.tar_members({"context/top": ".context/top"}))
    whole = blocks + b"".join(_end())
    assert shell.run(command, stdin=whole, timeout=60).status == 0
    assert inode(second) == there
    assert sorted(os.listdir(first.parent.parent)) == sorted(
        (first.parent.name, second.parent.name)
    )


def _end() -> Iterator[bytes]:
    from cachetui.hosts.upload import _whole

    yield from _whole(())


def test_removing_one_leaves_the_other_as_it_was(
    shell: Shell, source: Path, tmp_path: Path
) -> None:
    (source / "top").chmod(0o400)
    (source / "sub").chmod(0o500)
    first, _ = shell.put(tmp_path / "cache", read_context(source))
    (source / "Dockerfile").write_text("FROM scratch\n")
    context = read_context(source)
    second, _ = shell.put(tmp_path / "cache", context)
    assert inode(first / "top") == inode(second / "top")
    assert shell.run(remove_folder_command(str(first.parent)), timeout=60).status == 0
    assert os.listdir(second.parent.parent) == [second.parent.name]
    assert read_context(second).digest == context.digest


@pytest.mark.skipif(os.getuid() != 0, reason="as another user than root, whom no mode stops")
def test_a_user_removes_closed_folders_and_leaves_files_modes() -> None:
    place = Path("/tmp") / f"cachetui-test-{os.getpid()}"
    deep = place / "a" / "closed" / "deep"
    deep.mkdir(parents=True)
    try:
        (deep / "f").write_text("x")
        (place / "b").mkdir()
        os.link(deep / "f", place / "b" / "f")
        (deep / "f").chmod(0o444)
        for folder, mode in ((deep, 0o000), (deep.parent, 0o100), (place / "a", 0o500)):
            folder.chmod(mode)
        for path in (place, place / "a", deep.parent, deep, place / "b", place / "b/f"):
            os.chown(path, 65534, 65534)
        command = remove_folder_command(str(place / "a"))
        subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", command],
            check=True,
            timeout=60,
        )
        assert os.listdir(place) == ["b"]
        assert (place / "b/f").stat().st_mode & 0o777 == 0o444
    finally:
        shutil.rmtree(place)


@dataclass(frozen=True)
class Cut(Context):
    """A context during whose sending something happens, after so many blocks."""

    then: Callable[[], None] = lambda: None
    after: int = 0

    def tar_members(self, linked: Mapping[str, str] | None = None) -> Iterator[bytes]:
        for number, block in enumerate(super().tar_members(linked)):
            if number == self.after:
                self.then()
            yield block


def test_over_ssh_and_when_the_connection_dies(sshd: Sshd, source: Path, tmp_path: Path) -> None:
    machine = connector().connect(sshd.settings())
    cache = str(tmp_path / "cache")
    first = context_folder(cache, read_context(source).digest)
    assert put_context(machine, first, read_context(source), on_sent=lambda _: None)
    (source / "sub/f3").write_bytes(os.urandom(SIZE))
    context = read_context(source)
    second = context_folder(cache, context.digest)
    for after in (0, 4, 12):
        cut = Cut(**vars(context), then=machine.close, after=after)
        with pytest.raises(HostError):
            put_context(machine, second, cut, on_sent=lambda _: None)
        assert until(lambda: os.listdir(Path(first).parent) == [Path(first).name])
        machine = connector().connect(sshd.settings())
    told: list[int] = []
    assert put_context(machine, second, context, on_sent=told.append)
    assert told[0] > 9 * SIZE  # what was there counts
    assert read_context(Path(path_on_host(second))).digest == context.digest
    assert inode(Path(path_on_host(first)) / "top") == inode(Path(path_on_host(second)) / "top")
    machine.close()


def test_an_earlier_one_that_goes_meanwhile(sshd: Sshd, source: Path, tmp_path: Path) -> None:
    machine = connector().connect(sshd.settings())
    cache = str(tmp_path / "cache")
    first = context_folder(cache, read_context(source).digest)
    put_context(machine, first, read_context(source), on_sent=lambda _: None)
    (source / "sub/f3").write_bytes(os.urandom(SIZE))
    context = read_context(source)
    gone = Cut(**vars(context), then=lambda: shutil.rmtree(first, ignore_errors=True), after=2)
    second = context_folder(cache, context.digest)
    assert put_context(machine, second, gone, on_sent=lambda _: None)
    assert read_context(Path(path_on_host(second))).digest == context.digest
    assert os.listdir(Path(second).parent) == [Path(second).name]
    machine.close()


def _killed_while_linking(host: HostSettings, source: Path, folder: str, linked: str) -> None:
    """What a process does that is killed when the first file is linked."""
    machine = connector().connect(host)

    def kill() -> None:
        if until(lambda: os.stat(linked).st_nlink == 2):
            os.kill(os.getpid(), signal.SIGKILL)

    context = Cut(**vars(read_context(source)), then=kill, after=18)
    put_context(machine, folder, context, on_sent=lambda _: None)


def test_an_auditor_that_is_killed_meanwhile(sshd: Sshd, source: Path, tmp_path: Path) -> None:
    machine = connector().connect(sshd.settings())
    cache = str(tmp_path / "cache")
    context = read_context(source)
    first = context_folder(cache, context.digest)
    put_context(machine, first, context, on_sent=lambda _: None)
    (source / "sub/f3").write_bytes(os.urandom(SIZE))
    second = context_folder(cache, read_context(source).digest)
    linked = path_on_host(first, "context/sub/f0")
    arguments = (sshd.settings(), source, second, linked)
    process = multiprocessing.get_context("spawn").Process(
        target=_killed_while_linking, args=arguments
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert until(lambda: os.listdir(Path(first).parent) == [Path(first).name])
    assert read_context(Path(path_on_host(first))).digest == context.digest
    assert put_context(machine, second, read_context(source), on_sent=lambda _: None)
    machine.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_full_meanwhile(sshd: Sshd, source: Path, small_disk: Path) -> None:
    machine = connector().connect(sshd.settings())
    context = read_context(source)
    first = context_folder(str(small_disk), context.digest)
    put_context(machine, first, context, on_sent=lambda _: None)
    (source / "sub/new").write_bytes(os.urandom(12 * SIZE))
    second = context_folder(str(small_disk), read_context(source).digest)
    with pytest.raises(HostError) as caught:
        put_context(machine, second, read_context(source), on_sent=lambda _: None)
    assert "is full: the build context does not fit" in caught.value.reason
    assert os.listdir(Path(first).parent) == [Path(first).name]
    assert read_context(Path(path_on_host(first))).digest == context.digest
    (source / "sub/new").write_bytes(os.urandom(5 * SIZE))  # it fits as far as the rest is linked
    third = context_folder(str(small_disk), read_context(source).digest)
    assert put_context(machine, third, read_context(source), on_sent=lambda _: None)
    assert inode(Path(path_on_host(first)) / "top") == inode(Path(path_on_host(third)) / "top")
    machine.close()
