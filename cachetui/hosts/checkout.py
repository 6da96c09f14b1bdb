"""The build context that a host keeps itself: its manifest, made there with POSIX tools.

Two round trips: the first lists the folder (`find`, `ls`) and prints its ignore files and its
Dockerfile, the second hashes the files that a build would see (`sha256sum`, `shasum` or
`openssl`). Names with a newline in them are left out. Nothing is written there.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from e2b_dockerfile_utils import PatternMatcher

from cachetui.context.manifest import Entry, EntryKind, manifest_digest
from cachetui.hosts.asked_ahead import Question
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.records.host import Checkout

LIST_SECONDS = 60.0
HASH_SECONDS = 600.0
ROOT = "context"

_KINDS: dict[str, EntryKind] = {"-": "file", "d": "dir", "l": "symlink", "p": "fifo"}
_LS = re.compile(
    r"(?P<kind>[bcdlps-])(?P<mode>[rwxsStTlL-]{9})\S*\s+\d+\s+\S+\s+\S+\s+(?P<size>\d+)\s+"
    r"[A-Z][a-z]{2}\s+\d+\s+[\d:]+ (?P<name>.*)"
)
_HASH = re.compile(r"\\?(?P<digest>[0-9a-f]{64})\s[ *]?(?P<name>.*)")

_LIST = """\
unset TIME_STYLE QUOTING_STYLE LS_COLORS LS_BLOCK_SIZE
LC_ALL=C; export LC_ALL
cd -- FOLDER || exit 66
for f in IGNORES; do
  if [ -f "$f" ]; then echo "TOKEN file $f"; cat -- "$f"; echo; fi
