"""Taking a lab down by its folder alone, whoever started it and however far it came."""

import os
import secrets
import shutil
import time
from pathlib import Path

from tests.lab.engine import remove_control_groups
from tests.lab.errors import LabError, run
from tests.lab.machine import machines_below, process_table

MARKER = ".cachetui-lab"
REMOVE_SECONDS = 10


def claim(folder: Path) -> str:
    """Make the folder of a new lab; a token that tells this lab from a later one in its place.

    Raises LabError if the folder exists: nothing that is not ours is ever removed.
    """
    token = secrets.token_hex(8)
    try:
        folder.mkdir(mode=0o755, parents=True)
    except FileExistsError:
        raise LabError(f"{folder} exists and is no lab; choose another folder") from None
    (folder / MARKER).write_text(token + "\n")
    return token


def take_down(folder: Path, token: str | None = None) -> None:
    """End all processes of the lab in `folder`, unmount, and remove it; idempotent.

    With a `token`, only the lab that has it. Raises LabError if something of it stays.
    """
    try:
        found = (folder / MARKER).read_text().strip()
    except OSError:
        found = None
    if token not in (None, found):
        return
    for machine in machines_below(folder):
        machine.stop()
        remove_control_groups(machine.folder)
    if found is not None:
        for point in mounts_below(folder):
            run(["umount", "--lazy", point])
        _remove(folder)


def mounts_below(folder: Path) -> list[str]:
    """Mount points of this machine below `folder`, the deepest first."""
    points = (line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines())
    return sorted((point for point in points if point.startswith(f"{folder}/")), reverse=True)


def _remove(folder: Path) -> None:
    """Remove the folder, its marker last, so that a removal cut short can be taken up again."""
    deadline = time.monotonic() + REMOVE_SECONDS
    while folder.exists():
        for path in folder.iterdir():
            if path.name == MARKER:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        if [path.name for path in folder.iterdir()] == [MARKER]:
            shutil.rmtree(folder)
        elif time.monotonic() > deadline:
            raise LabError(
                f"{folder} cannot be removed: {sorted(p.name for p in folder.iterdir())}"
            )
        else:
            time.sleep(0.2)


def leftovers(folder: Path) -> list[str]:
    """Processes that name the folder or work in it, as `pid command`: none after a teardown.

    They are told, not ended: what the lab started is gone with its machines, so these are others'.
    """
    found = []
    for pid, item in process_table().items():
        try:
            cwd = os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            continue
        named = f"{folder}/" in item.cmdline or f"{cwd}/".startswith(f"{folder}/")
        if named and pid != os.getpid():
            found.append(f"{pid} {item.cmdline}")
    return found
