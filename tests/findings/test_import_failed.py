"""A cache that was not imported, by BuildKit's own words."""

from __future__ import annotations

import msgspec
import pytest

from cachetui.builders.events import Ended, Message, Started
from cachetui.builders.transfers import Transfers
from cachetui.findings import Findings
from cachetui.records.run import Run
from cachetui.records.share import CacheTransfer, Share
from tests.findings.making import audit, ids, only, run, why

TEXT = "FROM base:1\nRUN make\n"


def imported(error: str | None, *, host: str = "ci-1", name: str = "reg/app:cache") -> Run:
    transfer = CacheTransfer(direction="import", name=name, ended=True, error=error)
    return run(TEXT, "m", host=host, transfers=(transfer,))


def found(*runs: Run) -> Findings:
    return why(audit(TEXT, runs))


@pytest.mark.parametrize(
    ("error", "says", "helps"),
    [
        ("dial tcp 127.0.0.1:1: connect: connection refused", "did not answer", "docker pull"),
        ("lookup reg on 1.1.1.1:53: no such host", "did not answer", "docker pull"),
        ("failed to do request: Head: net/http: TLS handshake timeout", "did not answer", "proxy"),
        ("unexpected status from HEAD request: 503 Service Unavailable", "did not answer", "down"),
        ("reg/app:cache: not found", "it is not there", "cachetui cache"),
        ("manifest unknown: manifest unknown", "it is not there", "cachetui cache"),
        ("stat /srv/cache/index.json: no such file or directory", "not there", "cachetui cache"),
        ("pull access denied, repository does not exist", "requires a login", "docker login"),
        ("unexpected status from HEAD request: 401 Unauthorized", "requires a login", "login"),
        ("server gave HTTP response to HTTPS client", "certificate is not", "insecure-registries"),
        ("x509: certificate signed by unknown authority", "certificate is not", "certs.d"),
        ("invalid reference format", "name of an image", "buildx"),
        ("failed to unmarshal config: unexpected end of JSON", "cannot be read", "export it again"),
        ("something new", "BuildKit says why", "cachetui cache"),
    ],
)
def test_what_the_words_mean(error: str, says: str, helps: str) -> None:
    finding = only(found(imported(error)), "import-failed")
    assert finding.confidence == "proved"
    assert finding.title.startswith("the cache reg/app:cache was not imported on ci-1: ")
    assert says in finding.title
    assert helps in finding.advice
    assert error in finding.evidence[0].text


def test_hosts_in_the_same_trouble_are_one_finding() -> None:
    refused = "dial tcp 127.0.0.1:1: connect: connection refused"
    both = found(imported(refused), imported(refused, host="ci-2"))
    assert only(both, "import-failed").hosts == ("ci-1", "ci-2")
    other = found(imported(refused), imported("reg/app:cache: not found", host="ci-2"))
    assert ids(other).count("import-failed") == 2


def test_what_the_client_split_at_a_comma_is_one_cache() -> None:
    """As 20.10 without buildx does: its build asks for each piece."""
    given = "type=registry,ref=reg/app:cache"
    transfers = tuple(
        CacheTransfer(direction="import", name=name, ended=True, error="invalid reference format")
        for name in given.split(",")
    )
    document = audit(
        TEXT, [run(TEXT, "m", transfers=transfers)], docker_args=("--cache-from", given)
    )
    finding = only(why(document), "import-failed")
    assert finding.title.startswith(f"the cache {given} was not imported on ci-1: ")
    assert "--cache-from REF" in finding.advice
    told = [fact.text for fact in finding.evidence if fact.kind == "run"]
    assert [name in " ".join(told) for name in given.split(",")] == [True, True]


def test_an_import_that_went_well_or_an_export_is_none() -> None:
    assert "import-failed" not in ids(found(imported(None)))
    export = CacheTransfer(direction="export", name="", ended=True, error="denied")
    assert "import-failed" not in ids(found(run(TEXT, "m", transfers=(export,))))


def test_share_tells_of_its_own_imports_itself() -> None:
    document = audit(TEXT, [imported("reg/app:cache: not found")])
    share = Share(exporter="ci-1", kinds=(), exports=())
    assert "import-failed" not in ids(why(msgspec.structs.replace(document, share=share)))


def test_a_folder_that_is_not_there_is_known_by_its_warning() -> None:
    transfers = Transfers()
    line = "local cache import at /srv/my cache not found due to err: could not read /srv/my cache"
    for text in ("something else", f'time="now" level=warning msg="{line}"', f"WARNING: {line}"):
        transfers.apply(Message(text=text, at=1.0))
    (transfer,) = transfers.all
    assert (transfer.direction, transfer.name) == ("import", "/srv/my cache")
    assert transfer.error == "could not read /srv/my cache"


def test_an_import_ends_with_its_error() -> None:
    transfers = Transfers()
    transfers.apply(Started(key="#3", name="importing cache manifest from reg/app:cache", at=1.0))
    transfers.apply(Ended("#3", "failed", at=2.0, seconds=1.0, timing="engine", error="not found"))
    (transfer,) = transfers.all
    assert transfer.error == "not found"