done
echo "TOKEN list"
find . -exec ls -ldn {} +
"""

_HASH_THEM = """\
LC_ALL=C; export LC_ALL
cd -- FOLDER || exit 66
if command -v sha256sum >/dev/null 2>&1; then set -- sha256sum --
elif command -v shasum >/dev/null 2>&1; then set -- shasum -a 256 --
elif command -v openssl >/dev/null 2>&1; then set -- openssl dgst -sha256 -r
else exit 67
fi
tr '\\n' '\\0' | xargs -0 "$@"
"""


def read_checkout(
    machine: Machine, folder: str, dockerfile: str = "Dockerfile", *, cancel: Cancel | None = None
) -> tuple[Checkout, tuple[Entry, ...]]:
    """The context in `folder` on the host, and its entries as `context.read_context` has them.

    `dockerfile` is its path in there. `problem` says why it could not be read; there are
    no entries then. Raises `HostError` when the host itself is lost.
    """
    token = _token(machine.name, folder)
    ask = list_question(machine.name, folder, dockerfile)
    try:
        done = machine.run(ask.command, timeout=ask.seconds, cancel=cancel)
        if done.status == 66:
            return Checkout(path=folder, problem=f"there is no folder {folder}"), ()
        if done.status != 0 or f"{token} list\n" not in done.text:
            # Half a list would make files look as if they were missing there.
            said = (done.error_text.splitlines() or [f"exit status {done.status}"])[-1]
            return Checkout(path=folder, problem=f"not all of it can be listed: {said}"), ()
        texts, listing = parse_list(done.text, token)
        ignores = {name: text for name, text in texts.items() if name.endswith(".dockerignore")}
        listed = wanted(parse_ls(listing), ignores, dockerfile)
        names = [entry.path for entry in listed if entry.kind == "file"]
        digests = _hashes(machine, folder, names, cancel) if names else {}
    except HostError as error:
        if error.kind in ("lost", "cancelled"):
            raise
        return Checkout(path=folder, problem=error.reason), ()
    if digests is None:
        return Checkout(path=folder, problem="neither sha256sum, shasum nor openssl is there"), ()
    entries = tuple(_sent(listed, digests))
    return (
        Checkout(
            path=folder,
            digest=manifest_digest(entries),
            files=len(names),
            ignores={f"{ROOT}/{name}": text for name, text in ignores.items()},
            dockerfile_text=texts.get(dockerfile),
        ),
        entries,
    )


_tokens: dict[tuple[str, str], str] = {}


def _token(host: str, folder: str) -> str:
    """Unguessable text that marks what is told of a folder: nothing in its files can look like
    it."""
    return _tokens.setdefault((host, folder), secrets.token_hex(12))


def list_question(host: str, folder: str, dockerfile: str) -> Question:
    """What `read_checkout` asks first of a host."""
    return Question(list_command(folder, dockerfile, _token(host, folder)), LIST_SECONDS)


def list_command(folder: str, dockerfile: str, token: str) -> str:
    """The first round trip."""
    names = [".dockerignore", f"{dockerfile}.dockerignore", dockerfile]
    script = _LIST.replace("FOLDER", shlex.quote(folder))
    return script.replace("IGNORES", shlex.join(names)).replace("TOKEN", token)


def parse_list(text: str, token: str) -> tuple[dict[str, str], str]:
    """The texts of the files that are there, and the listing."""
    head, _, listing = text.partition(f"{token} list\n")
    texts: dict[str, str] = {}
    for part in head.split(f"{token} file ")[1:]:
        name, _, body = part.partition("\n")
        texts[name] = body.removesuffix("\n")
    return texts, listing


def parse_ls(listing: str) -> Iterator[Entry]:
    """Entries of `ls -ldn`, paths from the folder; digests are not known yet."""
    for line in listing.splitlines():
        row = _LS.fullmatch(line)
        if row is None or row["kind"] not in _KINDS:
            continue
        kind = _KINDS[row["kind"]]
        name, target = row["name"], None
        if kind == "symlink":
            name, _, target = name.partition(" -> ")
        path = name.removeprefix("./")
        size = int(row["size"]) if kind == "file" else 0
        if path != ".":
            yield Entry(path, kind, mode_of(row["mode"]), size, None, target)


def mode_of(text: str) -> int:
    """Permission bits of "rwxr-sr-t"."""
    bits = 0
    for place, letter in enumerate(text):
        if letter in "rwxst":
            bits |= 0o400 >> place
        if letter in "sStTlL":
            bits |= {2: 0o4000, 5: 0o2000, 8: 0o1000}.get(place, 0)
    return bits


def wanted(entries: Iterable[Entry], ignores: dict[str, str], dockerfile: str) -> list[Entry]:
    """What a build would send: all that an ignore file does not leave out, and always the
    Dockerfile and the ignore files; as `read_context` chooses."""
    matchers = []
    for text in ignores.values():
        with suppress(ValueError):
            matchers.append(PatternMatcher(text.removeprefix("\ufeff").splitlines()))
    if f"{dockerfile}.dockerignore" in ignores and len(matchers) == 1:
        matchers = []  # the legacy builder, which does not know that file, then sends all
    always = {dockerfile, *ignores}
    sent: list[Entry] = []
    for entry in entries:
        left_out = bool(matchers) and all(matcher.matches(entry.path) for matcher in matchers)
        if entry.path in always or not left_out:
            sent.append(entry)
    return sent


def _hashes(
    machine: Machine, folder: str, names: Sequence[str], cancel: Cancel | None
) -> dict[str, str] | None:
    command = _HASH_THEM.replace("FOLDER", shlex.quote(folder))
    data = "".join(f"./{name}\n" for name in names).encode("utf-8", "surrogateescape")
    done = machine.run(command, stdin=data, timeout=HASH_SECONDS, cancel=cancel)
    if done.status == 67:
        return None
    digests: dict[str, str] = {}
    for line in done.text.splitlines():
        match = _HASH.fullmatch(line)
        if match is not None:
            digests[match["name"].removeprefix("./")] = match["digest"]
    return digests


def _sent(entries: Iterable[Entry], digests: dict[str, str]) -> Iterator[Entry]:
    """Entries as they would be sent, in the order of their paths; the root's mode is in no key."""
    made = [
        Entry(
            f"{ROOT}/{entry.path}",
            entry.kind,
            entry.mode,
            entry.size,
            digests.get(entry.path),
            entry.target,
        )
        for entry in entries
    ]
    yield from sorted([Entry(ROOT, "dir", 0o755), *made], key=lambda entry: entry.path)
