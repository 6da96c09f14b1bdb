"""known_hosts: what a file says of a key."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest

from cachetui.hosts.ssh.known_hosts import KnownHosts, fingerprint

KEYS = {name: base64.b64encode(name.encode() * 8).decode() for name in ("one", "two", "ca!", "rsa")}
ED = "ssh-ed25519"
# The example of a hashed name in OpenSSH's own manual (sshd.8).
HASHED = "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg="
HASHED_NAME = "192.168.1.61"

FILE = f"""\
# a comment
plain,Other.example.com,10.0.0.1 {ED} {KEYS["one"]} a comment
[ported]:2222 {ED} {KEYS["one"]}
*.wild,!not.wild {ED} {KEYS["one"]}
two {ED} {KEYS["one"]}
two ssh-rsa {KEYS["rsa"]}
{HASHED} {ED} {KEYS["one"]}
@revoked * {ED} {KEYS["two"]}
@cert-authority *.signed {ED} {KEYS["ca!"]}
@strange plain {ED} {KEYS["two"]}
broken
broken {ED}
broken {ED} not-base64!
|1|broken {ED} {KEYS["one"]}

tabs\t{ED}\t{KEYS["one"]}
"""

ANSWERS = [
    ("plain", 22, ED, "one", "known", 2),
    ("PLAIN", 22, ED, "one", "known", 2),
    ("other.example.com", 22, ED, "one", "known", 2),
    ("10.0.0.1", 22, ED, "one", "known", 2),
    ("plain", 22, ED, "ca!", "changed", 2),
    ("plain", 22, "ssh-rsa", "ca!", "other-type", 2),
    ("plain", 22, ED, "two", "revoked", 8),
    ("stranger", 22, ED, "one", "unknown", None),
    ("stranger", 22, ED, "two", "revoked", 8),
    ("ported", 2222, ED, "one", "known", 3),
    ("ported", 22, ED, "one", "unknown", None),
    ("ported", 2222, ED, "ca!", "changed", 3),
    # A key known for the host at its usual port is known, a different one there is no change.
    ("plain", 2222, ED, "one", "known", 2),
    ("plain", 2222, ED, "ca!", "unknown", None),
    ("a.wild", 22, ED, "one", "known", 4),
    ("not.wild", 22, ED, "one", "unknown", None),
    ("two", 22, "ssh-rsa", "rsa", "known", 6),
    ("two", 22, ED, "one", "known", 5),
    (HASHED_NAME, 22, ED, "one", "known", 7),
    ("x.signed", 22, ED, "one", "authority", 9),
    ("broken", 22, ED, "one", "unknown", None),
    ("tabs", 22, ED, "one", "known", 16),
]


@pytest.mark.parametrize(("host", "port", "kind", "key", "verdict", "line"), ANSWERS)
def test_ask(
    tmp_path: Path, host: str, port: int, kind: str, key: str, verdict: str, line: int | None
) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(FILE)
    answer = KnownHosts().ask([path], host, port, kind, KEYS[key])
    assert answer.verdict == verdict
    assert (answer.entries[0].line if answer.entries else None) == line


def test_several_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"h {ED} {KEYS['one']}\n")
    (tmp_path / "b").write_text(f"h {ED} {KEYS['two']}\n")
    known = KnownHosts()
    files = [tmp_path / "none", tmp_path / "a", tmp_path / "b"]
    assert known.ask(files, "h", 22, ED, KEYS["two"]).verdict == "known"
    assert known.ask(files, "h", 22, ED, KEYS["ca!"]).verdict == "changed"


def test_algorithms(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_text(FILE)
    known = KnownHosts()
    assert known.algorithms([path], "two", 22) == (ED, "rsa-sha2-512", "rsa-sha2-256")
    assert known.algorithms([path], "two", 2222) == (ED, "rsa-sha2-512", "rsa-sha2-256")
    assert known.algorithms([path], "stranger", 22) == ()


def test_add(tmp_path: Path) -> None:
    path = tmp_path / "ssh" / "known_hosts"
    known = KnownHosts()
    assert known.ask([path], "h", 2222, ED, KEYS["one"]).verdict == "unknown"
    known.add(path, "h", 2222, ED, KEYS["one"])
    assert known.ask([path], "h", 2222, ED, KEYS["one"]).verdict == "known"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.write_text("no line end")
    known.add(path, "i", 22, ED, KEYS["two"])
    assert path.read_text() == f"no line end\ni {ED} {KEYS['two']}\n"


def test_fingerprint() -> None:
    key = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    assert fingerprint(key) == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"


def test_a_large_file_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_text("".join(f"h{i} {ED} {KEYS['one']}\n" for i in range(5000)))
    known = KnownHosts()
    known.ask([path], "h1", 22, ED, KEYS["one"])
    path.unlink()
    begun = time.monotonic()
    for i in range(500):
        assert known.ask([path], f"h{i}", 22, ED, KEYS["one"]).verdict == "known"
    assert time.monotonic() - begun < 1
