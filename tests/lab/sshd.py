"""One OpenSSH server on a loopback address of its own."""

import os
import signal
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.errors import LabError, run, tail
from tests.lab.machine import Machine

READY_SECONDS = 10
STOP_SECONDS = 10
PRIVILEGE_FOLDER = Path("/run/sshd")
SSHD_NAMES = ("sshd", "sshd-session", "sshd-auth")
"""The processes of an sshd; newer ones split it in three."""


@dataclass(frozen=True)
class Limits:
    """How many connections and sessions an sshd takes; Debian's defaults are 10:30:100 and 10."""

    max_startups: str = "1000:30:2000"
    max_sessions: int = 1000


@dataclass
class Sshd:
    """An sshd of a machine; every login gets the environment `env`."""

    machine: Machine
    address: str
    port: int
    env: dict[str, str]
    authorized_keys: Path
    limits: Limits = field(default_factory=Limits)

    @property
    def host_key(self) -> Path:
        """The private host key; its public half lies beside it."""
        return self.machine.folder / "host_key"

    @property
    def _log(self) -> Path:
        return self.machine.folder / "sshd.log"

    def start(self, limits: Limits | None = None, host_key: Path | None = None) -> None:
        """Start the server and wait for its banner; `limits` and `host_key` hold for this start.

        Raises LabError with the end of its log.
        """
        chosen = limits or self.limits
        config = self.machine.folder / "sshd_config"
        config.write_text(
            f"ListenAddress {self.address}\n"
            f"Port {self.port}\n"
            f"HostKey {host_key or self.host_key}\n"
            f"PidFile {self.machine.folder / 'sshd.pid'}\n"
            f"AuthorizedKeysFile {self.authorized_keys}\n"
            "AuthenticationMethods publickey\n"
            "PermitRootLogin prohibit-password\n"
            "StrictModes no\n"
            f"UsePAM {'yes' if _root_is_locked() else 'no'}\n"
            "PrintMotd no\n"
            "Subsystem sftp internal-sftp\n"
            f"MaxStartups {chosen.max_startups}\n"
            f"MaxSessions {chosen.max_sessions}\n"
            "SetEnv " + " ".join(f'"{key}={value}"' for key, value in self.env.items()) + "\n"
        )
        PRIVILEGE_FOLDER.mkdir(mode=0o755, exist_ok=True)
        self.machine.spawn(
            [sshd_binary(), "-f", config, "-E", self._log], dict(os.environ), self._log
        )
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers():
            if time.monotonic() > deadline:
                log = tail(self._log.read_text(errors="replace"))
                raise LabError(f"{self.machine.name}: sshd does not come up; its log ends:\n{log}")
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether the server sends its banner within a second."""
        try:
            with socket.create_connection((self.address, self.port), timeout=1) as client:
                return client.recv(4) == b"SSH-"
        except OSError:
            return False

    def stop(self) -> None:
        """Kill the server and all its connections, as a crash would; what they ran goes on."""
        deadline = time.monotonic() + STOP_SECONDS
        while any(found.name in SSHD_NAMES for found in self.machine.processes()):
            if time.monotonic() > deadline:
                raise LabError(f"{self.machine.name}: sshd does not stop")
            self.machine.signal(signal.SIGKILL, *SSHD_NAMES)
            time.sleep(0.02)

    def pause(self) -> None:
        """Stop the server and its connections in their tracks: open, and silent."""
        self.machine.signal(signal.SIGSTOP, *SSHD_NAMES)

    def resume(self) -> None:
        """Let a paused server go on."""
        self.machine.signal(signal.SIGCONT, *SSHD_NAMES)


def sshd_binary() -> str:
    """The path of the machine's sshd, absolute because sshd runs itself again by it."""
    for folder in ("/usr/sbin", "/usr/local/sbin"):
        if os.access(f"{folder}/sshd", os.X_OK):
            return f"{folder}/sshd"
    raise LabError("sshd (openssh-server) is not installed")


def make_key(path: Path, comment: str) -> None:
    """Make an ed25519 key pair without a passphrase at `path`."""
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])


def free_port(address: str) -> int:
    """A TCP port on which nobody listens at `address`."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _root_is_locked() -> bool:
    """Whether root has no password: sshd refuses such an account unless PAM decides."""
    for line in Path("/etc/shadow").read_text().splitlines():
        user, password = line.split(":")[:2]
        if user == "root":
            return password.startswith("!")
    return False
