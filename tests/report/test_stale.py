"""How a comparison of imported results with those of today reads."""

from __future__ import annotations

import msgspec
import pytest

from cachetui.records.document import Document
from cachetui.records.stale import PackageChange, StaleCheck, StaleStep
from cachetui.report import formats
from cachetui.report.stale import stale_lines
from tests import make_records as b
from tests.findings.making import audit, run
from tests.report.reports import report

TEXT = "FROM base:1\nRUN apt-get install openssl\nRUN make\n"
MADE = b.NOW - 30 * 86400
OPENSSL = PackageChange(manager="dpkg", name="openssl", imported="3.0.14", anew="3.0.15")
CURL = PackageChange(manager="dpkg", name="curl", imported="7.1")
BASE = "sha256:" + "1" * 64


def step(**more: object) -> StaleStep:
    paths = ("var/lib/dpkg/status", "usr/bin/openssl")
    given = {"files": 4, "paths": paths, "made": MADE, **more}
    return StaleStep(
        stage_index=0,
        index=1,
        line=2,
        instruction="RUN apt-get install openssl",
        **given,  # type: ignore[arg-type]
    )


def document(*checks: StaleCheck) -> Document:
    runs = [
        run(TEXT, "hh", host=one.host, scenario="buildkit-imported", bases={"base:1": BASE})
        for one in checks
    ]
    made = audit(TEXT, runs)
    named = tuple(
        msgspec.structs.replace(one, imported=a.id) for one, a in zip(checks, runs, strict=True)
    )
    return msgspec.structs.replace(made, stale=named)


def check(*steps: StaleStep, host: str = "ci-1", **more: object) -> StaleCheck:
    given = {"hits": 2, "oldest": MADE, "anew": "c", **more}
    return StaleCheck(host=host, steps=steps, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (check(), "ci-1: the import is sound: 2 hits from a cache of 2025-09-09, and the build"),
        (
            check(unsure=1),
            "ci-1: 2 hits from a cache of 2025-09-09, and the build made anew has the same "
            "content; 1 of them can be of the host's own cache",
        ),
        (check(hits=0, oldest=None), "ci-1: no hit came with the import"),
        (check(reason="its image was not read"), "ci-1: not compared: its image was not read"),
    ],
)
def test_where_nothing_is_stale(made: StaleCheck, line: str) -> None:
    assert stale_lines(document(made))[0].startswith(line)


@pytest.mark.parametrize("name", ["table", "markdown", "html"])
def test_formats_for_people_have_the_packages(name: str) -> None:
    text = formats.load(name).render(report(document(check(step(packages=(OPENSSL,))))))
    assert "Imported, and made anew" in text
    assert "1 package differs, openssl 3.0.14 → 3.0.15" in text
