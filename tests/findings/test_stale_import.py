"""What came with an import beside what the build makes today."""

from __future__ import annotations

import msgspec
import pytest

from cachetui.records.base_now import BaseNow
from cachetui.records.stale import StaleCheck
from tests.findings.making import ids, only, why
from tests.make_records import NOW
from tests.report.test_stale import BASE, CURL, OPENSSL, check, document, step


def test_packages_prove_it() -> None:
    finding = only(why(document(check(step(packages=(CURL, OPENSSL))))), "stale-import")
    assert finding.confidence == "proved"
    assert "2 packages differ, curl 7.1 → none, openssl 3.0.14 → 3.0.15" in finding.title
    assert "made on 2025-09-09" in finding.title
    assert any(f"on {BASE}, which FROM base:1 means on ci-1:" in e.text for e in finding.evidence)
    assert "--no-cache" in finding.advice


@pytest.mark.fault("host-trouble")
def test_a_day_that_was_still_to_come_is_not_said_as_if_it_had_been() -> None:
    """The clock of the engine that made the result was wrong."""
    ahead = msgspec.structs.replace(step(packages=(OPENSSL,)), made=NOW + 366 * 86400)
    finding = only(why(document(check(ahead))), "stale-import")
    assert "by a clock that was ahead" in finding.title


def test_files_alone_can_be_others_each_time() -> None:
    finding = only(why(document(check(step()))), "stale-import")
    assert finding.confidence == "possible"
    assert "4 files differ, such as var/lib/dpkg/status" in finding.title
    assert "whose files differ in every build" in finding.advice


def test_hosts_with_the_same_are_one_finding() -> None:
    both = document(check(step(packages=(OPENSSL,))), check(step(packages=(OPENSSL,)), host="ci-2"))
    assert only(why(both), "stale-import").hosts == ("ci-1", "ci-2")


def test_hosts_that_make_other_versions_today_are_one_finding_too() -> None:
    """Their mirrors differ, say; the cause is the one cache."""
    newer = [
        msgspec.structs.replace(OPENSSL, anew=version) for version in ("3.0.15", "3.0.16", "3.0.17")
    ]
    found = why(
        document(
            *(check(step(packages=(one,)), host=f"ci-{n}") for n, one in enumerate(newer, 1)),
            check(step(packages=(OPENSSL,), made=None), host="ci-4"),
        )
    )
    one = only(found, "stale-import")
    assert one.hosts == ("ci-1", "ci-2", "ci-3", "ci-4")
    assert one.title.count("openssl") == 1
    assert "openssl 3.0.14 → 3.0.15 or 3.0.16 or 1 more" in one.title
    assert "made on 2025-09-09" in one.title


def test_a_hit_that_can_be_the_hosts_own_proves_nothing_of_the_import() -> None:
    own = check(step(packages=(OPENSSL,), unsure=True), host="ci-2", unsure=1)
    findings = why(document(check(step(packages=(OPENSSL,))), own)).findings
    told = {one.confidence: one for one in findings if one.id == "stale-import"}
    assert {word: one.hosts for word, one in told.items()} == {
        "proved": ("ci-1",),
        "possible": ("ci-2",),
    }
    assert (
        "through an import or in its own cache on ci-2, and what it left" in told["possible"].title
    )


@pytest.mark.parametrize(("now", "says"), [(BASE, "that image, too"), ("sha256:9", "another")])
def test_what_the_registry_has_now(now: str, says: str) -> None:
    audit = document(check(step(packages=(OPENSSL,))))
    runs = [
        msgspec.structs.replace(run, bases_now=(BaseNow(ref="base:1", digest=now),))
        for run in audit.runs
    ]
    finding = only(why(msgspec.structs.replace(audit, runs=tuple(runs))), "stale-import")
    assert any(f"base:1 meant {says}" in one.text for one in finding.evidence)


@pytest.mark.parametrize("made", [check(), check(hits=0, oldest=None), check(reason="unread")])
def test_where_it_is_silent(made: StaleCheck) -> None:
    assert "stale-import" not in ids(why(document(made)))
