"""Put a folder on a host: streamed as a tar, moved into place when whole, never sent twice."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Callable, Iterable, Iterator

from cachetui.hosts.base import Cancel, HostError, Machine

_ASK_SECONDS = 60.0
_SEND_SECONDS = 3600.0


def context_folder(cache_folder: str, digest: str) -> str:
    """Where the folder of that digest (`sha256:…`) lies on a host."""
    return f"{cache_folder}/contexts/{digest.removeprefix('sha256:')}"


def send_command(folder: str, incoming: str) -> str:
    """Unpack standard input beside `folder` and move it there when it is whole.

    Another audit may have put the folder there meanwhile: `mv` then moves ours *into* it, beside
    what is built and not into it, and it is removed again.
    """
    to, new = shlex.quote(folder), shlex.quote(incoming)
    drop = f"{{ chmod -R u+rwX {new} 2>/dev/null; rm -rf {new}; }}"
    nested = shlex.quote(f"{folder}/{incoming.rsplit('/', 1)[-1]}")
    return (
        f"set -u; umask 077; mkdir -p {new} || exit 71; "
        f"if tar -xpf - -C {new}; then :; else s=$?; cat >/dev/null; {drop}; exit $s; fi; "
        f"if [ -d {to} ]; then {drop}; else mv {new} {to} || exit 73; rm -rf {nested}; fi"
    )


def put_folder(
    machine: Machine,
    folder: str,
    tar: Callable[[], Iterable[bytes]],
    *,
    on_sent: Callable[[int], None],
    cancel: Cancel | None = None,
) -> tuple[bool, list[str]]:
    """Make sure that `folder` is on the host; returns whether it was sent, and the commands run.

    `on_sent` is told the bytes sent so far. Raises `HostError`, for a full disk too.
    """
    ask = f"test -d {shlex.quote(folder)}"
    if machine.run(ask, timeout=_ASK_SECONDS, cancel=cancel).status == 0:
        return False, [ask]
    incoming = f"{folder.rsplit('/', 1)[0]}/.incoming-{uuid.uuid4().hex}"
    command = send_command(folder, incoming)
    done = machine.run(
        command, stdin=_counted(tar(), on_sent), timeout=_SEND_SECONDS, cancel=cancel
    )
    if done.status != 0:
        said = done.error_text.splitlines()
        raise HostError(
            machine.name,
            "shell",
            f"could not unpack the build context in {folder}: "
            f"{said[-1] if said else f'exit status {done.status}'}",
            "see that the folder can be written and that its disk has room (cachetui clean "
            "removes contexts of earlier audits)",
        )
    return True, [command]


def _counted(blocks: Iterable[bytes], on_sent: Callable[[int], None]) -> Iterator[bytes]:
    sent = 0
    for block in blocks:
        yield block
        sent += len(block)
        on_sent(sent)
