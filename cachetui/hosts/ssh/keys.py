"""The keys to log in with: an agent's, and private key files, decrypted once for a fleet."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import os
import re
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import paramiko
from paramiko.agent import AgentSSH
from paramiko.pkey import UnknownKeyType

from cachetui.hosts.ssh.config import DEFAULT_IDENTITIES, Target
from cachetui.hosts.ssh.errors import STEP, ConnectError, Deadline
from cachetui.hosts.ssh.prompts import SshPrompts, answer

AGENT_SECONDS = 10.0
TRIES = 3
"""Times that a passphrase is asked for, as ssh does."""


class Agent(AgentSSH):
    """A connection to an ssh-agent of its own, with a time limit: keys are not thread-safe."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(AGENT_SECONDS)
        try:
            self._socket.connect(path)
            self._connect(self._socket)  # type: ignore[attr-defined]
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        self._socket.close()


def open_agent(target: Target) -> Agent | None:
    """The agent of the target's IdentityAgent or of SSH_AUTH_SOCK; None where none answers."""
    path = os.environ.get("SSH_AUTH_SOCK", "") if target.agent is None else target.agent
    if not path:
        return None
    try:
        return Agent(path)
    except (OSError, paramiko.SSHException, struct.error, EOFError):
        return None


class KeyFile:
    """A private key file: what can be told without its passphrase, and the key, decrypted once.

    `public` is its public half in base64, None where neither the file nor a .pub beside it
    tells. `problem` is why it can never be used, None when it can.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.public: str | None = None
        self.encrypted = False
        self.problem: str | None = None
        self._key: paramiko.PKey | None = None
        self._declined = False
        self._pkcs8 = False
        self._lock = Lock()
        try:
            text = path.read_text("utf-8", "replace")
        except OSError as error:
            self.problem = (error.strerror or str(error)).lower()
            return
        self.public, self.encrypted = read_header(text)
        self._pkcs8 = re.search("-----BEGIN (ENCRYPTED )?PRIVATE KEY-----", text) is not None
        with contextlib.suppress(OSError):
            words = Path(f"{path}.pub").read_text("utf-8", "replace").split()
            self.public = self.public or (words[1] if len(words) > 1 else None)
        if "PRIVATE KEY-----" not in text:
            self.problem = "it holds no private key"
            # IdentityFile may name the public half of a key that an agent holds.
            words = text.split()
            if len(words) > 1 and re.match(r"(sk-)?(ssh|ecdsa)-", words[0]):
                self.public = words[1]

    def key(self, prompts: SshPrompts, deadline: Deadline) -> paramiko.PKey:
        """The key, its passphrase asked for when it has one and it is not known yet.

        Waits for whoever is being asked on behalf of another host, until `deadline` is called off;
        the user has time for an answer (`prompts.answer`). Raises ConnectError(login).
        """
        while not self._lock.acquire(timeout=STEP):
            deadline.left()
        try:
            if self._key is None:
                if self._declined:
                    raise self._locked()
                self._key = self._unlock(prompts, deadline) if self.encrypted else self._load(None)
            return self._key
        finally:
            self._lock.release()

    def _unlock(self, prompts: SshPrompts, deadline: Deadline) -> paramiko.PKey:
        for _ in range(TRIES):
            passphrase = answer(lambda: prompts.passphrase(str(self.path)), None, deadline)
            if passphrase is None:
                self._declined = True
                raise self._locked()
            try:
                return self._load(passphrase)
            except ConnectError:
                continue
        self._declined = True
        raise ConnectError("login", f"wrong passphrase for {self.path}", self._remedy())

    def _load(self, passphrase: str | None) -> paramiko.PKey:
        secret = None if passphrase is None else passphrase.encode()
        try:
            if self._pkcs8:
                return from_pkcs8(self.path.read_bytes(), secret)
            # The stubs want text; the library below wants bytes.
            return paramiko.PKey.from_path(self.path, secret)  # type: ignore[arg-type]
        except (paramiko.SSHException, UnknownKeyType, ValueError, TypeError, OSError) as error:
            # Their texts are about ciphers, for the most part; none helps more than the class.
            kind = type(error).__name__
            raise ConnectError(
                "login",
                f"the key {self.path} cannot be read ({kind})",
                f"check it: ssh-keygen -y -f {self.path}",
            ) from None

    def _locked(self) -> ConnectError:
        return ConnectError(
            "login",
            f"the key {self.path} is encrypted, and no passphrase was given",
            self._remedy(),
        )

    def _remedy(self) -> str:
        return f"give the key to an agent first: ssh-add {self.path}"


def from_pkcs8(data: bytes, passphrase: bytes | None) -> paramiko.PKey:
    """A key in the form that openssl writes, which paramiko does not read by itself.

    Raises ValueError or TypeError, as the cryptography library does.
    """
    from cryptography.hazmat.primitives import serialization as form

    key = form.load_pem_private_key(data, passphrase)
    text = key.private_bytes(
        form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()
    ).decode()
    public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    kind = public.split(b" ", 1)[0]
    classes: dict[bytes, type[paramiko.PKey]] = {
        b"ssh-rsa": paramiko.RSAKey,
        b"ssh-ed25519": paramiko.Ed25519Key,
    }
    return classes.get(kind, paramiko.ECDSAKey).from_private_key(io.StringIO(text))


def read_header(text: str) -> tuple[str | None, bool]:
    """What a private key file tells without its passphrase: (public key in base64, encrypted)."""
    body = re.search(
        r"-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END", text, re.DOTALL | re.ASCII
    )
    if body is None:
        return None, "ENCRYPTED" in text
    try:
        data = base64.b64decode(body[1])
        magic, data = data[:15], data[15:]
        strings = []
        for _ in range(3):
            size = struct.unpack(">I", data[:4])[0]
            strings.append(data[4 : 4 + size])
            data = data[4 + size :]
        size = struct.unpack(">I", data[4:8])[0]
        public = data[8 : 8 + size]
    except (binascii.Error, struct.error):
        return None, False
    if magic != b"openssh-key-v1\0":
        return None, False
    return base64.b64encode(public).decode(), strings[0] != b"none"


@dataclass(slots=True)
class Identity:
    """A key to try: an agent's or a file's. `label` names it in messages."""

    label: str
    agent_key: paramiko.AgentKey | None = None
    file: KeyFile | None = None

    @property
    def locked(self) -> bool:
        """Whether its passphrase must be asked for."""
        return self.file is not None and self.file.encrypted

    def key(self, prompts: SshPrompts, deadline: Deadline) -> paramiko.PKey:
        """See `KeyFile.key`. Raises ConnectError(login)."""
        if self.agent_key is not None:
            return self.agent_key
        assert self.file is not None
        return self.file.key(prompts, deadline)


class Keys:
    """The key files of a fleet. Thread-safe."""

    def __init__(self) -> None:
        self._files: dict[Path, KeyFile] = {}
        self._lock = Lock()

    def file(self, path: Path) -> KeyFile:
        """The file's state, read once."""
        with self._lock:
            if path not in self._files:
                self._files[path] = KeyFile(path)
            return self._files[path]

    def identities(
        self, target: Target, explicit: Path | None, agent_keys: Sequence[paramiko.AgentKey]
    ) -> list[Identity]:
        """The keys to try, in order: the one that hosts.toml names, the agent's that a
        configuration names, the agent's others, files, and last those that are encrypted (so
        that a passphrase is asked for only when nothing else will do).

        Raises ConnectError(login) when the key of hosts.toml cannot be used.
        """
        in_agent = {base64.b64encode(key.asbytes()).decode(): key for key in agent_keys}
        files = [self.file(path) for path in _paths(target, explicit)]
        if explicit is not None and files[0].problem and files[0].public not in in_agent:
            raise ConnectError(
                "login",
                f"the identity_file {explicit} cannot be used: {files[0].problem}",
                "set identity_file to a private key, or leave it out to use ssh's own keys",
            )
        named_by_files: list[Identity] = []
        for file in files:
            if file.public in in_agent:
                key = in_agent.pop(file.public)
                named_by_files.append(Identity(f"{file.path} (agent)", agent_key=key, file=None))
            elif file.problem is None:
                named_by_files.append(Identity(str(file.path), file=file))
        first = named_by_files[:1] if explicit is not None else []
        rest = named_by_files[len(first) :]
        named = [identity for identity in rest if identity.agent_key is not None]
        plain = [identity for identity in rest if identity.agent_key is None]
        others = [] if target.identities_only else list(in_agent.values())
        return [
            *first,
            *named,
            *(Identity(f"{_comment(key)} (agent)", agent_key=key) for key in others),
            *sorted(plain, key=lambda identity: identity.locked),
        ]


def _paths(target: Target, explicit: Path | None) -> list[Path]:
    """Key files: that of hosts.toml first, then ssh's, each once."""
    paths = [explicit] if explicit is not None else []
    if target.identity_files is None:
        paths += [Path("~/.ssh").expanduser() / name for name in DEFAULT_IDENTITIES]
    else:
        paths += target.identity_files
    return list(dict.fromkeys(paths))


def _comment(key: paramiko.AgentKey) -> str:
    comment = str(getattr(key, "comment", "")) or key.get_name()
    return "".join(char if char.isprintable() else "?" for char in comment)[:60]
