"""A host's certificate: whether an authority that known_hosts trusts says that the key is the
host's. The rules are those of OpenSSH 10 (sshkey.c), the library below checks the signature."""

from __future__ import annotations

import base64
import struct
import time
from collections.abc import Collection

from cachetui.hosts.ssh.config_match import wildcard

ALGORITHMS = tuple(
    f"{name}-cert-v01@openssh.com"
    for name in (
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa-sha2-512",
        "rsa-sha2-256",
    )
)
"""Host key algorithms with certificates, in ssh's order."""


def refusal(certificate: bytes, authorities: Collection[str], name: str) -> str | None:
    """Why a certificate does not vouch for the host `name`, as a sentence about it; None when it
    does. `authorities` are the keys, in base64, that known_hosts trusts for that host."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as form

    try:
        kind = _string(certificate, 0)[0]
        read = form.load_ssh_public_identity(kind + b" " + base64.b64encode(certificate))
        if not isinstance(read, form.SSHCertificate):
            return "is not a certificate"
        signer = read.signature_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
        if signer.split()[1].decode() not in authorities:
            return "is not signed by an authority that known_hosts trusts for it"
        if _signature_type(certificate) == b"ssh-rsa":
            return "is signed with SHA-1 (ssh-rsa), which can be forged"
        read.verify_cert_signature()
    except InvalidSignature:
        return "has a signature that is not its authority's"
    except UnsupportedAlgorithm:
        return "is of a kind that cannot be checked"
    except (ValueError, AssertionError, IndexError, struct.error) as error:
        return f"cannot be read ({type(error).__name__})"
    if read.type is not form.SSHCertificateType.HOST:
        return "is a user certificate, not a host certificate"
    now = time.time()
    if now < read.valid_after:
        return f"is not valid before {_day(read.valid_after)}"
    if now >= read.valid_before:
        return f"expired on {_day(read.valid_before)}"
    if read.critical_options:
        return "has critical options that are not known"
    principals = [principal.decode("utf-8", "replace") for principal in read.valid_principals]
    if not any(wildcard(principal, name) for principal in principals):
        listed = "".join(c if c.isprintable() else "?" for c in ", ".join(principals))[:200]
        return f"is not for {name}, only for {listed or 'no name'}"
    return None


def _day(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(min(seconds, 253402300799)))


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    """The string of SSH's wire format at an offset, and the offset behind it."""
    (size,) = struct.unpack_from(">I", data, at)
    return data[at + 4 : at + 4 + size], at + 4 + size


def _signature_type(certificate: bytes) -> bytes:
    """The algorithm of the authority's signature, the last field (PROTOCOL.certkeys)."""
    kind, at = _string(certificate, 0)
    key_fields = 1 if b"ed25519" in kind else 2
    for size in (*[0] * (1 + key_fields), 12, 0, 0, 16, 0, 0, 0, 0):
        # 12: serial number and type; 16: the two ends of its time; 0: a string.
        at = at + size if size else _string(certificate, at)[1]
    return _string(_string(certificate, at)[0], 0)[0]
