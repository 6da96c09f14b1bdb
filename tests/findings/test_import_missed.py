"""A cache that came, and a step that missed all the same."""

from __future__ import annotations

import msgspec
import pytest

from cachetui.dockerfile.parse import parse
from cachetui.findings import Finding, Findings
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.share import CacheTransfer
from cachetui.records.shared_cache import CachedStep, CacheKind, Held, SharedCache
from tests.findings.making import audit, host, ids, only, run, why

TEXT = (
    "FROM base:1 AS deps\nRUN make\nFROM base:1\nCOPY src /src\nCOPY --from=deps /d /d\nRUN end\n"
)
NAME = "reg/app:cache"


def cache(
    held: Held, line: int, *, kind: CacheKind = "registry", platforms: tuple[str, ...] = ()
) -> SharedCache:
    """A cache that has this of the step of a line, and of all others the result."""
    steps = tuple(
        CachedStep(
            stage=None,
            stage_index=item.stage_index,
            index=item.index,
            line=item.line,
            instruction=item.text,
            held=held if item.line == line else "kept",
        )
        for item in parse(TEXT).instructions
        if item.keyword in ("RUN", "COPY")
    )
    return SharedCache(
        name=NAME, host="ci-1", kind=kind, digest="sha256:1", platforms=platforms, steps=steps
    )


def imported(
    letters: str,
    *caches: SharedCache,
    error: str | None = None,
    name: str = "ci-1",
    scenario: str = "buildkit-imported",
) -> Run:
    transfer = CacheTransfer(direction="import", name=NAME, ended=True, error=error)
    return run(TEXT, letters, host=name, scenario=scenario, transfers=(transfer,), imports=caches)


def found(*runs: Run, hosts: tuple[HostReport, ...] | None = None) -> Findings:
    return why(audit(TEXT, runs, hosts=hosts))


def missed(*runs: Run, hosts: tuple[HostReport, ...] | None = None) -> Finding:
    finding = only(found(*runs, hosts=hosts), "import-missed")
    assert NAME in finding.title
    return finding


@pytest.mark.parametrize(
    ("held", "kind", "says", "helps"),
    [
        ("not-kept", "registry", "exported as mode=min", "mode=max"),
        ("not-kept", "inline", "no stage but the last", "mode=max"),
        ("absent", "registry", "another Dockerfile", "Export the cache again"),
    ],
)
def test_what_the_cache_has_of_the_step(held: Held, kind: CacheKind, says: str, helps: str) -> None:
    finding = missed(imported("mhhh", cache(held, 2, kind=kind)))
    assert finding.confidence == "likely"
    assert says in finding.title
    assert helps in finding.advice
    assert "read on ci-1" in finding.evidence[1].text


def test_files_that_a_copy_reads_are_others() -> None:
    finding = missed(imported("hmmm", cache("kept", 4)))
    assert finding.confidence == "likely"
    assert "files that it copies" in finding.title
    assert "line 4" in finding.title


def test_a_run_of_which_the_cache_has_a_result() -> None:
    finding = missed(imported("mhhh", cache("kept", 2)))
    assert finding.confidence == "possible"
    assert "argument" in finding.title


def test_engines_of_two_generations() -> None:
    old, new = host("old", facts_engine="20.10.24"), host("new", facts_engine="28.5.2")
    runs = (imported("mhhh", name="old"), imported("hhhh", name="new"))
    finding = missed(*runs, hosts=(old, new))
    assert finding.confidence == "likely"
    assert finding.hosts == ("old",)
    assert "makes other keys" in finding.title
    assert "hit on new" in finding.evidence[1].text


def test_a_cache_mount_that_newer_engines_have_another_key_of() -> None:
    text = "FROM base:1\nRUN --mount=type=cache,target=/c make\n"
    held = SharedCache(
        name=NAME,
        host="mid",
        kind="registry",
        digest="sha256:1",
        steps=(
            CachedStep(stage=None, stage_index=0, index=1, line=2, instruction="RUN", held="kept"),
        ),
    )
    came = CacheTransfer(direction="import", name=NAME, ended=True)
    runs = [
        run(
            text,
            letter,
            host=name,
            scenario="buildkit-imported",
            transfers=(came,),
            imports=(held,),
        )
        for name, letter in (("mid", "m"), ("new", "h"))
    ]
    hosts = [host("mid", facts_engine="26.1.5"), host("new", facts_engine="28.5.2")]
    both = only(why(audit(text, runs, hosts=hosts)), "import-missed")
    assert (both.confidence, both.hosts) == ("likely", ("mid",))
    assert "another key of a RUN with a cache mount" in both.title
    alone = only(why(audit(text, runs[:1], hosts=hosts[:1])), "import-missed")
    assert alone.confidence == "possible"


def test_another_platform() -> None:
    finding = missed(imported("mhhh", cache("kept", 2, platforms=("linux/arm64",))))
    assert "linux/arm64" in finding.title
    same = missed(imported("mhhh", cache("kept", 2, platforms=("linux/amd64",))))
    assert "platform" not in same.title


def test_a_base_that_the_host_has_itself() -> None:
    pulled = msgspec.structs.replace(imported("hhhh", name="ci-2"), bases={"base:1": "sha256:1"})
    finding = missed(imported("mhhh"), pulled)
    assert finding.confidence == "possible"
    assert "the host has base:1 as an image of its own" in finding.title
    assert "Build with --pull" in (finding.advice or "")


@pytest.mark.parametrize(
    "run_",
    [
        imported("hhhh", cache("not-kept", 2)),
        imported("mhhh", cache("not-kept", 2), error="connection refused"),
        imported("mhhh", cache("not-kept", 2), scenario="buildkit-as-found"),
        imported("mhhh", cache("unknown", 2)),
        imported("mhhh"),
    ],
)
def test_where_it_is_silent(run_: Run) -> None:
    assert "import-missed" not in ids(found(run_))
