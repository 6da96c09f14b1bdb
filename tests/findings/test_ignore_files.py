"""Each builder's own ignore file: what it hides, and what advice names it."""

from __future__ import annotations

from typing import Any

import pytest

from cachetui.context.manifest import Entry
from cachetui.findings import Finding, Findings
from tests.findings.making import audit, before, entries, ids, run, why

TEXT = "FROM base:1\nCOPY . /app\n"
OWN = "Dockerfile.dockerignore"


def differ(
    scenario: str,
    *,
    ignores: tuple[dict[str, str], dict[str, str]],
    file: str = "notes.log",
    outside: bool = True,
    dockerfile: str = "Dockerfile",
    name: str = "app.Dockerfile",
) -> Findings:
    """Two audits between which one file of the context changed, or only an ignore file."""
    now, then = ignores
    paths = [*(["Dockerfile", OWN] if outside else []), "context/Dockerfile"]
    paths += [path for path in now if path.startswith("context/")]
    more = tuple(Entry(path, "file", 0o644) for path in paths)
    named = file.replace(".", "_dot_")
    manifests = {
        "sha256:old": (*entries(**{"app": "a", named: "1"}), *more),
        "sha256:new": (*entries(**{"app": "a", named: "2"}), *more),
    }
    build: dict[str, Any] = {
        "dockerfile": dockerfile,
        "dockerfile_name": name if outside else "",
    }
    document = audit(
        TEXT, [run(TEXT, "m", scenario=scenario)], context_digest="sha256:new",
        ignore_files=now, **build,
    )  # fmt: skip
    earlier = before(
        TEXT, "m", scenario=scenario, context_digest="sha256:old", ignore_files=then, **build
    )
    return why(document, earlier, manifests=manifests)


def one(found: Findings) -> Finding:
    (finding,) = found.findings
    return finding


def test_buildkit_reads_the_file_beside_a_dockerfile_outside_of_the_context() -> None:
    hides = {OWN: "*.log\n"}
    assert ids(differ("buildkit-as-found", ignores=(hides, hides))) == ["evicted-or-never-built"]
    shows = {OWN: "nothing\n"}
    found = differ("buildkit-as-found", ignores=(shows, shows))
    assert ids(found) == ["context-unneeded-file"]
    assert one(found).advice == "Add to app.Dockerfile.dockerignore, one line each: *.log"
    found = differ("buildkit-as-found", ignores=(shows, hides))
    assert ids(found) == ["context-unneeded-file"], "it is the ignore file that changed"
    inside = {f"context/{OWN}": "*.log\n"}
    assert ids(differ("buildkit-as-found", ignores=(inside, inside))) != [
        "evicted-or-never-built"
    ], "that of another Dockerfile, which happens to be in the context"


@pytest.mark.parametrize(("file", "rule"), [("notes.log", "context-unneeded-file"),
                                            ("code", "context-content")])  # fmt: skip
def test_the_legacy_builder_never_reads_it_and_that_is_the_answer(file: str, rule: str) -> None:
    hides = {OWN: f"{file}\n"}
    found = differ("legacy-as-found", ignores=(hides, hides), file=file)
    assert ids(found) == [rule]
    said = " ".join(evidence.text for evidence in one(found).evidence)
    assert f"app.{OWN} excludes {file}, for BuildKit alone" in said
    assert "the lines of app.Dockerfile.dockerignore" in one(found).advice
    other = differ("legacy-as-found", ignores=({OWN: "x\n"}, {OWN: "x\n"}), file=file)
    said = " ".join(evidence.text for evidence in one(other).evidence)
    assert "for BuildKit alone" not in said
    if rule == "context-unneeded-file":
        assert one(other).advice.startswith("Add to .dockerignore, one line each: *.log")
        assert "BuildKit reads app.Dockerfile.dockerignore" in one(other).advice


def test_without_one_both_read_dockerignore() -> None:
    plain = {"context/.dockerignore": "nothing\n"}
    for scenario in ("legacy-as-found", "buildkit-as-found"):
        found = differ(scenario, ignores=(plain, plain), outside=False)
        assert one(found).advice == "Add to .dockerignore, one line each: *.log"
    own = {"context/deploy/app.Dockerfile.dockerignore": "nothing\n"}
    found = differ(
        "buildkit-as-found", ignores=(own, own), outside=False, dockerfile="deploy/app.Dockerfile"
    )
    assert "Add to deploy/app.Dockerfile.dockerignore" in one(found).advice
