"""Every rule on every engine: what provokes it is found, what looks alike is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.audit.findings_of import why
from tests.lab import Lab
from tests.surprises import table
from tests.surprises.judge import judge
from tests.surprises.recording import file_of, head_of, played, restore
from tests.surprises.surprise import Surprise


@pytest.mark.lab
def test_it_is_found_where_it_is_and_only_there(
    surprise: Surprise, part: str, lab: Lab, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with surprise.played(part, lab, tmp_path) as stage:
        document, store = stage.audits[-1], stage.core.store
        seen = judge(surprise, part, document, store)
        shown_again = store.audit(document.audit)
        assert shown_again is not None
        assert why(shown_again, store) == why(document, store)
    table.note(request.config, surprise.id, part, seen)


def test_it_is_found_in_what_the_engines_gave(
    surprise: Surprise, part: str, tmp_path: Path
) -> None:
    """The same, replayed from the recording."""
    again = f"make record-surprises NAME={surprise.id}"
    file = file_of(surprise.id, part)
    assert file.exists(), f"there is no recording yet: {again}"
    recording = file.read_bytes()
    assert head_of(recording).played == played(surprise, part), f"it has changed since: {again}"
    store = restore(recording, tmp_path / "store")
    document = store.audit(store.audits()[0].audit)
    assert document is not None
    judge(surprise, part, document, store)
    assert store.warnings == []
