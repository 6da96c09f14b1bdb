"""What Textual does slowly for each app is done once a process, and what it waits for, sooner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from textual import _wait
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet


@pytest.fixture(scope="session", autouse=True)
def parsed_once() -> Iterator[None]:
    """Keep what Textual parsed of each style sheet for the apps of the tests that follow.

    An app parses the style sheets of all its widgets again, also for each theme: a quarter of what
    these tests take. Textual shares the parsed rules within an app; their text, place and
    variables are all that they are made of.
    """
    parse = Stylesheet._parse_rules
    parsed: dict[tuple[object, ...], list[RuleSet]] = {}

    def parse_once(self: Stylesheet, css: str, *args: Any, **options: Any) -> list[RuleSet]:
        variables = tuple(sorted(self._variables.items()))
        key = (css, args, tuple(sorted(options.items())), variables)
        if key not in parsed:
            parsed[key] = parse(self, css, *args, **options)
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def soon_idle() -> Iterator[None]:
    """Look at shorter intervals whether an app has nothing to do.

    A pilot looks three times for each key, 20 ms each: these tests slept longer than they worked.
    The share of the processor below which an app counts as idle grows, from a 20th to a 10th.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_wait, "SLEEP_GRANULARITY", 0.005)
        patch.setattr(_wait, "SLEEP_IDLE", 0.0005)
        yield
