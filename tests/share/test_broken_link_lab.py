"""The way to a registry breaks in the middle of a layer: told in words, and nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetui.records.share import Share
from cachetui.share import importing
from tests.audit.test_stopping_lab import until_quiet
from tests.lab.faults import BreakingLink, breaking_link
from tests.lab.sharing import Sharing as Fleet
from tests.share.experiment import Experiment, held, ran

pytestmark = [
    pytest.mark.lab,
    pytest.mark.takes_turns,
    pytest.mark.usefixtures("others_images_go"),
]

TEXT = "FROM @BASE@\nRUN head -c 3000000 /dev/urandom >/large; echo @SALT@\n"
MIDDLE = 1_500_000
"""Bytes after which the layer of 3 MB is half through."""


@pytest.fixture
def link(sharing: Fleet) -> Iterator[BreakingLink]:
    """A way to the fleet's registry."""
    with breaking_link(sharing.registry.address) as link:
        yield link


def share(made: Experiment, link: BreakingLink, kind: str, to: str, *, breaks: str) -> Share:
    """Share by way of the link, which breaks once a host begins what `breaks`, and is mended when
    it has ended. Imports meet one that stalls, exports one that is cut. Hosts are as before."""
    hosts = [made.fleet[name] for name in ("ctd", to)]
    before = [held(host) for host in hosts]

    def meanwhile(_host: str, what: str) -> None:
        if what == f"{breaks} {kind}":
            link.break_after(MIDDLE, upload=breaks == "exports", stalls=breaks == "imports")
        elif what == "cleans up" and link.is_broken:
            link.mended.set()

    prepared = made.prepare(kind, to=(to,), registry=f"{link.address}/broken")
    shared = made.run(prepared, meanwhile)
    until_quiet(*hosts, seconds=60)
    assert [held(host) for host in hosts] == before
    return shared


@pytest.mark.fault("shared-broken")
@pytest.mark.parametrize("host", ["mid", "new", "ctd2"])
def test_an_import_that_stalls(
    sharing: Fleet,
    tmp_path: Path,
    link: BreakingLink,
    host: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importing, "IMPORT_SECONDS", 3.0)
    made = Experiment(sharing, tmp_path, text=TEXT)
    made.typed(host)
    shared = share(made, link, "registry-max", host, breaks="imports")
    (failed,) = shared.imports
    assert failed.status == "failed", failed
    assert "was stopped" in (failed.reason or "")
    assert f"curl -v {link.address}/v2/" in (failed.remedy or "")
    assert shared.left == ()
    assert ran(made.typed(host)) == []


@pytest.mark.fault("shared-broken")
@pytest.mark.parametrize("kind", ["registry-max", "inline"])
def test_an_export_that_is_cut(
    sharing: Fleet, tmp_path: Path, link: BreakingLink, kind: str
) -> None:
    made = Experiment(sharing, tmp_path, text=TEXT)
    made.typed("ctd")
    shared = share(made, link, kind, "ctd2", breaks="exports")
    (failed,) = shared.exports
    assert failed.status == "failed", failed
    assert f"the registry {link.address} cannot be reached" in (failed.reason or "")
    assert failed.remedy
    assert (shared.imports, shared.left) == ((), ())
    assert ran(made.typed("ctd")) == []
