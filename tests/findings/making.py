"""Small audits made by hand: a Dockerfile, who ran it, and which of its steps hit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cachetui.context.manifest import Entry
from cachetui.dockerfile.parse import parse
from cachetui.findings import Finding, Findings, Proof, explain_audit
from cachetui.records.digest import ValueHasher
from cachetui.records.document import BuildRecord, Document
from cachetui.records.host import BaseImage, ClientSettings, HostEvidence, HostReport
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId, StepStatus
from tests import make_records as b

BUILT = ("FROM", "RUN", "COPY", "ADD", "WORKDIR")
LETTERS: Mapping[str, StepStatus] = {
    "h": "hit", "m": "miss", "f": "failed", "n": "not-needed", "r": "not-reached",
}  # fmt: skip
BASE = ("sha256:base",)
HASHER = ValueHasher(b"the secret of these audits")


def run(
    text: str,
    letters: str,
    *,
    host: str = "ci-1",
    scenario: str = "buildkit-as-found",
    repeat: int = 1,
    audit: str = "now",
    at: float = b.NOW,
    seconds: Mapping[int, float] | None = None,
    side_by_side: bool = False,
    same: Mapping[tuple[int, int], tuple[int, int]] | None = None,
    **more: Any,
) -> Run:
    """A run of `text`; `letters` has one of hmfnr for each of its steps but FROM and the ARGs
    before it, in the backend's own steps. A step takes a second, or what `seconds` says by its
    line, after the one before it; `side_by_side`: each stage begins at 0."""
    backend = scenario.split("-")[0]
    file = parse(text)
    left = iter(letters.replace(" ", ""))
    steps: list[Step] = []
    clock: dict[int, float] = {}
    for item in (one for stage in file.stages for one in stage.instructions):
        if backend == "buildkit" and item.keyword not in BUILT:
            continue
        status = "miss" if item.keyword == "FROM" else LETTERS[next(left)]
        begin = clock.get(item.stage_index if side_by_side else 0, 0.0)
        took = (seconds or {}).get(item.line, 1.0) if status in ("miss", "failed") else 0.0
        took = 0.0 if item.keyword == "FROM" else took
        clock[item.stage_index if side_by_side else 0] = begin + took
        steps.append(
            b.step(
                item.stage_index,
                item.index,
                item.text,
                status,
                took,
                line=item.line,
                started=begin,
                finished=begin + took,
                same_as=(same or {}).get((item.stage_index, item.index)),
            )
        )
    assert next(left, None) is None, "more letters than steps"
    return b.run(
        host,
        scenario,
        steps=tuple(steps),
        repeat=repeat,
        id=f"{audit}-{host}-{scenario}-{repeat}",
        audit=audit,
        started_at=at,
        mounts=(),
        **more,
    )


def host(name: str = "ci-1", bases: Mapping[str, Any] | None = None, **more: Any) -> HostReport:
    """A well host that has base:1; `facts` as keywords with `facts_`."""
    known = {key[6:]: more.pop(key) for key in list(more) if key.startswith("facts_")}
    known.setdefault("client_settings", ClientSettings())
    there = dict(bases or {"base:1": BASE})
    images = tuple(BaseImage(ref=ref, id="sha256:id") for ref, layers in there.items() if layers)
    more.setdefault("evidence", HostEvidence(at=b.NOW, bases=images))
    return b.host(name, facts=b.facts(bases=there, **known), **more)


def audit(
    text: str,
    runs: Iterable[Run],
    *,
    hosts: Iterable[HostReport] | None = None,
    at: float = b.NOW,
    audit: str = "now",
    **build: Any,
) -> Document:
    """The audit of these runs; keywords are the build's."""
    made = tuple(runs)
    names = dict.fromkeys(one.host for one in made)
    defaults: dict[str, Any] = {
        "name": "api",
        "context_digest": "sha256:context",
        "dockerfile": "Dockerfile",
        "dockerfile_text": text,
        "bases": tuple(stage.base for stage in parse(text).stages),
    }
    return b.document(
        made,
        hosts=[host(name) for name in names] if hosts is None else hosts,
        audit=audit,
        started_at=at,
        build=BuildRecord(**{**defaults, **build}),
    )


def before(
    text: str, letters: str, *, scenario: str = "buildkit-as-found", **more: Any
) -> Document:
    """An audit of an hour ago with one run as found, or of each host that `names` names."""
    names = more.pop("names", ("ci-1",))
    hosts = more.pop("hosts", None)
    at = b.NOW - 3600
    runs = [run(text, letters, host=name, scenario=scenario, audit="then", at=at) for name in names]
    return audit(text, runs, at=at, audit="then", hosts=hosts, **more)


def why(
    document: Document,
    *earlier: Document,
    manifests: Mapping[str, tuple[Entry, ...]] | None = None,
    outputs: Mapping[tuple[str, StepId], str] | None = None,
    proofs: Iterable[Proof] = (),
) -> Findings:
    return explain_audit(
        document,
        dockerfile=parse(document.build.dockerfile_text).with_bases(document.build.bases),
        earlier=earlier,
        manifests=manifests,
        outputs=outputs,
        proofs=proofs,
        hasher=HASHER,
    )


def ids(found: Findings) -> list[str]:
    return [one.id for one in found.findings]


def only(found: Findings, rule: str) -> Finding:
    """The one finding of that rule."""
    (one,) = [one for one in found.findings if one.id == rule]
    return one


def entries(**files: str | tuple[str, int]) -> tuple[Entry, ...]:
    """A context: name (`__` is a slash, `_dot_` a dot) → content, or content and mode."""
    import hashlib

    made = [Entry("context", "dir", 0o755)]
    for name, value in files.items():
        text, mode = value if isinstance(value, tuple) else (value, 0o644)
        path = name.replace("__", "/").replace("_dot_", ".")
        for end in [i for i, char in enumerate(path) if char == "/"]:
            folder = Entry(f"context/{path[:end]}", "dir", 0o755)
            if folder not in made:
                made.append(folder)
        digest = hashlib.sha256(text.encode()).hexdigest()
        made.append(Entry(f"context/{path}", "file", mode, len(text), digest))
    return tuple(sorted(made, key=lambda entry: entry.path))
