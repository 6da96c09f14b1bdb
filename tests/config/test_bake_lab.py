"""A bake file with a matrix, read by a real buildx and built on real engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.cli.args import RunArgs
from cachetui.cli.selection import select_build
from cachetui.config.bake_file import read_target
from cachetui.config.toml_table import ConfigError
from cachetui.core import Options
from tests.audits import core_of
from tests.lab import Lab

pytestmark = pytest.mark.lab

BAKE = """
variable "WHO" { default = "nobody" }
target "plain" {
  matrix = { v = ["1", "2"] }
  name = "plain-${v}"
  context = "app"
  network = "none"
  args = { V = v, WHO = WHO }
  labels = { who = WHO }
  tags = ["user/app:${v}"]
}
target "inline" {
  context = "app"
  network = "none"
  dockerfile-inline = "FROM base:1\\nENV A=b\\nRUN echo $${A} >/a\\n"
}
group "default" { targets = ["plain", "inline"] }
"""


def test_a_bake_file_is_built_as_buildx_prints_it(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = lab["new"]
    monkeypatch.setenv("DOCKER_CONFIG", str(host.dir / "cfg"))
    monkeypatch.setenv("PATH", f"{host.dir / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("WHO", "me")
    (tmp_path / "docker-bake.hcl").write_text(BAKE)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM base:1\nARG V\nRUN echo $V >/v\n")
    with pytest.raises(ConfigError, match=r"#inline, .*#plain-1, .*#plain-2"):
        read_target(str(tmp_path / "docker-bake.hcl"))

    core = core_of(lab, tmp_path / "store")
    hosts = [one for one in core.settings.hosts if one.name in ("mid", "new")]
    for target in ("plain-2", "inline"):
        build = select_build(core.settings, f"{tmp_path}/docker-bake.hcl#{target}", RunArgs())
        scenarios = ("buildkit-cold", "buildkit-warm", "legacy-cold")
        document = core.prepare(build, hosts, Options(scenarios=scenarios)).run()
        assert [one.status for one in document.hosts] == ["ok", "ok"], [
            one.reason for one in document.hosts
        ]
        assert {run.status for run in document.runs} == {"ok"}, [r.reason for r in document.runs]
        assert len(document.runs) == 6
    assert "user/app" not in host.docker("image", "ls").stdout.decode()
    plain = select_build(core.settings, f"{tmp_path}/docker-bake.hcl#plain-2", RunArgs())
    assert plain.build_args == {"V": "2", "WHO": "me"}
    assert plain.docker_args == ("--label", "who=me")
