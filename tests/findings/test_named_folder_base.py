"""A stage that is FROM a folder of --build-context."""

from __future__ import annotations

from typing import Any

from cachetui.context.manifest import Entry
from cachetui.findings import Findings
from tests.findings.making import audit, before, entries, ids, only, run, why

FOLDER = "FROM data AS one\nCOPY src /src\nRUN make\nFROM base:1\nCOPY --from=one /src /\n"
RULE = "named-folder-base"


def standing(
    letters: str, *, then: str = "mmm", context: str = "sha256:context", text: str = FOLDER
) -> Findings:
    named: dict[str, Any] = {"named_contexts": ("data",)}
    document = audit(text, [run(text, letters)], context_digest=context, **named)
    manifests: dict[str, tuple[Entry, ...]] = {
        "sha256:context": entries(src="1"), "sha256:other": entries(src="1"),
    }  # fmt: skip
    earlier = [before(text, then, **named)] if then else []
    return why(document, *earlier, manifests=manifests)


def test_what_stands_on_a_folder_is_built_anew() -> None:
    one = only(standing("mmh"), RULE)
    assert (one.confidence, one.name) == ("proved", f"{RULE}:2")
    assert "COPY --from=data . /" in one.advice
    assert ids(standing("mmh", then="")) == [RULE], "a first build: and so will each be"
    assert only(standing("mmh", then=""), RULE).confidence == "likely"
    assert only(standing("mmh", context="sha256:other"), RULE).confidence == "likely"


def test_what_copies_of_a_folder_is_looked_up() -> None:
    copied = FOLDER.replace("FROM data", "FROM scratch").replace("src /src", "--from=data . /src")
    assert RULE not in ids(standing("mmh", text=copied))
    assert RULE not in ids(standing("hhm"))
    linked = FOLDER.replace("COPY src", "COPY --link src")
    assert RULE not in ids(standing("mhh", text=linked))
