"""--check-stale on real engines: what came with an import beside the same build made anew."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from cachetui.records.stale import PackageChange, StaleCheck
from tests.audits import typed_hits
from tests.lab.sharing import Sharing
from tests.share.experiment import held
from tests.share.team import CONTAINERD, IMPORTERS, Team

pytestmark = pytest.mark.lab

PACKAGES = """\
FROM @BASE@ AS deps
RUN echo @SALT@ >/same
RUN v=3.0.$(date +%s); mkdir -p /var/lib/dpkg /lib/apk/db /p/six.dist-info /p/node_modules/a; \\
    printf 'Package: openssl\\nStatus: install ok installed\\nVersion: %s\\n\\n' $v \\
        >/var/lib/dpkg/status && \\
    printf 'Package: same\\nStatus: install ok installed\\nVersion: 1\\n' \\
        >>/var/lib/dpkg/status && \\
    printf 'P:musl\\nV:%s\\n' $v >/lib/apk/db/installed && \\
    printf 'Name: six\\nVersion: %s\\n' $v >/p/six.dist-info/METADATA && \\
    printf '{"version": "%s"}' $v >/p/node_modules/a/package.json
"""
NAMES = [("apk", "musl"), ("dpkg", "openssl"), ("npm", "a"), ("pip", "six")]


def checks(team: Team) -> dict[str, StaleCheck]:
    document = team.audit(check_stale=True, outputs=True)
    document = team.core.checked_for_stale(document, threading.Event())
    assert team.core.store.audit(document.audit) == document
    found = {check.host: check for check in document.stale}
    assert set(found) == set(IMPORTERS)
    stale = [one for one in team.core.findings(document).findings if one.id == "stale-import"]
    proved = {host for one in stale if one.confidence == "proved" for host in one.hosts}
    assert proved == {host for host, check in found.items() if any(s.packages for s in check.steps)}
    return found


@pytest.mark.takes_turns
def test_packages_that_differ_are_named(sharing: Sharing, tmp_path: Path) -> None:
    team = Team(sharing, tmp_path, PACKAGES)
    exported = time.time()
    team.export()
    before = {host: held(sharing[host]) for host in IMPORTERS}
    for host, check in checks(team).items():
        assert check.reason is None, check
        assert check.hits == 2
        assert check.oldest is not None
        assert abs(check.oldest - exported) < 120
        (step,) = check.steps
        assert (step.line, step.unread) == (3, ()), host
        assert [(one.manager, one.name) for one in step.packages] == NAMES
        assert all(_older(one) for one in step.packages), step.packages
        after = held(sharing[host])
        assert after == before[host], host
        assert len(typed_hits(team.typed(host))) == (2 if host == CONTAINERD else 0), host


def _older(one: PackageChange) -> bool:
    return one.imported is not None and one.anew is not None and one.imported < one.anew


@pytest.mark.takes_turns
def test_an_import_that_is_as_made_anew_is_sound(sharing: Sharing, tmp_path: Path) -> None:
    team = Team(sharing, tmp_path)
    team.export()
    for host, check in checks(team).items():
        assert check.sound, (host, check)
        assert check.hits
