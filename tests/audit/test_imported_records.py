"""Which records an import brought, and in which order they go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from cachetui.audit.import_removal import stays_imported
from cachetui.audit.imported_records import cache_marks, imported_records, removal_command
from cachetui.hosts.cache_records import CacheRecord
from cachetui.records.shared_cache import CacheLayer, SharedCache
from tests.make_records import facts

THERE = "2026-11-28 00:20:42.446846845 +0000 UTC"
LATER = "2026-11-28 00:20:42.502217959 +0000 UTC"
HERE = "2026-11-28 00:21:14.340596649 +0000 UTC"
DATES = {THERE, LATER}
BASE = CacheRecord("base", "regular", "from local", 0, created_at=HERE)
OWN = CacheRecord("own", "regular", "[2/3] COPY a /a", 20, created_at=HERE, parents=("base",))


def record(name: str, *parents: str, created: str = HERE, kind: str = "regular") -> CacheRecord:
    return CacheRecord(name, kind, "", 20, created_at=created, parents=parents)


def test_those_of_the_exporters_dates_and_what_stands_on_them_go_topmost_first() -> None:
    after = [
        record("lower", "base", created=THERE),
        record("run", "upper"),
        record("upper", "lower", created=LATER),
        record("more", "run"),
        BASE,
        OWN,
    ]
    assert imported_records(["base", "own"], after, DATES) == ("more", "run", "upper", "lower")


def test_what_was_there_before_stays_whatever_its_date() -> None:
    """An import of a layer that is there already gives no record of its own."""
    known = replace(OWN, created_at=THERE)
    on_it = record("mine", "own")
    assert imported_records(["base", "own"], [BASE, known, on_it], DATES) == ()


def test_what_others_import_or_build_meanwhile_stays() -> None:
    after = [BASE, OWN, record("theirs", "base"), record("on theirs", "theirs")]
    assert imported_records(["base", "own"], after, DATES) == ()
    assert imported_records(["base", "own"], [*after, record("ours", created=THERE)], DATES) == (
        "ours",
    )


def test_what_is_made_later_on_an_import_is_the_users() -> None:
    """Nobody removed what a killed experiment imported, and the user's builds have used it."""
    ours = record("run", "upper", created="2026-11-28 00:21:00.25 +0000 UTC")
    theirs = record("theirs", "upper", created="2026-11-28 00:30:00 +0000 UTC")
    undated = record("undated", "upper", created="")
    after = [record("upper", created=THERE), ours, theirs, undated]
    until = datetime(2026, 11, 28, 0, 25, tzinfo=UTC).timestamp()
    assert imported_records([], after, DATES, until) == ("run", "upper")
    assert set(imported_records([], after, DATES)) == {"run", "upper", "theirs", "undated"}


def test_a_cache_that_was_read_marks_its_layers_by_blob_and_date() -> None:
    """BuildKit calls what comes from an image by the image's history: its date alone tells."""
    at = datetime(2026, 11, 28, 0, 20, 42, 446847, tzinfo=UTC).timestamp()
    layers = (CacheLayer(digest="sha256:a"), CacheLayer(digest="sha256:b", created=at))
    cache = SharedCache(name="r", host="h", kind="inline", digest="sha256:m", layers=layers)
    after = [
        replace(record("blob"), description="imported sha256:a"),
        replace(record("other"), description="imported sha256:c"),
        record("dated", created=THERE),
        record("later", created=LATER),
    ]
    assert set(imported_records([], after, set(cache_marks([cache])))) == {"blob", "dated"}
    assert imported_records([], after, set(cache_marks([]))) == ()


def test_sent_files_stay() -> None:
    sent = record("context", created=THERE, kind="source.local")
    assert imported_records([], [sent], DATES) == ()


def test_records_that_name_each_other_end() -> None:
    """No engine lists such; a damaged one may."""
    after = [record("a", "b", created=THERE), record("b", "a")]
    assert set(imported_records([], after, DATES)) == {"a", "b"}


def test_each_is_named_by_its_id_alone() -> None:
    said = removal_command("sudo -n docker", ["abc", "x; rm -rf /"])
    assert said.startswith("for i in abc 'x; rm -rf /'; do sudo -n docker builder prune ")
    assert '--filter "id=$i"' in said


def test_where_none_is_removed_it_is_said_what_stays() -> None:
    after = [BASE, OWN, record("ours", "base", created=THERE)]
    on_containerd = facts(store="containerd")

    def said(after: list[CacheRecord] | None, marks: set[str] = DATES) -> str:
        return stays_imported(on_containerd, [BASE, OWN], after, marks) or ""

    assert said(after).startswith("1 imported record stays in the cache (on the containerd")
    assert said([*after, record("on it", "ours")]).startswith("2 imported records stay")
    assert said(None).startswith("what was imported stays in the cache")
    assert said([BASE, OWN]) == "", "the host's own answered"
    assert said(after, set()) == "", "nothing was imported"
    assert stays_imported(facts(), [BASE, OWN], after, DATES) is None, "it is removed there"
