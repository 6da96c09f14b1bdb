"""An export beside what its import spares a fresh machine, and what the figures may be wrong by."""

from __future__ import annotations

import msgspec
import pytest

from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.records.share import Share, ShareExport, ShareImport
from tests.findings.making import audit, host, ids, only, run, why

TEXT = "FROM base:1\nRUN make\n"
RULE = "export-costs-more-than-it-saves"


def shared(
    took: float | None,
    cold: float,
    imported: float,
    *,
    names: tuple[str, ...] = ("ci-1",),
    more: tuple[tuple[str, float, float], ...] = (),
    status: str = "ok",
) -> Document:
    """An export of registry-max that `took` these seconds, on hosts that build in `cold` seconds,
    and with the import in `imported`; `more` are other kinds as (name, took, imported)."""
    kinds = (("registry-max", took, imported), *more)
    runs = [
        msgspec.structs.replace(
            run(TEXT, "m", host=name, scenario="buildkit-import-none"), seconds=cold
        )
        for name in names
    ]
    share = Share(
        exporter="ci-0",
        kinds=tuple(kind for kind, _, _ in kinds),
        exports=tuple(
            ShareExport(kind=kind, status="ok", seconds=seconds, bytes=9)
            for kind, seconds, _ in kinds
        ),
        imports=tuple(
            ShareImport(host=name, kind=kind, status=status, seconds=seconds)  # type: ignore[arg-type]
            for name in names
            for kind, _, seconds in kinds
        ),
        cold=dict.fromkeys(names, cold),
    )
    hosts = [host(name) for name in ("ci-0", *names)]
    return msgspec.structs.replace(audit(TEXT, runs, hosts=hosts), share=share)


def found(*values: float, **more: object) -> Findings:
    return why(shared(*values, **more))  # type: ignore[arg-type]


def test_an_export_that_never_pays() -> None:
    finding = only(found(9.0, 2.0, 2.5), RULE)
    assert finding.confidence == "likely"
    assert finding.title == (
        "exporting registry-max took 9.0 s on ci-0, longer than its import spares a fresh ci-1"
    )
    assert finding.seconds == 9.5
    assert "spares ci-1 nothing" in finding.evidence[2].text
    assert "build without this cache" in finding.advice


def test_an_export_that_pays_for_many() -> None:
    finding = only(found(50.0, 20.0, 1.0), RULE)
    assert "when 3 or more machines import" in finding.advice
    assert finding.seconds == 31.0


@pytest.mark.parametrize("values", [(9.0, 20.0, 2.0), (20.0, 20.0, 3.0), (2.0, 1.0, 0.5)])
def test_it_is_silent_where_the_figures_may_be_wrong_by_as_much(
    values: tuple[float, float, float],
) -> None:
    assert RULE not in ids(found(*values))


def test_a_kind_that_pays_is_named() -> None:
    finding = only(found(50.0, 20.0, 1.0, more=(("registry-min", 1.0, 2.0),)), RULE)
    assert "--cache-to type=registry,ref=REF,mode=min" in finding.advice
    assert "mode=min" not in only(found(50.0, 20.0, 1.0), RULE).advice


def test_what_was_not_measured_or_failed_says_nothing() -> None:
    assert RULE not in ids(found(90.0, 2.0, 2.0, status="failed"))
    assert RULE not in ids(why(shared(None, 2.0, 2.0)))
    assert RULE not in ids(why(msgspec.structs.replace(shared(90.0, 2.0, 2.0), runs=())))


def test_hosts_share_a_finding() -> None:
    assert only(found(9.0, 2.0, 2.5, names=("ci-1", "ci-2")), RULE).hosts == ("ci-1", "ci-2")
