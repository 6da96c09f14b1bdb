"""A shared cache as text: nothing of it reaches the terminal uncleaned, and it fits."""

from __future__ import annotations

import msgspec
import pytest

from cachetui.records.shared_cache import CachedStep, CacheLayer, SharedCache
from cachetui.report.shared_cache import text

NOW = 1_790_000_000.0
HOSTILE = "\x1b]52;c;YQ==\x07\u202eevil\n"
LAYER = CacheLayer(digest="sha256:" + "a" * 64, bytes=1234, created=NOW - 3 * 86400)
STEP = CachedStep(
    stage=None, stage_index=1, index=1, line=7, instruction=f"RUN {HOSTILE}", held="kept",
    layers=(LAYER.digest,), bytes=1234, created=NOW - 3 * 86400, platform="linux/amd64",
)  # fmt: skip


def cache(**changes: object) -> SharedCache:
    values: dict[str, object] = {
        "name": f"ref{HOSTILE}", "host": HOSTILE, "kind": "inline", "digest": LAYER.digest,
        "platforms": (f"linux/{HOSTILE}",), "layers": (LAYER,), "keys": 4, "results": 1,
        "bytes": 1234, "oldest": NOW - 3 * 86400, "newest": NOW - 3600.0,
        "problems": (HOSTILE,), "notes": (HOSTILE,),
    }  # fmt: skip
    return SharedCache(**{**values, **changes})  # type: ignore[arg-type]


def test_it_is_clean_and_fits() -> None:
    for steps in (None, (STEP,) * 3):
        shown = text(cache(steps=steps), now=NOW, width=60, color=False)
        assert not any(char in shown for char in "\x1b\x07\u202e")
        assert max(map(len, shown.splitlines())) <= 60
        assert "3 d ago" in shown


def test_steps_stand_in_place_of_layers() -> None:
    shown = text(cache(steps=(STEP,)), now=NOW, width=100, color=False)
    assert "   7  stage-1  RUN evil" in shown
    assert "kept" in shown
    assert "told by" in shown
    told = cache(steps=(msgspec.structs.replace(STEP, told_by="image"),))
    assert "kept          image" in text(told, now=NOW, width=100, color=False)
    assert "sha256:aaaa" not in shown
    assert "sha256:aaaa" in text(cache(), now=NOW, width=100, color=False)


def test_several_platforms_are_told_apart() -> None:
    both = cache(steps=(STEP,), platforms=("linux/amd64", "linux/arm64"))
    assert "[linux/amd64] RUN" in text(both, now=NOW, width=100, color=False)


def test_no_date_is_no_date() -> None:
    bare = CacheLayer(digest=LAYER.digest)
    shown = text(cache(layers=(bare,), oldest=None, newest=None), now=NOW, width=100, color=False)
    assert "made" in shown
    assert "ago" not in shown


@pytest.mark.fault("host-trouble")
def test_a_date_that_is_still_to_come_is_no_age() -> None:
    shown = text(cache(newest=NOW + 366 * 86400), now=NOW, width=300, color=False)
    assert "the newest 2027-09-22, by a clock that was ahead" in shown
