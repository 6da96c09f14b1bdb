"""The locks hold what pyproject.toml asks for, by hash, and name no index."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.docs.console import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
RUN = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["build"]]
DEV = [*RUN, *PROJECT["project"]["optional-dependencies"]["dev"]]


@pytest.mark.parametrize(
    ("lock", "wanted"), [("requirements.lock", RUN), ("requirements-dev.lock", DEV)]
)
def test_a_lock_pins_every_dependency_by_hash(lock: str, wanted: list[str]) -> None:
    text = (ROOT / lock).read_text("utf-8")
    pinned = dict(re.findall(r"^([\w.-]+)==[^\n]*\\\n +(--hash=sha256:)", text, re.MULTILINE))
    names = [re.split(r"[^\w.-]", name, maxsplit=1)[0].lower() for name in wanted]
    assert [name for name in names if name not in pinned] == [], "make lock"
    assert len(pinned) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE))


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert not re.search(r"://|--(?:extra-)?index-url|--find-links|(?:^| )/", text, re.MULTILINE)
