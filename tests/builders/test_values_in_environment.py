"""Values of build arguments reach docker's client, and no list of processes shows them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cachetui.builders.command_line import Build, build_command, in_the_clear
from cachetui.records.scenario import Planned

SHELLS = [
    pytest.param(shell, marks=pytest.mark.needs(shell.split()[0], optional=True))
    for shell in ("dash", "bash --posix", "busybox sh", "ksh93")
]

# A docker that tells the values of its build arguments, and what a list of processes shows of it
# and of those above it.
DOCKER = """#!/bin/sh
for name in "$@"; do
  case $name in TOKEN | URL | ENV | USERNAME | GOPROXY | http_proxy | H) printenv "$name" ;; esac
done
echo "switch $DOCKER_BUILDKIT"
pid=$$
while [ "$pid" -gt 1 ] && [ "$pid" != "$STOP" ]; do
  tr '\\0' ' ' <"/proc/$pid/cmdline" >>"$LIST"
  while read -r key value; do [ "$key" != PPid: ] || pid=$value; done <"/proc/$pid/status"
done
exit 7
"""
VALUES = {
    "TOKEN": 'it\'s $HOME\nand `more` \\\\ "q"',
    "URL": "https://x.test/?a=1&token=s3cr3t",
    "ENV": "s3cr3t",
    "USERNAME": "s3cr3t",
    "GOPROXY": "https://u:s3cr3t@x.test",
    "http_proxy": "http://u:s3cr3t@x.test",
}
PREFIXES = {"none": (), "env": ("env",), "nice": ("nice", "-n", "1"), "sudo": ("sudo", "-n")}


@pytest.mark.fault("secret-in-processes")
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")
@pytest.mark.parametrize(
    "prefix",
    ["none", "env", "nice", pytest.param("sudo", marks=pytest.mark.needs("sudo", optional=True))],
)
@pytest.mark.parametrize("shell", SHELLS)
def test_values_reach_docker_and_no_list_of_processes(
    tmp_path: Path, shell: str, prefix: str
) -> None:
    if prefix == "sudo" and os.geteuid() != 0:
        pytest.skip("sudo asks for a password")
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    words = (*PREFIXES[prefix], str(docker))
    env = {"H": "s3cr3t of the host", "LIST": str(tmp_path / "list"), "STOP": str(os.getpid())}
    build = Build("/c", "/c/Dockerfile", build_args=VALUES, docker_args=["--label", "H"])
    text = build_command(words, env, build, Planned("buildkit-cold", 1), "A", "plain")
    done = subprocess.run(
        shell.split(),
        input=text.encode(),
        env={**os.environ, **env},
        capture_output=True,
        timeout=20,
        check=False,
    )
    expected = [*VALUES.values(), env["H"], "switch 1"]
    assert done.stdout.decode().splitlines() == "\n".join(expected).splitlines(), done.stderr
    assert done.returncode == 7
    shown = Path(env["LIST"]).read_text()
    assert "--build-arg TOKEN --build-arg URL" in shown
    assert "s3cr3t" not in shown


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_passes_every_name_on_that_is_not_in_the_clear(shell: str) -> None:
    names = [
        "BASH",
        "BASHPID",
        "COLUMNS",
        "DIRSTACK",
        "ENV",
        "EPOCHSECONDS",
        "FCEDIT",
        "FPATH",
        "GID",
        "HOSTNAME",
        "IFS",
        "LINES",
        "MAIL",
        "OLDPWD",
        "OPTARG",
        "OPTERR",
        "PIPESTATUS",
        "POSIXLY_CORRECT",
        "PS4",
        "PWD",
        "REPLY",
        "TERM",
        "TZ",
        "USER",
        "USERNAME",
        "VISUAL",
    ]
    assert in_the_clear(names) == ()
    for name in names:
        done = subprocess.run(
            shell.split(),
            input=f"{name}='q w' printenv {name}\n".encode(),
            capture_output=True,
            timeout=20,
            check=False,
        )
        assert done.stdout == b"q w\n", name
