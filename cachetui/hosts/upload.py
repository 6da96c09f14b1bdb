"""Put a build context on a host: streamed as a tar, moved into place when whole, never sent twice.

Of a context that is not there, what is the same in an earlier one is not sent: see
`earlier_context`.
"""

from __future__ import annotations

import re
import shlex
import tarfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator

from cachetui.context.build_context import Context
from cachetui.hosts.asked_ahead import Question
from cachetui.hosts.earlier_context import Earlier, find_earlier, unpack_linked
from cachetui.hosts.machine import Cancel, Completed, HostError, Machine

_ASK_SECONDS = 60.0
_SEND_SECONDS = 3600.0
_BLOCK = 64 * 1024
_HELD_SECONDS = 0.1
"""How long a part waits for others: a host takes silence for an end, also where a disk is slow."""


CONTEXT = "context"
"""What the build context is called in what is sent."""

NAMED_CONTEXTS = "contexts"
"""Below it are the named contexts in what is sent, each under its name. That their own base names
are no digests does no harm: BuildKit tells them apart by that of the build context (our lab), which
is one of theirs too."""

LAST = ".whole"
"""The last member of what is sent. A context has nothing of that name: it is below `context/`."""


def context_folder(cache_folder: str, digest: str) -> str:
    """Where the folder of that digest (`sha256:…`) lies on a host."""
    return f"{cache_folder}/contexts/{digest.removeprefix('sha256:')}"


def context_name(folder: str) -> str:
    """The base name of the build context below `folder`: one of its own for every content.

    BuildKit takes all contexts of one base name for one local source, and fetches only those files
    whose size or time differ from what came last (buildx `build/build.go`, a session's shared key;
    our lab: 26.1, 28.5): under a name that two builds share, one is built with the other's files.
    """
    return f"cachetui-{folder.rsplit('/', 1)[-1]}"


def path_on_host(folder: str, path: str = CONTEXT) -> str:
    """Where a path of what was sent ("context/app.py", "Dockerfile") lies on the host, by default
    the build context itself."""
    top, _, rest = path.partition("/")
    name = context_name(folder) if top == CONTEXT else top
    return "/".join(filter(None, (folder, name, rest)))


def named_on_host(folder: str, names: Iterable[str]) -> dict[str, str]:
    """Where the named contexts lie on the host."""
    return {name: path_on_host(folder, f"{NAMED_CONTEXTS}/{name}") for name in names}


def remove_folder_command(folder: str) -> str:
    """Remove a folder of ours, whatever rights its folders have. Its files may be those of another
    context too, so that nothing but folders gets other rights."""
    where = shlex.quote(folder)
    opened = f"find {where} -type d ! -perm -700 -exec chmod u+rwx {{}} \\;"
    return f"{opened} 2>/dev/null; rm -rf {where}"


def _drop(folder: str) -> str:
    """Remove a folder that shares no file."""
    where = shlex.quote(folder)
    return f"chmod -R u+rwX {where} 2>/dev/null; rm -rf {where}"


def send_command(folder: str, incoming: str) -> str:
    """Unpack standard input beside `folder` and move it there when it is whole.

    A tar that breaks off between two members unpacks without a complaint, GNU tar's at least: so
    the last member of a whole one is `LAST`.
    """
    new, last = (shlex.quote(path) for path in (incoming, f"{incoming}/{LAST}"))
    drop = f"{{ {_drop(incoming)}; }}"
    return (
        f"set -u; umask 077; mkdir -p {new} || exit 71; "
        f"if tar -xpf - -C {new}; then :; else s=$?; cat >/dev/null; {drop}; exit $s; fi; "
        f"if [ ! -f {last} ]; then cat >/dev/null; {drop}; "
        f"echo 'it broke off before its end' >&2; exit 74; fi; rm -f {last}; "
        f"{_place_command(folder, incoming, _drop)}"
    )


def link_command(folder: str, incoming: str, earlier: str) -> str:
    """As `send_command`, of a tar whose links lead to files of the context `earlier`. It fails, and
    leaves nothing, unless each file of the result is what is listed."""
    new = shlex.quote(incoming)
    drop = remove_folder_command(incoming)
    return (
        f"set -u; umask 077; mkdir -p {new} || exit 71; "
        f"if {unpack_linked(new, earlier, context_name(earlier), LAST)}; then :; "
        f"else s=$?; cat >/dev/null; {drop}; exit $s; fi; "
        f"{_place_command(folder, incoming, remove_folder_command)}"
    )


def _place_command(folder: str, incoming: str, remove: Callable[[str], str]) -> str:
    """Move what was unpacked into its place.

    Another audit may have put the folder there meanwhile: `mv` then moves ours *into* it, beside
    what is built and not into it, and it is removed again. A folder without the context's own
    base name is of an earlier version, and is replaced.
    """
    to, new, source = (shlex.quote(path) for path in (folder, incoming, path_on_host(folder)))
    sent, named = (shlex.quote(f"{incoming}/{name}") for name in (CONTEXT, context_name(folder)))
    nested = shlex.quote(f"{folder}/{incoming.rsplit('/', 1)[-1]}")
    return (
        f"if [ -d {source} ]; then {{ {remove(incoming)}; }}; else "
        f"if [ -d {to} ]; then {remove(folder)}; fi; "
        f"mv {sent} {named} && mv {new} {to} || exit 73; rm -rf {nested}; fi"
    )


