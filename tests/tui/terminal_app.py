"""A program that runs the app on fake data in a real terminal: for `test_terminal`.

Arguments: what is to happen (`idle`, `audit`, `stubborn`, `crash`, `loading`).
"""

import os
import sys
import time

from cachetui.tui import run_app
from cachetui.tui.first_frame import first_frame
from cachetui.tui.screens.fleet import FleetPlace
from tests.tui.fake import FakeCore


def main() -> int:
    """Run it; returns the exit code."""
    what = sys.argv[1]
    if what == "loading":
        with first_frame():
            time.sleep(60)
    core = FakeCore(pace=float(os.environ.get("PACE", "0.01")), stubborn=what == "stubborn")
    if what == "crash":

        def crash(_: object) -> None:
            secret = "".join(("hun", "ter2"))
            raise RuntimeError(f"broken on purpose ({len(secret)})")

        FleetPlace.action_fold = crash  # type: ignore[method-assign, assignment]
    build = next(iter(core.settings.builds.values()))
    if what == "crash":
        core.store.documents[core.document.audit] = core.document
        return run_app(core, build=build, audit=core.document.audit)
    return run_app(core, build=build, start=what != "idle")


if __name__ == "__main__":
    sys.exit(main())
