"""A bake or compose file without the name of a build: asked in a terminal, else listed; `init`
writes a table for each."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cachetui.cli.main import cli
from cachetui.config.hosts_toml import load
from cachetui.config.suggest import builds_toml
from tests.config.test_bake import PRINTED, installed

ASK = """
import sys
from cachetui.cli.which_build import chosen_target
print("CHOSEN", chosen_target(sys.argv[1]).name)
"""


def test_a_terminal_asks_which_build_is_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f"""case "$*" in *web*) echo '{{"target": {{"web": {{}}}}}}';;
*) cat {PRINTED}/compose-2.40.json;; esac"""
    installed(monkeypatch, tmp_path, script)
    (tmp_path / "compose.yaml").touch()
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", ASK, f"{tmp_path}/compose.yaml"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as asking:
        os.close(theirs)
        said = ""
        answers = [b"9\n", b"3\n"]
        while select.select([ours], [], [], 30)[0]:
            try:
                said += os.read(ours, 4096).decode()
            except OSError:  # Linux says so that nobody writes any more
                break
            if said.count("Which of these builds: ") == 3 - len(answers) and answers:
                os.write(ours, answers.pop(0))
    os.close(ours)
    assert "  1 " in said
    assert "compose.yaml#web" in said
    assert "9 is not in the range 1<=x<=3" in said
    assert "CHOSEN web" in said
    assert asking.returncode == 0


def test_without_a_terminal_they_are_listed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, f"cat {PRINTED}/compose-2.40.json")
    (tmp_path / "compose.yaml").touch()
    (tmp_path / "hosts.toml").write_text('[[hosts]]\nname = "a"\naddress = "a"\n')
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["run", "compose.yaml", "--store", str(tmp_path / "s")])
    assert result.exit_code == 2
    assert "name one: compose.yaml#api, compose.yaml#inline, compose.yaml#web" in result.output


def test_init_has_a_table_for_each_build_that_docker_can_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f"""case "$PWD $*" in
*/bad*) echo 'ERROR: line 3: bad' >&2; exit 1;;
*compose*) cat {PRINTED}/compose-2.40.json;;
*) cat {PRINTED}/bake-0.29.json;; esac"""
    installed(monkeypatch, tmp_path, script)
    files = ("compose.yaml", "img/docker-bake.hcl", "shop/compose.yml", "bad/compose.yaml")
    for name in (*files, "other.yaml", "node_modules/a/compose.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    text = builds_toml(tmp_path, lambda _: None)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert any(line.endswith("bad/compose.yaml: docker compose cannot read it: line 3: bad")
               for line in comments)  # fmt: skip
    assert any("#app is left out" in line for line in comments)
    file = tmp_path / "hosts.toml"
    file.write_text(f'[[hosts]]\nname = "a"\naddress = "a"\n{text}')
    builds = load(file).builds
    assert {
        name: str(build.source).removeprefix(f"{tmp_path}/") for name, build in builds.items()
    } == {
        "api": "compose.yaml#api",
        "inline": "compose.yaml#inline",
        "web": "compose.yaml#web",
        "base": "img/docker-bake.hcl#base",
        "m-1": "img/docker-bake.hcl#m-1",
        "m-2": "img/docker-bake.hcl#m-2",
        "shop-api": "shop/compose.yml#api",
        "shop-inline": "shop/compose.yml#inline",
        "shop-web": "shop/compose.yml#web",
    }
    assert builds_toml(tmp_path / "node_modules" / "a" / "none", lambda _: None) == ""


def test_init_leaves_out_with_the_reason_what_run_would_refuse(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    targets = {
        "good": {"context": "."},
        "linked": {"context": ".", "contexts": {"base": "target:good"}},
        "secret": {"context": ".", "secret": ["src=token"]},
        "two": {"context": ".", "policy": "x"},
    }
    printed = tmp_path / "printed.json"
    printed.write_text(json.dumps({"target": targets}))
    installed(monkeypatch, tmp_path, f"cat {printed}")
    (tmp_path / "docker-bake.hcl").touch()
    (tmp_path / "ssh").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host a\n  HostName a.example.com\n")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["init", "--yes"])
    text = (tmp_path / "hosts.toml").read_text()
    assert result.exit_code == 0, result.output
    assert list(load(tmp_path / "hosts.toml").builds) == ["good"]
    for reason in (
        "docker-bake.hcl#linked is left out: linked: contexts is not supported: base is made by",
        "docker-bake.hcl#secret is left out: options of secret: --secret src=",
        "docker-bake.hcl#two is left out: two: policy is not supported",
    ):
        assert f"# {reason}" in text
