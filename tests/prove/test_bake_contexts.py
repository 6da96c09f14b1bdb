"""Where the context of a build is that stands in a bake or compose file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.cli.prove import context_build
from cachetui.config.settings import BuildSettings, HostSettings, Settings
from cachetui.prove.request import ProofRequest, proof_request
from cachetui.store.database import Store
from tests.config.test_bake import installed
from tests.findings.making import audit, host, run

TEXT = "FROM base:1\nARG N\nRUN make\n"
PRINTS = """echo '{"target": {"app": {"context": "sub", "args": {"N": "7"}}}}'"""


def request(tmp_path: Path) -> ProofRequest:
    store = Store(tmp_path / "store")
    hosts = [
        host(name, facts_platform=platform)
        for name, platform in (("ci-1", "linux/arm64"), ("ci-2", "linux/amd64"))
    ]
    now = audit(TEXT, [run(TEXT, "m", host=one.name) for one in hosts], hosts=hosts)
    store.keep_audit(now)
    source = f"{tmp_path}/docker-bake.hcl#app"
    settings = Settings(
        path=None,
        hosts=(HostSettings(name="ci-1", address="local"),),
        builds={"api": BuildSettings(name="api", context=tmp_path, source=source)},
    )
    return proof_request(now, store, settings, "platform-differs")


def test_the_file_says_where_the_context_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, PRINTS)
    (tmp_path / "docker-bake.hcl").touch()
    (build,) = request(tmp_path).contexts
    assert (build.context, build.build_args) == (tmp_path / "sub", {"N": "7"})
    assert context_build(tmp_path / "docker-bake.hcl#app", "Dockerfile").context == tmp_path / "sub"
    assert context_build(tmp_path, "other").dockerfile == "other"


def test_a_file_that_cannot_be_read_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, "echo no such thing >&2; exit 1")
    (tmp_path / "docker-bake.hcl").touch()
    asked = request(tmp_path)
    assert not asked.contexts
    assert "no such thing" in asked.unread[0]
