"""An experiment on an ONBUILD trigger is refused, with why and with what would do."""

from __future__ import annotations

from typing import Any

import pytest

from cachetui.dockerfile.parse import parse
from cachetui.findings.case import Case
from cachetui.prove.change import ExperimentSetting
from cachetui.prove.changes import change_for
from cachetui.prove.errors import NoExperiment
from tests.findings.making import HASHER, only, why
from tests.findings.test_triggers import contexts, triggered


@pytest.mark.parametrize(
    ("letters", "rule", "now", "then"),
    [
        ("hhmm", "context-content", {"context_digest": "sha256:now"}, {}),
        (
            "hhhm",
            "build-arg-invalidates",
            {"build_args": {"VERSION": "sha256:2"}},
            {"build_args": {"VERSION": "sha256:1"}},
        ),
    ],
)
@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
def test_it_is_refused_with_what_it_would_need(
    letters: str, rule: str, now: dict[str, Any], then: dict[str, Any], backend: str
) -> None:
    scenario = f"{backend}-as-found"
    if backend == "buildkit":
        letters = "--" + letters[2:]
    document = triggered(letters, "m", scenario=scenario, **now)
    before = triggered(letters.replace("m", "h"), "h", then=True, scenario=scenario, **then)
    finding = only(why(document, before, manifests=contexts("new")), rule)
    case = Case(
        document=document,
        dockerfile=parse(document.build.dockerfile_text).with_bases(document.build.bases),
        earlier=(before,),
        manifests=contexts("new"),
        hasher=HASHER,
    )
    setting = ExperimentSetting(case, finding, "ci-1", backend, "prove-1", "/c")  # type: ignore[arg-type]
    with pytest.raises(NoExperiment) as said:
        change_for(setting)
    text = str(said.value)
    assert text.startswith("the step is an ONBUILD trigger of onb:1, which runs before anything")
    assert "else below line 1: no build can have it in a cache of its own" in text
    assert "what your next build takes" in text
    assert "With the triggers written out in the Dockerfile" in text
