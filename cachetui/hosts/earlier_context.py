"""Of a context that is sent, what an earlier one on the host has already: found, and linked there.

Each context on a host has a list of what was sent beside it (`context.sent_files`). The earlier
context that has most of the new one's largest files lends all files that are equal in bytes, mode
and time: they go as hard links of the tar, and what they lead to is looked at on the host before
the context is taken. Nothing writes into a context on a host, so that one file can be of several.
Where any of this does not work (no hard links there, another `tar`, a file that was changed), the
whole context is sent.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from cachetui.context.build_context import Context
from cachetui.context.sent_files import SENT, kind_of, same_files
from cachetui.hosts.machine import Cancel, HostError, Machine

_ASK_SECONDS = 60.0
_WORTH = 256 * 1024
"""Bytes of files below which a context is sent without asking."""

_ASKED = 32
"""So many of the largest files are looked for in the lists on the host."""

_MOST = 32 * 1024 * 1024
"""Bytes of a list that are read: some 200,000 files."""

_TOP, _OTHER = ".context", ".earlier"
"""Links to the earlier context and to the folder it is in, where a new one is unpacked."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The context in the folder `name` beside the new one: of which paths it has the same file
    (path in the new one → where the tar's link leads), and their bytes."""

    name: str
    links: dict[str, str]
    bytes: int


def find_earlier(
    machine: Machine, contexts: str, context: Context, cancel: Cancel | None = None
) -> Earlier | None:
    """The context below `contexts` that has most of the largest files, None where it has none or
    they are not worth it. Raises `HostError` and `ContextError`."""
    lines = context.file_lines() if context.size >= _WORTH else {}
    if not lines:
        return None
    asked = b"".join(kind_of(line) + b"\n" for line in list(lines.values())[:_ASKED])
    try:
        done = machine.run(
            _find_command(contexts), stdin=asked, timeout=_ASK_SECONDS, cancel=cancel
        )
    except HostError as error:
        if error.kind == "timeout":
            return None
        raise
    name, _, listed = done.stdout.partition(b"\n")
    if done.status != 0 or len(name) != 64 or name.strip(b"0123456789abcdef"):
        return None
    same = same_files(lines, listed)
    sizes = {entry.path: entry.size for entry in context.entries}
    size = sum(sizes[path] for path in same)
    return Earlier(name.decode(), {new: _way_to(old) for new, old in same.items()}, size)


def _way_to(path: str) -> str:
    """Where a link leads to a path of the earlier context."""
    top, _, rest = path.partition("/")
    return f"{_TOP}/{rest}" if top == "context" else f"{_OTHER}/{path}"


def _find_command(contexts: str) -> str:
    """Print the name of the context whose list has most lines of standard input, and the list."""
    return (
        f"cd {shlex.quote(contexts)} 2>/dev/null || exit 1; LC_ALL=C; export LC_ALL; "
        f"found=$(grep -cF -f - -- [0-9a-f]*/{SENT} /dev/null 2>/dev/null | "
        "sort -t: -k2,2n | tail -n 1); "
        '[ "${found##*:}" -gt 0 ] 2>/dev/null || exit 1; '
        f"earlier=${{found%/{SENT}:*}}; "
        f'printf "%s\\n" "$earlier"; head -c {_MOST} "$earlier/{SENT}"'
    )


def unpack_linked(new: str, earlier: str, base_name: str, last: str) -> str:
    """A shell condition: unpack standard input in `new`, whose links lead to the context `earlier`
    of that base name, up to its `last` member, and see that all files are what is listed: type,
    mode, size, time, bytes, and no two of them one file. `new` is quoted. GNU's and busybox's
    tools have run it."""
    there = shlex.quote(f"../{earlier}")
    links = (
        f"ln -s {there}/{base_name} {new}/{_TOP} && ln -s {there} {new}/{_OTHER} && "
        f"tar -xpf - -C {new} && [ -f {new}/{last} ] && "
        f"rm -f {new}/{_TOP} {new}/{_OTHER} {new}/{last}"
    )
    looks = (
        f"LC_ALL=C; export LC_ALL; cd {new} && "
        f"cut -d' ' -f7- {SENT} | tr '\\n' '\\0' | xargs -0 stat -c '%f %s %Y %i' >.is && "
        f"cut -d' ' -f1-3 {SENT} >.was && cut -d' ' -f1-3 .is | cmp -s - .was && "
        "[ -z \"$(cut -d' ' -f4 .is | sort | uniq -d | head -n 1)\" ] && "
        f"cut -d' ' -f5- {SENT} | sha256sum -c >/dev/null && rm -f .is .was"
    )
    return f"{{ {links} && ( {looks} ); }} 2>/dev/null"
