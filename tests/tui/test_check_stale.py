"""`--check-stale` from the app: offered to builds that import, and told when the audit ends."""

from __future__ import annotations

import msgspec

from cachetui.tui.screens.start_dialog import CONTROLLED_NAMES
from tests.report.test_stale import OPENSSL, check, step
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore


def importing() -> FakeCore:
    """A core whose build imports a cache; of which ci-1's brings an older package."""
    core = FakeCore()
    builds = {
        name: msgspec.structs.replace(build, docker_args=("--cache-from", "reg/app:cache"))
        for name, build in core.settings.builds.items()
    }
    core.settings = msgspec.structs.replace(core.settings, builds=builds)
    core.stale = (check(step(packages=(OPENSSL,))), check(host="ci-2"))
    return core


def test_what_imports_brought_is_compared_when_the_audit_ends() -> None:
    async def story(d: Driver) -> None:
        await d.press("r")
        await d.see("[ ] check stale", "does an import bring today's content?")
        await d.press("end", "space")
        await d.see("[✓] check stale")
        await d.press("r")
        await d.until(lambda: d.core.prepared)
        options = d.core.prepared[0][2]
        assert (options.check_stale, options.outputs) == (True, True)
        assert set(options.scenarios or ()) == set(CONTROLLED_NAMES), "those that are turned on"
        assert not d.core.stale_asked
        d.audit.end()
        await d.until(lambda: len(d.toasts()) >= 3, "what was found")
        assert d.core.stale_asked == [d.audit.id]
        assert any("openssl 3.0.14 → 3.0.15" in said for said in d.toasts())
        assert any("ci-2: the import is sound" in said for said in d.toasts())
        await d.until(lambda: d.app.session.document is not None)
        assert d.app.session.document is not None
        assert d.app.session.document.stale == d.core.stale

    drive(story, importing(), opened=False)


def test_a_stopped_audit_is_not_compared() -> None:
    async def story(d: Driver) -> None:
        await d.press("r")
        await d.see("check stale")
        await d.press("end", "space", "r")
        await d.until(lambda: d.core.prepared)
        await d.until(lambda: d.app.session.running)
        d.app.session.stop()
        await d.until(lambda: not d.app.session.running)
        assert not d.core.stale_asked

    drive(story, importing(), opened=False)


def test_it_is_not_offered_to_a_build_that_imports_nothing() -> None:
    async def story(d: Driver) -> None:
        await d.press("r")
        await d.see("[ ] outputs")
        assert "check stale" not in d.text()

    drive(story, opened=False)
