"""A folder arrives on a host whole, or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from cachetui.config.hosts_toml import load
from cachetui.context.build_context import Context, read_context
from cachetui.hosts import upload
from cachetui.hosts.machine import HostError, Machine
from cachetui.hosts.upload import path_on_host, put_context, send_command
from tests.hosts.conftest import connector
from tests.hosts.sshd import Sshd, until
from tests.lab import Lab


def member(name: str, data: bytes = b"", **more: int | bytes) -> bytes:
    """A tar member, whole blocks."""
    info = tarfile.TarInfo(name)
    info.mode, info.size = 0o640, len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info.tobuf(tarfile.GNU_FORMAT) + data + b"\0" * (-len(data) % tarfile.BLOCKSIZE)


MEMBERS = [
    member("context", type=tarfile.DIRTYPE, mode=0o755),
    member("context/closed", type=tarfile.DIRTYPE, mode=0o500),
    *(member(f"context/{n}", b"x" * 700) for n in range(40)),
    member("Dockerfile", b"FROM scratch\n"),
]
END = member(".whole") + b"\0" * 1024


def shell_of(words: list[str], tar: str, path: Path) -> tuple[list[str], dict[str, str]]:
    """A shell, and an environment in which `tar` is that one."""
    path.mkdir()
    (path / "tar").symlink_to(tar)
    return words, {**os.environ, "PATH": f"{path}:{os.environ['PATH']}"}


BUSYBOX = pytest.param("busybox", marks=[pytest.mark.lab, pytest.mark.takes_turns])


@pytest.fixture(params=["dash", "bash", BUSYBOX])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    """Shells and tars that hosts have."""
    if request.param == "busybox":
        busybox = request.getfixturevalue("lab").folder / "busybox"
        return shell_of([str(busybox), "sh"], str(busybox), tmp_path / "bin")
    found, tar = shutil.which(request.param), shutil.which("tar")
    if found is None or tar is None:
        pytest.skip(f"no {request.param} here")
    return shell_of([found], tar, tmp_path / "bin")


def send(shell: tuple[list[str], dict[str, str]], folder: Path, data: bytes) -> tuple[int, str]:
    """Exit status and complaint of the host's side."""
    words, env = shell
    command = send_command(str(folder), str(folder.parent / ".incoming-1"))
    done = subprocess.run(
        [*words, "-c", command], input=data, env=env, capture_output=True, timeout=60, check=False
    )
    return done.returncode, done.stderr.decode()


def test_a_whole_folder_is_moved_into_place(
    shell: tuple[list[str], dict[str, str]], tmp_path: Path
) -> None:
    folder = tmp_path / "it's here" / "f"
    assert send(shell, folder, b"".join(MEMBERS) + END) == (0, "")
    assert sorted(os.listdir(folder)) == ["Dockerfile", "cachetui-f"]
    assert (folder / "cachetui-f/39").read_bytes() == b"x" * 700
    assert (folder / "cachetui-f/39").stat().st_mode & 0o777 == 0o640
    assert (folder / "cachetui-f/closed").stat().st_mode & 0o777 == 0o500
    assert os.listdir(folder.parent) == ["f"]
    before = (folder / "Dockerfile").stat().st_ino
    assert send(shell, folder, b"".join(MEMBERS) + END) == (0, "")
    assert (folder / "Dockerfile").stat().st_ino == before
    assert os.listdir(folder.parent) == ["f"]


@pytest.mark.fault("script-cut")
@pytest.mark.parametrize("kept", [0, 1, 12, len(MEMBERS)])
@pytest.mark.parametrize(
    "more",
    [b"", b"\0" * 1024, b"x" * 100, MEMBERS[-1][:700]],
    ids=["nothing", "the tar's end", "half a header", "half a file"],
)
def test_one_that_breaks_off_is_not(
    shell: tuple[list[str], dict[str, str]], tmp_path: Path, kept: int, more: bytes
) -> None:
    folder = tmp_path / "c" / "f"
    status, said = send(shell, folder, b"".join(MEMBERS[:kept]) + more)
    assert status != 0
    assert said
    assert os.listdir(folder.parent) == []


@dataclass(frozen=True)
class Cut(Context):
    """A context whose connection is closed when so many blocks of it have been sent."""

    machine: Machine | None = None
    after: int = 0

    def tar_members(self, linked: Mapping[str, str] | None = None) -> Iterator[bytes]:
        assert self.machine is not None
        for number, block in enumerate(super().tar_members(linked)):
            if number == self.after:
                self.machine.close()
            yield block


@pytest.mark.fault("script-cut")
@pytest.mark.parametrize(
    "where",
    [
        "sshd",
        pytest.param("old", marks=pytest.mark.lab),
        pytest.param("new", marks=pytest.mark.lab),
    ],
)
def test_a_connection_that_dies_leaves_nothing_to_be_taken_for_whole(
    request: pytest.FixtureRequest, tmp_path: Path, where: str
) -> None:
    if where == "sshd":
        sshd: Sshd = request.getfixturevalue("sshd")
        settings = sshd.settings()
    else:
        lab: Lab = request.getfixturevalue("lab")
        settings = next(host for host in load(lab.hosts_toml).hosts if host.name == where)
    root = tmp_path / "build"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\n")
    for number in range(30):
        (root / str(number)).mkdir()  # a header each, and nothing else
    context = read_context(root)
    folder = f"{tmp_path}/cache/contexts/{'ab' * 32}"
    for after in (2, 9, 29):
        machine = connector().connect(settings)

        cut = Cut(**vars(context), machine=machine, after=after)
        with pytest.raises(HostError):
            put_context(machine, folder, cut, on_sent=lambda _: None)
        assert until(lambda: not list(Path(folder).parent.glob("*")))
    machine = connector().connect(settings)
    sent: list[int] = []
    assert put_context(machine, folder, context, on_sent=sent.append)
    assert read_context(Path(path_on_host(folder))).digest == context.digest
    assert not put_context(machine, folder, context, on_sent=sent.append)
    machine.close()


def test_small_parts_go_together_unless_they_come_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held back is silence to the host, which ends a silent command."""
    parts = [bytes([number % 256]) * 512 for number in range(1000)]
    fast = list(upload._joined(parts))
    assert b"".join(fast) == b"".join(parts)
    assert all(len(block) >= 64 * 1024 for block in fast[:-1])
    assert len(fast) < 10
    now = [0.0]
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("cachetui.hosts.upload.time", clock)

    def slowly() -> Iterator[bytes]:
        for part in parts[:50]:
            now[0] += 0.06
            yield part

    slow = list(upload._joined(slowly()))
    assert b"".join(slow) == b"".join(parts[:50])
    assert {len(block) for block in slow} == {1024}
