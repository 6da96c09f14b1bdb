"""Values of build arguments are held against what is kept of them, where that can be read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from cachetui.config.settings import HostSettings, folder_build
from cachetui.dockerfile.parse import parse
from cachetui.findings.case import Case
from cachetui.findings.record import Finding
from cachetui.prove.change import ExperimentSetting
from cachetui.prove.changes.build_argument import build_argument_change
from cachetui.prove.errors import NoExperiment, ValueNeeded
from cachetui.prove.request import ProofRequest
from cachetui.prove.sources import argument_values
from cachetui.records.digest import ValueHasher
from tests.findings.making import HASHER, audit, before, only, run, why

TEXT = "FROM base:1\nARG N\nRUN make\n"
OTHER = ValueHasher(b"another secret")


def plain(value: str) -> str:
    return "sha256:" + hashlib.sha256(value.encode()).hexdigest()


def argument(now: str | None, then: str | None) -> tuple[Case, Finding]:
    """The finding that N changed, by its digests; None: it was not given."""
    args_now, args_then = ({"N": digest} if digest else {} for digest in (now, then))
    document = audit(TEXT, [run(TEXT, "m")], build_args=args_now)
    earlier = before(TEXT, "m", build_args=args_then)
    found = only(why(document, earlier), "build-arg-invalidates")
    return Case(document, parse(TEXT), (earlier,), hasher=HASHER), found


def values(case: Case, finding: Finding, *given: str) -> dict[str, str]:
    """The values of the build, of which hosts.toml knows N=2."""
    build = msgspec.structs.replace(folder_build(Path("/b")), build_args={"N": "2"})
    request = ProofRequest(
        case=case,
        finding=finding,
        host=HostSettings(name="ci-1", address="local"),
        hosts={},
        contexts=(build,),
        given=tuple(("N", value) for value in given),
    )
    return argument_values(request)


def earlier(case: Case, finding: Finding, *given: str) -> dict[str, str]:
    """The arguments of the build as it was, of values that were given."""
    setting = ExperimentSetting(
        case=case,
        finding=finding,
        host="ci-1",
        backend="buildkit",
        name="prove-1",
        cache_folder="/c",
        values={"N": "2"} if case.document.build.build_args else {},
        given=tuple(("N", value) for value in given),
    )
    return dict(build_argument_change(setting, ["N"]).then.build_args)


@pytest.mark.parametrize("digest", [HASHER.digest, plain])
def test_the_value_that_fits_is_taken(digest: Callable[[str], str]) -> None:
    case, finding = argument(digest("2"), digest("1"))
    assert values(case, finding) == {"N": "2"}
    assert values(case, finding, "1", "3") == {"N": "2"}
    assert earlier(case, finding, "2", "1") == {"N": "1"}
    with pytest.raises(NoExperiment, match="its digest differs"):
        earlier(case, finding, "3")
    with pytest.raises(ValueNeeded, match="earlier value of N is needed"):
        earlier(case, finding, "2")
    case, finding = argument(digest("7"), digest("1"))
    with pytest.raises(ValueNeeded, match="value that N had"):
        values(case, finding)


def test_none_is_taken_where_the_digest_is_another_secrets() -> None:
    case, finding = argument(OTHER.digest("2"), OTHER.digest("1"))
    with pytest.raises(NoExperiment, match="made with the secret of another store") as said:
        values(case, finding, "2")
    assert not isinstance(said.value, ValueNeeded), "no value that is typed could help"
    case, finding = argument(None, OTHER.digest("1"))
    with pytest.raises(NoExperiment, match="made with the secret of another store"):
        earlier(case, finding, "1")
