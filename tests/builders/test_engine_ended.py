"""What docker's clients say when the engine ends under a build, and what only looks like it."""

from __future__ import annotations

import pytest

from cachetui.builders.engine_ended import engine_ended

# Our lab: killed, shut down, and just restarted; both builders of 20.10.24, 26.1.5 and 28.5.2.
GONE = [
    "unexpected EOF",
    "ERROR: failed to solve: Unavailable: error reading from server: EOF",
    "ERROR: failed to build: failed to solve: Unavailable: error reading from server: EOF",
    "ERROR: failed to receive status: rpc error: code = Unavailable desc = error reading from "
    "server: EOF",
    "ERROR: failed to build: failed to receive status: rpc error: code = Unavailable desc = error "
    "reading from server: EOF",
    "Cannot connect to the Docker daemon at unix:///run/docker.sock. Is the docker daemon running?",
    "ERROR: Cannot connect to the Docker daemon at unix:///run/docker.sock. Is the docker daemon "
    "running?",
    "failed to dial gRPC: cannot connect to the Docker daemon. Is 'docker daemon' running on this "
    "host?: dial unix /run/docker.sock: connect: connection refused",
    'ERROR: error during connect: Head "http://%2Frun%2Fdocker.sock/_ping": read unix '
    "@->/run/docker.sock: read: connection reset by peer",
]
THERE = [
    "The command '/bin/sh -c x' returned a non-zero code: 1",
    'ERROR: failed to solve: process "/bin/sh -c x" did not complete successfully: exit code: 1',
    "ERROR: failed to solve: base:1: failed to resolve source metadata: unexpected EOF",
    "ERROR: failed to solve: registry.example/x: unexpected status: 503 Service Unavailable",
    "ERROR: failed to build: failed to solve: failed to read dockerfile: open Dockerfile: no such "
    "file or directory",
    "echo unexpected EOF",
]


@pytest.mark.fault("engine-ends")
@pytest.mark.parametrize("text", GONE)
def test_the_clients_last_word(text: str) -> None:
    assert engine_ended(["#5 DONE", text, " "]) == text


@pytest.mark.parametrize("text", THERE)
def test_another_failure_is_a_build_s(text: str) -> None:
    assert engine_ended([text]) is None


@pytest.mark.parametrize("text", GONE)
def test_a_run_that_prints_the_same_goes_on(text: str) -> None:
    assert engine_ended([text, THERE[0]]) is None


def test_a_build_that_says_nothing() -> None:
    assert engine_ended([]) is None
