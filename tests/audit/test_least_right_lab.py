"""An account that is in no group of docker's, set up as SECURITY.md says, can be audited on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from cachetui.config import hosts_toml
from cachetui.config.settings import HostSettings, folder_build
from cachetui.core import Core
from cachetui.share.kinds import kind_named
from cachetui.store.database import Store
from tests.audit.test_stopping_lab import asleep, until_quiet
from tests.audits import audit, prepare, run_of
from tests.hosts.conftest import connector
from tests.hosts.sshd import free_port, running, until
from tests.lab import Lab
from tests.lab.host import Host
from tests.lab.sshd import make_key, sshd_binary
from tests.lab.state import State
from tests.sample_builds import PLAIN, SLEEPING, folder
from tests.share.experiment import held

pytestmark = [pytest.mark.lab, pytest.mark.needs("sudo", optional=True)]

ROOT = Path(__file__).parents[2]
NAMES = ("old", "new")
SCENARIOS = ("legacy-cold", "legacy-warm", "buildkit-cold", "buildkit-warm")

# A mount namespace in which the page's commands change nothing of the machine: what is written
# lies above the machine's own files. The host's client and socket are where a package has them.
BEFORE = """
mount -t tmpfs tmpfs /mnt
for place in etc usr/bin usr/local usr/libexec var/lib home run; do
  mkdir -p "/mnt/$place/upper" "/mnt/$place/work"
  mount -t overlay overlay "/$place" \\
    -o "lowerdir=/$place,upperdir=/mnt/$place/upper,workdir=/mnt/$place/work"
done
cp -L "$BIN/docker" /usr/bin/docker
mkdir -p /usr/libexec/docker/cli-plugins
for plugin in "$PLUGINS"/docker-*; do
  [ ! -e "$plugin" ] || cp -L "$plugin" /usr/libexec/docker/cli-plugins