def there_question(folder: str) -> Question:
    """Whether `folder` has its context, by the exit status: what `put_context` asks first."""
    return Question(f"test -d {shlex.quote(path_on_host(folder))}", _ASK_SECONDS)


def put_context(
    machine: Machine,
    folder: str,
    context: Context,
    *,
    on_sent: Callable[[int], None],
    cancel: Cancel | None = None,
) -> bool:
    """Make sure that `folder` on the host has the context; returns whether it was put there now.

    `on_sent` is told how many bytes the host has so far, of what it had before those that count.
    Raises `HostError`, for a full disk too, and `ContextError`.
    """
    ask = there_question(folder)
    if machine.run(ask.command, timeout=ask.seconds, cancel=cancel).status == 0:
        return False
    contexts = folder.rsplit("/", 1)[0]
    earlier = find_earlier(machine, contexts, context, cancel)
    if earlier is not None:
        incoming = f"{contexts}/.incoming-{uuid.uuid4().hex}"
        command = link_command(folder, incoming, earlier.name)
        if _send(machine, command, context, earlier, on_sent, cancel).status == 0:
            return True
    incoming = f"{contexts}/.incoming-{uuid.uuid4().hex}"
    done = _send(machine, send_command(folder, incoming), context, None, on_sent, cancel)
    if done.status != 0:
        raise unpack_error(machine.name, folder, done.status, done.error_text)
    return True


def _send(
    machine: Machine,
    command: str,
    context: Context,
    earlier: Earlier | None,
    on_sent: Callable[[int], None],
    cancel: Cancel | None,
) -> Completed:
    """Run a command that unpacks, with what it is to unpack."""
    members = context.tar_members(earlier.links if earlier else None)
    blocks = _counted(_joined(_whole(members)), earlier.bytes if earlier else 0, on_sent)
    return machine.run(command, stdin=blocks, timeout=_SEND_SECONDS, cancel=cancel)


def unpack_error(name: str, folder: str, status: int, said: str) -> HostError:
    """Why the context could not be unpacked in `folder`. Pure.

    The reason is looked for in all that was said: tar's last line is only that it gives up.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for pattern, what, remedy in _UNPACK_REASONS:
        line = next((line for line in lines if re.search(pattern, line, re.IGNORECASE)), None)
        if line is not None:
            return HostError(name, "shell", f"{what.format(folder=folder)} ({line})", remedy)
    told = [line for line in lines if not _GIVES_UP.search(line)] or lines
    return HostError(
        name,
        "shell",
        f"could not unpack the build context in {folder}: "
        f"{told[0] if told else f'exit status {status}'}",
        "check that the folder can be written, and that tar works there",
    )


_GIVES_UP = re.compile(
    r"exit(ing|ed)? .*(previous|delayed)|not recoverable: exiting", re.IGNORECASE
)

_UNPACK_REASONS = (
    (
        r"no space left on device",
        "the disk of {folder} is full: the build context does not fit",
        "make room there (df -h and df -i show where); cachetui clean removes contexts of earlier "
        "audits",
    ),
    (
        r"quota exceeded",
        "the user's disk quota is used up: the build context does not fit in {folder}",
        "make room there (see quota); cachetui clean removes contexts of earlier audits",
    ),
    (
        r"\btar: (command |inaccessible or )?not found|tar: no such file",
        "there is no tar, which unpacks the build context in {folder}",
        "install tar there (a login without a terminal may have a shorter PATH)",
    ),
    (
        r"read-only file system",
        "{folder} is on a file system that is mounted read-only",
        "set XDG_CACHE_HOME there to a folder that can be written",
    ),
    (
        r"permission denied|operation not permitted",
        "the user may not write to {folder}",
        "change its owner, or set XDG_CACHE_HOME there to a folder that the user can write",
    ),
)
"""(pattern of a line, what it means, remedy), the first that any line has."""


def _whole(members: Iterable[bytes]) -> Iterator[bytes]:
    """A tar of these members and `LAST`."""
    yield from members
    yield tarfile.TarInfo(LAST).tobuf(tarfile.GNU_FORMAT)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _joined(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Small ones together, in blocks of at least `_BLOCK`, unless they come slowly, and but for the
    last: each block is encrypted and sent by itself, and a member of a tar has up to five parts."""
    held: list[bytes] = []
    size, since = 0, time.monotonic()
    for part in parts:
        held.append(part)
        size += len(part)
        if size >= _BLOCK or time.monotonic() - since >= _HELD_SECONDS:
            yield b"".join(held)
            held, size, since = [], 0, time.monotonic()
    if held:
        yield b"".join(held)


def _counted(
    blocks: Iterable[bytes], there: int, on_sent: Callable[[int], None]
) -> Iterator[bytes]:
    sent = there
    for block in blocks:
        yield block
        sent += len(block)
        on_sent(sent)
