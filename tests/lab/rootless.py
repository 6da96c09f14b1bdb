"""An engine in rootless mode on a host of the lab: an account of its own, dockerd as that user.

All of it lives in mount and PID namespaces below the host's, over the machine's files, so that
nothing of it is left when its first process ends.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.base import BASE
from tests.lab.errors import LabError, tail
from tests.lab.host import Host
from tests.lab.machine import Entry, process_table
from tests.lab.packages import unpacked
from tests.lab.sshd import PRIVILEGE_FOLDER, free_port, make_key, sshd_binary

PACKAGES = ("rootlesskit", "slirp4netns", "uidmap", "libslirp0", "libsubid4")
USER, ID = "rootless", 4242
SOCKET = f"/run/user/{ID}/docker.sock"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
READY_SECONDS = 60

# The programs are where packages have them, and the account is made as an administrator does.
# The runtime folder is what a login manager gives each user.
FIRST = f"""
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir -p /mnt/etc/upper /mnt/etc/work
mount -t overlay overlay /etc -o lowerdir=/etc,upperdir=/mnt/etc/upper,workdir=/mnt/etc/work
mount -t overlay overlay /usr -o "lowerdir=$TREES:/usr"
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /home
useradd --uid {ID} --create-home --shell /bin/sh {USER}
usermod -p '*' {USER}  # sshd without PAM takes the `!` of an account without a password for a lock
for ids in /etc/subuid /etc/subgid; do
    grep -q "^{USER}:" $ids || echo "{USER}:200000:65536" >>$ids
done
mkdir -p {PRIVILEGE_FOLDER} /run/user/{ID}
chown {USER}: /run/user/{ID}
chmod 700 /run/user/{ID}
mknod -m 666 /mnt/tun c 10 200  # as on any Debian; in some containers it is root's alone
mount --bind /mnt/tun /dev/net/tun
install -d -m 700 -o {USER} /home/{USER}/.ssh
install -m 600 -o {USER} "$KEYS" /home/{USER}/.ssh/authorized_keys
$SSHD -f "$CONFIG" -E "$PLACE/sshd.log"
cd /home/{USER}
exec setpriv --reuid {ID} --regid {ID} --init-groups env -i PATH={PATH} HOME=/home/{USER} \\
    USER={USER} XDG_RUNTIME_DIR=/run/user/{ID} /usr/share/docker*/contrib/dockerd-rootless.sh \\
    --bridge=none --iptables=false --ip6tables=false --userland-proxy=false
"""


@dataclass(frozen=True)
class Rootless:
    """The account, its engine, and the sshd through which it logs in."""

    place: Path
    port: int
    pid: int
    """The first process of its namespaces."""

    @property
    def known_hosts(self) -> Path:
        """The file with the host key of its sshd, which listens on 127.0.0.1."""
        return self.place / "known_hosts"

    def words(self, *args: str, **env: str) -> list[str]:
        """The command line of docker of the account itself, with more in its environment."""
        words = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--"]
        words += ["setpriv", "--reuid", str(ID), "--regid", str(ID), "--init-groups", "env", "-i"]
        words += [f"PATH={PATH}", f"HOME=/home/{USER}", f"DOCKER_HOST=unix://{SOCKET}"]
        return [*words, *(f"{name}={value}" for name, value in env.items()), "docker", *args]

    def docker(self, *args: str, input: bytes = b"", check: bool = True) -> str:
        """What docker says to the account itself. Raises LabError where it fails."""
        done = subprocess.run(
            self.words(*args), input=input, capture_output=True, timeout=60, check=False
        )
        if check and done.returncode != 0:
            raise LabError(f"docker {' '.join(args[:3])}: {tail(done.stderr.decode())}")
        return done.stdout.decode()

    def processes(self) -> list[str]:
        """The command lines of all that runs there, its engine's and sshd's too."""
        table = process_table()
        inside = [self.pid]
        for parent in inside:
            inside += [one.pid for one in table.values() if one.parent == parent]
        return [table[pid].cmdline for pid in inside if pid in table]


@contextmanager
def rootless_on(host: Host, place: Path) -> Iterator[Rootless]:
    """Let the host have such an account, with the base image of the lab; `place` is an empty
    folder. Raises LabError."""
    shared = unpacked("bookworm") / "root/usr"
    own = unpacked(host.engine.generation.suite) / "root/usr"
    trees = dict.fromkeys((own, unpacked("bookworm", PACKAGES) / "root/usr", shared))
    make_key(place / "host_key", "rootless")
    port = free_port("127.0.0.1")
    known = (place / "host_key.pub").read_text()
    (place / "known_hosts").write_text(f"[127.0.0.1]:{port} {known}")
    (place / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {place / 'host_key'}\nUsePAM no\n"
        f"PidFile none\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n"
        f"SetEnv PATH={PATH} XDG_RUNTIME_DIR=/run/user/{ID}\n"
    )
    env = {
        "PATH": os.environ["PATH"],
        "TREES": ":".join(map(str, trees)),
        "KEYS": str(host.identity_file.with_suffix(".pub")),
        "SSHD": sshd_binary(),
        "CONFIG": str(place / "sshd_config"),
        "PLACE": str(place),
    }
    unshare = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            host.machine.enter(*unshare, "sh", "-ec", FIRST, f"rootless-{place}"),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield _ready(host, place, port, process)
    finally:
        # Each of the two by itself: the first process changes its user, which makes the kernel
        # forget that it is to end with its parent.
        table = process_table()
        holders = _holders(table, place)
        firsts = {one.pid for one in table.values() if one.parent in holders}
        for pid in (*firsts, *holders):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(30)


def _holders(table: Mapping[int, Entry], place: Path) -> set[int]:
    """What holds the namespaces: the parent of their first process."""
    return {
        one.pid
        for one in table.values()
        if one.name == "unshare" and f"rootless-{place}" in one.argv
    }


def _ready(host: Host, place: Path, port: int, process: subprocess.Popen[bytes]) -> Rootless:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        table = process_table()
        holders = _holders(table, place)
        for first in (one for one in table.values() if one.parent in holders):
            ready = Rootless(place, port, first.pid)
            with suppress(LabError):
                ready.docker("version")
                ready.docker("load", input=host.docker("save", BASE).stdout)
                return ready
        time.sleep(0.1)
    log = tail((place / "log").read_text(errors="replace"))
    raise LabError(f"{host.name}: the rootless engine does not come up; its log ends:\n{log}")
