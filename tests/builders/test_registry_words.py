"""What a registry's words mean; which sentences the lab's engines gave, stands beside them."""

from __future__ import annotations

import pytest

from cachetui.builders.registry_words import RegistryTrouble, registry_trouble

HOST = "127.0.0.1:5000"
BLOB = "sha256:" + "ef58befa" * 8
OF_SOURCES: list[tuple[RegistryTrouble, str]] = [
    ("unreachable", "lookup reg on 1.1.1.1:53: no such host"),
    ("unreachable", f"dial tcp {HOST}: connect: no route to host"),
    ("unreachable", f'Head "https://{HOST}/v2/": EOF'),
    ("unreachable", f"read tcp 127.0.0.1:4->{HOST}: read: connection reset by peer"),
    ("unreachable", f"write tcp 127.0.0.1:4->{HOST}: use of closed network connection"),
    ("silent", f"dial tcp {HOST}: i/o timeout"),
    ("silent", f'Get "https://{HOST}/v2/": net/http: TLS handshake timeout'),
    ("silent", "net/http: request canceled (Client.Timeout exceeded while awaiting headers)"),
    ("silent", "context deadline exceeded"),
    ("login", f"unexpected status from HEAD request to http://{HOST}/v2/c/: 403 Forbidden"),
    ("login", "pull access denied for c, repository does not exist or may require 'docker login'"),
    (
        "login",
        "push access denied, repository does not exist or may require authorization: "
        "server message: insufficient_scope: authorization failed",
    ),
    ("login", "failed to authorize: failed to fetch oauth token: 401 Unauthorized"),
    ("tls", "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
    ("tls", "x509: certificate has expired or is not yet valid"),
    ("full", f"write {HOST}/x: no space left on device"),
    (
        "full",
        f"unexpected status from PATCH request to http://{HOST}/v2/: 507 Insufficient Storage",
    ),
    (
        "failing",
        f"unexpected status from PUT request to http://{HOST}/v2/: 503 Service Unavailable",
    ),
    ("failing", "received unexpected HTTP status: 500 Internal Server Error"),
    ("missing", "manifest unknown: manifest unknown"),
    ("missing", "blob unknown to registry"),
    ("missing", "no such manifest: c:1"),
]


RECORDED: list[tuple[RegistryTrouble, str, str]] = [
    # what it is, the command, what it said: with 20.10, 26.1, and 28.5 with both image stores
    (
        "missing",
        "pull",
        f"manifest for {HOST}/app:cache not found: manifest unknown: manifest unknown",
    ),
    (
        "missing",
        "pull",
        f'failed to resolve reference "{HOST}/app:cache": {HOST}/app:cache: not found',
    ),
    ("missing", "build --cache-from", f"{HOST}/app:cache: not found"),
    (
        "missing",
        "build --cache-from",
        f"failed to configure registry cache importer: {HOST}/app:cache: not found",
    ),
    (
        "unreachable",
        "pull",
        f'Get "http://{HOST}/v2/": dial tcp {HOST}: connect: connection refused',
    ),
    (
        "unreachable",
        "build --cache-to",
        f'error writing layer blob: failed to do request: Head "https://{HOST}/v2/app/blobs/{BLOB}"'
        f": dial tcp {HOST}: connect: connection refused",
    ),
    (
        "unreachable",
        "imagetools inspect",
        f'failed to do request: Head "http://{HOST}/v2/app/manifests/cache": dial tcp {HOST}: '
        "connect: connection refused",
    ),
    ("login", "pull", f'Head "http://{HOST}/v2/app/manifests/cache": no basic auth credentials'),
    ("login", "push", "no basic auth credentials"),
    (
        "login",
        "build --cache-from",
        f"pulling from host {HOST} failed with status code [manifests cache]: 401 Unauthorized",
    ),
    (
        "login",
        "build --cache-from",
        "failed to configure registry cache importer: unexpected status from HEAD request to "
        f"http://{HOST}/v2/app/manifests/cache: 401 Unauthorized",
    ),
    (
        "login",
        "imagetools inspect",
        "pull access denied, repository does not exist or may require authorization: "
        "authorization failed: no basic auth credentials",
    ),
    (
        "login",
        "push",
        "push access denied, repository does not exist or may require authorization: "
        "authorization failed: no basic auth credentials",
    ),
    (
        "login",
        "build --cache-to",
        "error writing layer blob: unexpected status from HEAD request to "
        f"http://{HOST}/v2/app/blobs/{BLOB}: 401 Unauthorized",
    ),
]


@pytest.mark.parametrize(("trouble", "command", "said"), RECORDED)
def test_what_the_labs_engines_said(trouble: RegistryTrouble, command: str, said: str) -> None:
    assert registry_trouble(said) == trouble, command
    assert registry_trouble(f"ERROR: {said}") == trouble


@pytest.mark.parametrize(("trouble", "said"), OF_SOURCES)
def test_what_the_sources_say(trouble: RegistryTrouble, said: str) -> None:
    assert registry_trouble(said) == trouble


@pytest.mark.parametrize(
    "said",
    [
        f"{HOST}/denied:forbidden: not found",
        f"{HOST}/full:503: not found",
        f'failed to resolve "http://{HOST}/v2/unauthorized/manifests/401": not found',
        f"failed to solve: {HOST}/eof/x509:certificate: not found",
    ],
)
def test_names_are_no_words(said: str) -> None:
    assert registry_trouble(said) == "missing"


@pytest.mark.parametrize(
    "said", ["", "something new", "the RUN failed", "invalid reference format", "exit code: 127"]
)
def test_other_words_are_of_no_registry(said: str) -> None:
    assert registry_trouble(said) is None
