"""How many examples hypothesis tries: fewer in each run, many in `make test-all`.

`--hypothesis-profile=thorough` chooses the latter.
"""

from __future__ import annotations

from hypothesis import settings

QUICK, THOROUGH = "quick", "thorough"

# No deadline: how long an example takes is the machine's doing.
settings.register_profile(QUICK, max_examples=50, deadline=None)
settings.register_profile(THOROUGH, max_examples=1000, deadline=None)


def examples(times: float) -> settings:
    """So many times the examples of the profile, for a test that needs more or fewer."""
    return settings(max_examples=int(settings().max_examples * times))
