"""Fleet at size: what a folded row tells holds for all of its hosts, and a minority is odd."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cachetui.audit.progress import Snapshot
from cachetui.records.document import Document
from cachetui.records.step import StepStatus
from cachetui.tui.view.fleet_agreement import FleetAgreement
from cachetui.tui.view.fleet_table import FleetTable
from cachetui.tui.view.stored_snapshot import snapshot_of
from cachetui.tui.view.text import plain
from tests import make_records
from tests.ragged_fleet import ragged_fleet

WARM = "buildkit-warm"
MISS: dict[tuple[int, int], StepStatus] = {(2, 4): "miss", (2, 5): "miss"}
OTHER: dict[tuple[int, int], StepStatus] = {(2, 5): "miss"}


def fleet(*missing: int, size: int = 10, facts: dict[int, dict[str, Any]] | None = None,
          other: tuple[int, ...] = ()) -> Document:  # fmt: skip
    """`size` hosts, of which these miss a COPY warm, and others what follows it."""
    numbers = range(1, size + 1)
    return make_records.document(
        [
            make_records.run(
                f"ci-{n}",
                WARM,
                pace=1 + n / 10,
                change=MISS if n in missing else OTHER if n in other else None,
            )
            for n in numbers
        ],
        [
            make_records.host(f"ci-{n}", facts=make_records.facts(**(facts or {}).get(n, {})))
            for n in numbers
        ],
    )


def table(document: Document, snapshot: Snapshot | None = None) -> FleetTable:
    made = FleetTable()
    made.show_audit(snapshot or snapshot_of(document), document, words="", grouped=True, tags={})
    return made


def rows(made: FleetTable) -> dict[str, str]:
    """Name of a row → what its cell shows."""
    return {row.name: plain(made.cell(row, WARM, 13, ())).strip() for row in made.rows.values()}


def names(made: FleetTable) -> dict[str, str]:
    return {row.name: plain(made.cell(row, "", 40, ())).strip() for row in made.rows.values()}


def told(made: FleetTable, name: str) -> str:
    row = next(row for row in made.rows.values() if row.name == name)
    return "\n".join(plain(line) for line in made.facts(row, WARM, 200))


def test_a_minority_is_odd_and_the_majority_is_not() -> None:
    made = table(fleet(1))
    assert rows(made)["ci-1"].startswith("≠")
    assert rows(made)["ci-[2-10]"].startswith("✓")
    assert names(made)["ci-1"].startswith("≠")
    assert names(made)["ci-[2-10]"].startswith("✓")
    assert "≠ line 15 missed on 1 of 10" in told(made, "ci-1")
    assert "odd" not in told(made, "ci-[2-10]")


def test_a_host_is_not_odd_for_a_builder_that_it_lacks() -> None:
    document = ragged_fleet()
    made = table(document)
    hits = [row for row in made.rows.values() if "ci-1" in row.hosts]
    assert plain(made.cell(hits[0], "buildkit-warm", 20, ())).strip() == "⊘ unsupported"
    assert names(made)[hits[0].name].startswith("✓ ")


def test_an_even_split_has_no_odd_one() -> None:
    made = table(fleet(1, 2, size=4))
    for told_of in (rows(made), names(made)):
        split = [text.startswith("÷") for text in told_of.values()]
        assert split == [True, False], "those that hit are none to look at"
    assert "÷ line 15 missed on 2 of 4" in told(made, "ci-[1-2]")
    first, second = map(plain, made.agreement.verdict())
    assert first.startswith("÷ hosts are split in buildkit-warm")
    assert "on 2 of 4: ci-[1-2]" in second


def test_the_verdict_counts_the_odd_hosts_whose_names_would_fill_it() -> None:
    said = [
        plain(table(fleet(*odd, size=50)).agreement.verdict()[0])
        for odd in ((7, 9), range(1, 20), range(1, 38, 2), range(1, 60, 2))
    ]
    assert [text.split(" are ")[0] for text in said] == [
        "≠ ci-[7,9]",
        "≠ ci-[1-19]",
        "≠ 19 of 50 hosts",
        "÷ hosts",
    ]


def test_each_difference_has_its_own_majority() -> None:
    agreement = FleetAgreement(fleet(*range(1, 5), size=10, other=(5, 6, 7)))
    lines = {each.line: each for each in agreement.agreement.disagreements}  # type: ignore[union-attr]
    sizes = {line: [len(side.hosts) for side in each.sides] for line, each in lines.items()}
    assert sizes == {15: [6, 4], 16: [7, 3]}
    assert lines[15].odd == ("ci-1", "ci-2", "ci-3", "ci-4")


def test_no_value_of_one_host_is_told_of_all() -> None:
    facts: dict[int, dict[str, Any]] = {
        2: {"engine": "26.1.5", "load": 7.5, "cores": 4, "store": "containerd/overlayfs"},
        3: {"buildx": None, "free_bytes": 1_000_000_000, "platform": "linux/arm64", "df": {}},
    }
    text = told(table(fleet(size=10, facts=facts)), "ci-[1-10]")
    assert "mixed engines · mixed buildx · mixed stores · linux/amd64 or linux/arm64" in text
    assert "4 to 8 cores · load 0.4 to 7.5 · memory 16.6 GB · disk 1.0 GB to 81.2 GB free" in text
    assert " · ~0.6s" in text
    assert "28.5.2" not in text
    alike = told(table(fleet(size=10)), "ci-[1-10]")
    assert "Docker 28.5.2 · buildx 0.29.1 · overlay2 · linux/amd64" in alike
    assert rows(table(fleet(size=10))) == {"ci-[1-10]": "✓100%~0.6s"}


def test_counters_of_runs_at_work_are_not_told_of_all() -> None:
    document = fleet(size=3)
    cells = tuple(
        replace(cell, state="building", step=n, steps=12, doing=f"RUN {n}", seconds=n, run=None)
        for n, cell in enumerate(snapshot_of(document).cells, 1)
    )
    snapshot = replace(snapshot_of(document), cells=cells, finished=False)
    made = FleetTable()
    made.show_audit(snapshot, replace(document, runs=()), words="", grouped=True, tags={})
    assert rows(made) == {"ci-[1-3]": "▸ building"}
    assert "RUN" not in told(made, "ci-[1-3]")
    same = tuple(replace(cell, step=5, doing="RUN x") for cell in cells)
    made.show_audit(replace(snapshot, cells=same), replace(document, runs=()), words="",
                    grouped=True, tags={})  # fmt: skip
    assert rows(made) == {"ci-[1-3]": "▸ 5/12"}


def test_hosts_fold_only_where_the_matrix_shows_the_same() -> None:
    document = fleet(size=4)
    cells = list(snapshot_of(document).cells)
    cells[1] = replace(cells[1], state="stored", age=60.0)
    made = table(document, replace(snapshot_of(document), cells=tuple(cells)))
    assert sorted(rows(made)) == ["ci-2", "ci-[1,3-4]"]


def test_reasons_that_are_not_the_same_are_not_told_of_all() -> None:
    document = fleet(size=3)
    hosts = tuple(
        replace(host, state="unreachable", reason=f"{host.name} refused", remedy="is sshd there?")
        for host in snapshot_of(document).hosts
    )
    cells = tuple(
        replace(cell, state="unreachable", reason=f"{cell.host} refused", run=None)
        for cell in snapshot_of(document).cells
    )
    snapshot = replace(snapshot_of(document), hosts=hosts, cells=cells)
    made = FleetTable()
    made.show_audit(snapshot, replace(document, runs=()), words="", grouped=True, tags={})
    text = told(made, "ci-[1-3]")
    assert "mixed reasons" in text
    assert "is sshd there?" in text
    assert "ci-1 refused" not in text
