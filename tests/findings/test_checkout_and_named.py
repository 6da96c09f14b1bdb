"""A host's own checkout tells nothing of a named context: no file of one is said to be missing."""

from __future__ import annotations

import hashlib

import pytest

from cachetui.context.manifest import Entry
from cachetui.records.host import BaseImage, Checkout, HostEvidence
from tests import make_records as b
from tests.findings.making import audit, entries, host, ids, only, run, why

TEXT = "FROM base:1\nCOPY --from=data conf /conf\nCOPY a.txt /a\nRUN make\n"
CONF = hashlib.sha256(b"abc").hexdigest()
NAMED = (
    Entry("contexts", "dir", 0o755),
    Entry("contexts/data", "dir", 0o755),
    Entry("contexts/data/conf", "file", 0o644, 3, CONF),
)


@pytest.mark.parametrize("letters", ["mmm", "hmm"])
@pytest.mark.parametrize("text", ["one", "two"], ids=["same", "other"])
def test_only_the_build_context_is_held_against_the_checkout(text: str, letters: str) -> None:
    there = Checkout(path="/src", digest="sha256:checkout", files=2)
    bases = (BaseImage(ref="base:1", id="sha256:id"),)
    seen = HostEvidence(at=b.NOW, bases=bases, checkout=there)
    document = audit(
        TEXT,
        [run(TEXT, letters), run(TEXT, "hhh", host="ci-2")],
        hosts=[host("ci-1", evidence=seen), host("ci-2")],
        named_contexts=("data",),
    )
    manifests = {
        "sha256:context": (*entries(Dockerfile=TEXT, a_dot_txt="one"), *NAMED),
        "sha256:checkout": entries(Dockerfile=TEXT, a_dot_txt=text),
    }
    found = why(document, manifests=manifests)
    if text == "one":
        assert ids(found) == []
    else:
        one = only(found, "context-content")
        assert [step.index for step in one.steps] == [2]
        assert "conf" not in " ".join([one.title, *(fact.text for fact in one.evidence)])
    assert not any("named context" in fact.text for one in found.findings for fact in one.evidence)
