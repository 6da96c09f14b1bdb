"""Why a build context could not be unpacked: the first cause that tar or the shell names."""

import subprocess
from pathlib import Path

import pytest

from cachetui.hosts.upload import send_command, unpack_error

FOLDER = "/home/u/.cache/cachetui/contexts/abc"
GNU_FULL = """\
tar: context/a: Wrote only 512 of 10240 bytes
tar: context/b: Cannot write: No space left on device
tar: Exiting with failure status due to previous errors
"""


@pytest.mark.fault("home-full")
@pytest.mark.parametrize(
    ("said", "status", "reason", "remedy"),
    [
        (GNU_FULL, 2, f"the disk of {FOLDER} is full", "make room"),
        ("mkdir: cannot create directory: No space left on device", 71, "is full", "make room"),
        ("tar: context/a: Cannot open: Disk quota exceeded\ntar: Exiting", 2, "quota", "make room"),
        ("sh: 1: tar: not found", 127, "there is no tar", "install tar"),
        ("bash: line 1: tar: command not found", 127, "there is no tar", "install tar"),
        (
            "mkdir: x: Read-only file system",
            71,
            "read-only",
            "XDG_CACHE_HOME",
        ),
        (
            "mkdir: x: Permission denied",
            71,
            "may not write",
            "XDG_CACHE_HOME",
        ),
        (
            "tar: context/x: odd\ntar: Exiting with failure status due to previous errors",
            2,
            "context/x: odd",
            "tar works",
        ),
        ("", 2, "exit status 2", "tar works"),
    ],
)
def test_the_cause_is_named_with_its_remedy(
    said: str, status: int, reason: str, remedy: str
) -> None:
    error = unpack_error("h", FOLDER, status, said)
    assert reason in error.reason
    assert remedy in error.remedy


@pytest.mark.fault("home-full")
def test_a_shell_without_tar_says_so(tmp_path: Path) -> None:
    """What a real shell says, with a PATH that has all but tar."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("mkdir", "cat", "chmod", "rm"):
        (tools / name).symlink_to(f"/bin/{name}")
    done = subprocess.run(
        ["/bin/sh", "-c", send_command(str(tmp_path / "to"), str(tmp_path / "new"))],
        env={"PATH": str(tools)},
        input=b"",
        capture_output=True,
        check=False,
    )
    error = unpack_error("h", "/to", done.returncode, done.stderr.decode())
    assert "there is no tar" in error.reason
