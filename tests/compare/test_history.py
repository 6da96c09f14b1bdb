from __future__ import annotations

import msgspec

from cachetui.compare.history import trends
from tests import make_records as b


def test_a_trend_is_in_order_of_time_and_counts_a_stored_run_once() -> None:
    first = b.document([b.run("new", "buildkit-cold", id="r1")])
    later = [
        b.run("new", "buildkit-cold", id="r2", started_at=b.NOW + 60, seconds=9.0, repeat=2),
        b.run("new", "buildkit-cold", id="r1", stored=True),
        b.run("new", "buildkit-warm", id="r3", started_at=b.NOW + 90),
        b.run("new", "buildkit-cold", id="r4", status="failed", started_at=b.NOW + 95),
        b.unsupported("new", "legacy-cold"),
    ]
    second = b.document(later, started_at=b.NOW + 100)
    cold, warm = trends([second, first])
    assert [point.at for point in cold.points] == [b.NOW, b.NOW + 60, b.NOW + 95]
    assert cold.seconds == (first.runs[0].seconds, 9.0)
    assert cold.hit_ratios == (0.0, 0.0)
    assert (warm.scenario, warm.hit_ratios) == ("buildkit-warm", (1.0,))


def test_builds_are_kept_apart() -> None:
    api = b.document([b.run("new", "buildkit-cold")])
    web = msgspec.structs.replace(api, build=msgspec.structs.replace(api.build, name="web"))
    assert [trend.build for trend in trends([api, web])] == ["api", "web"]
    assert [trend.build for trend in trends([api, web], "web")] == ["web"]
