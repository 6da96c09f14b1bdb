"""known_hosts files: parsed once, shared by a fleet, and asked what they say of an offered key.

Plain names are looked up in a dictionary; patterns and hashed names are tried one by one. Keys
stay in their base64 form, so that a file of thousands of lines costs milliseconds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Literal

from cachetui.hosts.ssh import host_certificate
from cachetui.hosts.ssh.config_match import pattern_list

ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
"""Key types whose signatures have other names; all others are their own."""

Verdict = Literal["known", "unknown", "changed", "other-type", "revoked", "authority"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line's key. `marker` is "", "revoked" or "cert-authority"."""

    file: Path
    line: int
    marker: str
    key_type: str
    key: str


@dataclass(slots=True)
class KnownFile:
    """One parsed file."""

    plain: dict[str, list[Entry]] = field(default_factory=dict)
    patterns: list[tuple[tuple[str, ...], Entry]] = field(default_factory=list)
    hashed: list[tuple[bytes, bytes, Entry]] = field(default_factory=list)

    def find(self, name: str) -> list[Entry]:
        """The entries for a name, or for `[name]:port`."""
        entries = list(self.plain.get(name, ()))
        entries += [entry for patterns, entry in self.patterns if pattern_list(patterns, name)]
        encoded = name.encode()
        for salt, digest, entry in self.hashed:
            if hmac.compare_digest(hmac.digest(salt, encoded, "sha1"), digest):
                entries.append(entry)
        return entries


def parse(path: Path, text: str) -> KnownFile:
    """Parse a file's text; lines that make no sense are passed over, as ssh does."""
    known = KnownFile()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        marker = ""
        if words[0].startswith("@"):
            marker = words.pop(0)[1:].lower()
            if marker not in ("revoked", "cert-authority"):
                continue
        if len(words) < 3 or not _is_key(words[2]):
            continue
        entry = Entry(path, number, marker, words[1], words[2])
        names = words[0].split(",")
        if words[0].startswith("|1|"):
            try:
                _, _, salt, digest = words[0].split("|")
                known.hashed.append((base64.b64decode(salt), base64.b64decode(digest), entry))
            except (ValueError, binascii.Error):
                continue
        elif any(char in words[0] for char in "*?!"):
            known.patterns.append((tuple(name.lower() for name in names), entry))
        else:
            for name in names:
                known.plain.setdefault(name.lower(), []).append(entry)
    return known


def _is_key(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        return False


def fingerprint(key: str) -> str:
    """`SHA256:…` of a base64 key, as ssh prints it."""
    digest = hashlib.sha256(base64.b64decode(key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the files say of an offered key, and the entries that made them say so. `refusal` is
    why a certificate does not hold (`host_certificate.refusal`)."""

    verdict: Verdict
    entries: tuple[Entry, ...] = ()
    refusal: str = ""


class KnownHosts:
    """The known_hosts files of a fleet. Thread-safe."""

    def __init__(self) -> None:
        self._files: dict[Path, KnownFile] = {}
        self._lock = Lock()

    def _file(self, path: Path) -> KnownFile:
        with self._lock:
            if path not in self._files:
                try:
                    text = path.read_text("utf-8", "replace")
                except OSError:
                    # As for ssh, a file that cannot be read knows no host.
                    text = ""
                self._files[path] = parse(path, text)
            return self._files[path]

    def entries(self, files: Sequence[Path], host: str, port: int) -> list[Entry]:
        """All entries for a host at a port."""
        name = lookup_name(host, port)
        return [entry for path in files for entry in self._file(path).find(name)]

    def algorithms(self, files: Sequence[Path], host: str, port: int) -> tuple[str, ...]:
        """Host key algorithms to ask for first: with a certificate where an authority is known,
        then those whose key is known."""
        types: dict[str, None] = {}
        for place in dict.fromkeys((port, 22)):
            entries = self.entries(files, host, place)
            types = types or {entry.key_type: None for entry in entries if not entry.marker}
        certified = host_certificate.ALGORITHMS if self.authorities(files, host, port) else ()
        plain = (name for type_ in types for name in ALGORITHMS.get(type_, (type_,)))
        return (*certified, *plain)

    def authorities(self, files: Sequence[Path], host: str, port: int) -> list[Entry]:
        """The certificate authorities trusted for a host, but for those that are revoked."""
        entries = [
            entry
            for place in dict.fromkeys((port, 22))
            for entry in self.entries(files, host, place)
        ]
        revoked = {entry.key for entry in entries if entry.marker == "revoked"}
        return [
            entry
            for entry in entries
            if entry.marker == "cert-authority" and entry.key not in revoked
        ]

    def ask(self, files: Sequence[Path], host: str, port: int, key_type: str, key: str) -> Answer:
        """What the files say of a host's offered key, given in base64."""
        entries = self.entries(files, host, port)
        # ssh takes a key that is known for the host at its usual port as known at any.
        plain = self.entries(files, host, 22) if port != 22 else []
        same = [entry for entry in entries + plain if entry.key == key]
        for entry in same:
            if entry.marker == "revoked":
                return Answer("revoked", (entry,))
        keys = [entry for entry in entries if not entry.marker]
        if any(not entry.marker for entry in same):
            return Answer("known", tuple(entry for entry in same if not entry.marker))
        if changed := [entry for entry in keys if entry.key_type == key_type]:
            return Answer("changed", tuple(changed))
        if keys:
            return Answer("other-type", tuple(keys))
        if trusted := self.authorities(files, host, port):
            return Answer("authority", tuple(trusted))
        return Answer("unknown")

    def add(self, path: Path, host: str, port: int, key_type: str, key: str) -> None:
        """Append a key that its user has accepted, as ssh does. Raises OSError."""
        line = f"{lookup_name(host, port)} {key_type} {key}\n"
        self._file(path)
        with self._lock:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(fd, "r+b") as file:
                if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) >= 0:
                    line = line if file.read(1) == b"\n" else "\n" + line
                file.write(line.encode())
            entry = Entry(path, 0, "", key_type, key)
            names = self._files[path].plain
            names.setdefault(lookup_name(host, port), []).append(entry)


def lookup_name(host: str, port: int) -> str:
    """How known_hosts names a host at a port."""
    host = host.lower()
    return host if port == 22 else f"[{host}]:{port}"