done
getent group docker >/dev/null || groupadd docker
touch /run/docker.sock
mount --bind "$SOCKET" /run/docker.sock
chgrp docker /run/docker.sock
chmod 660 /run/docker.sock
printf '#!/bin/sh\\necho "$*" >>/mnt/refusals\\n' >/usr/bin/logger
chmod 755 /usr/bin/logger /mnt
touch /mnt/refusals
chmod 666 /mnt/refusals
cd "$PLACE"
"""
# sshd without PAM takes the `!` of an account without a password for a lock.
AFTER = """
usermod -p '*' cachetui
mkdir -p /run/sshd
exec "$SSHD" -D -e -f "$CONFIG"
"""


@dataclass
class Account:
    """The account on a host of the lab, behind an sshd of its own."""

    host: Host
    settings: HostSettings
    config: Path

    @property
    def pid(self) -> int:
        """The process of its sshd."""
        return running(str(self.config))[-1]

    def do(self, command: str) -> str:
        """Run a command as root where the account is."""
        words = ["nsenter", "--target", str(self.pid), "--mount", "sh", "-c", command]
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=20).stdout

    @property
    def refusals(self) -> str:
        """What the forced command and the filter refused."""
        return self.do("cat /mnt/refusals")


def commands_of_the_page() -> str:
    (text,) = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "SECURITY.md").read_text(), re.M | re.S)
    return str(text)


@pytest.fixture(scope="module", params=NAMES)
def account(
    request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Account]:
    host = lab[request.param]
    place = tmp_path_factory.mktemp("account")
    (place / "examples").symlink_to(ROOT / "examples")
    make_key(place / "cachetui", "cachetui")
    make_key(place / "host_key", "host")
    port = free_port("127.0.0.1")
    known = f"[127.0.0.1]:{port} {(place / 'host_key.pub').read_text()}"
    (place / "known_hosts").write_text(known)
    config = place / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {place / 'host_key'}\nUsePAM no\n"
        f"PidFile none\nSubsystem sftp internal-sftp\nPasswordAuthentication no\n"
    )
    script = f"{BEFORE}\n{commands_of_the_page()}\n{AFTER}"
    env = {
        "PATH": os.environ["PATH"],
        "BIN": str(host.engine.bin),
        "PLUGINS": str(host.engine.config / "cli-plugins"),
        "SOCKET": str(host.docker_socket),
        "SSHD": sshd_binary(),
        "CONFIG": str(config),
        "PLACE": str(place),
    }
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            host.machine.enter("unshare", "--mount", "sh", "-ec", script),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    settings = HostSettings(
        name=host.name,
        address="127.0.0.1",
        port=port,
        user="cachetui",
        identity_file=place / "cachetui",
        known_hosts=place / "known_hosts",
    )
    try:
        assert until(lambda: b"listening on" in (place / "log").read_bytes(), 30), (
            place / "log"
        ).read_text()
        yield Account(host, settings, config)
    finally:
        for pid in running(str(config)):
            os.kill(pid, signal.SIGKILL)
        process.wait(10)


def core_of(account: Account, lab: Lab, store: Path) -> Core:
    settings = msgspec.structs.replace(hosts_toml.load(lab.hosts_toml), hosts=(account.settings,))
    return Core(settings, Store(store))


def test_an_audit_is_whole_and_nothing_is_left(account: Account, lab: Lab, tmp_path: Path) -> None:
    before = State.of(account.host)
    core = core_of(account, lab, tmp_path / "store")
    document = audit(core, folder(tmp_path / "b", PLAIN), scenarios=SCENARIOS, fresh=True)
    assert [run.status for run in document.runs] == ["ok"] * len(SCENARIOS), document.hosts
    for backend in ("legacy", "buildkit"):
        cold, warm = (
            run_of(document, account.host.name, f"{backend}-{one}") for one in ("cold", "warm")
        )
        assert {step.status for step in cold.steps if step.counts} == {"miss"}
        assert {step.status for step in warm.steps if step.counts} == {"hit"}
    assert account.refusals == ""
    after = State.of(account.host)
    assert after.docker == before.docker


def test_a_stopped_build_ends(account: Account, lab: Lab, tmp_path: Path) -> None:
    core = core_of(account, lab, tmp_path / "store")
    going = prepare(core, folder(tmp_path / "b", SLEEPING), scenarios=("legacy-cold",), fresh=True)
    thread = threading.Thread(target=going.run)
    thread.start()
    assert until(lambda: asleep(account.host), 60)
    going.stop()
    thread.join(30)
    until_quiet(account.host, seconds=5)
    assert account.refusals == ""


@pytest.mark.takes_turns
@pytest.mark.parametrize("account", ["ctd", "new"], indirect=True)
def test_a_cache_is_shared_as_a_folder(account: Account, lab: Lab, tmp_path: Path) -> None:
    """ctd exports and new imports; the account is on either. No kind goes through a registry."""
    before = held(account.host)
    others = hosts_toml.load(lab.hosts_toml)
    hosts = [account.settings if h.name == account.host.name else h for h in others.hosts]
    core = Core(msgspec.structs.replace(others, hosts=tuple(hosts)), Store(tmp_path / "store"))
    build = folder_build(folder(tmp_path / "b", PLAIN))
    sharing = core.sharing(
        msgspec.structs.replace(build, network="none"),
        [host for host in hosts if host.name in ("ctd", "new")],
        [kind_named("local-max")],
        exporter="ctd",
        importers=("new",),
        registry=None,
        cancel=threading.Event(),
    )
    try:
        sharing.prepare()
        document = sharing.run()
    finally:
        sharing.close()
    share = document.share
    assert share is not None
    assert [one.status for one in share.exports] == ["ok"], share
    assert [one.status for one in share.imports] == ["ok"], share
    assert account.refusals == ""
    assert held(account.host) == before
    left = account.do("ls ~cachetui/.cache/cachetui/contexts").split()
    assert [name for name in left if len(name) != 64] == []


def test_a_build_argument_has_to_be_named_for_sudo(
    account: Account, lab: Lab, tmp_path: Path
) -> None:
    core = core_of(account, lab, tmp_path / "store")
    build = folder(tmp_path / "b", PLAIN)

    def run() -> tuple[str, str]:
        (one,) = audit(
            core, build, scenarios=("legacy-cold",), build_args={"BASE": "base:1"}, fresh=True
        ).runs
        return one.status, one.reason or ""

    status, reason = run()
    assert status == "failed"
    assert "--build-arg BASE: env_keep of sudoers does not have it" in reason
    add = """echo 'Defaults:cachetui env_keep += "BASE"' >>/etc/sudoers.d/cachetui"""
    account.do(f"{add}; : >/mnt/refusals")
    assert run() == ("ok", "")


@pytest.mark.fault("least-right")
def test_the_account_has_no_other_way_to_docker(account: Account) -> None:
    machine = connector().connect(account.settings)
    try:
        assert "docker" not in machine.run("id", timeout=20).text
        straight = machine.run("unset DOCKER_CONFIG; /usr/bin/docker version", timeout=20)
        assert "permission denied" in straight.error_text
        assert machine.run("docker run base:1 true", timeout=20).status == 126
        for words in ("/usr/bin/docker version", "/bin/sh", "-g docker /bin/sh", "-E -g docker sh"):
            done = machine.run(f"sudo -n {words}", timeout=20)
            assert (done.status, done.stdout) == (1, b""), words
        given = machine.run(
            "DOCKER_CONFIG=/tmp sudo -n --preserve-env=DOCKER_CONFIG -g docker "
            "/usr/local/lib/cachetui/docker-filter version",
            timeout=20,
        )
        assert given.status == 1
        assert "not allowed to set" in given.error_text
        for place in ("/usr/local/lib/cachetui", "/etc/cachetui/docker", "/var/lib/cachetui"):
            assert machine.run(f"touch {place}/x", timeout=20).status != 0, place
    finally:
        machine.close()
    assert "docker, refused: run base:1 true" in account.refusals
