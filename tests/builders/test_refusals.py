"""Whose words are a refusal of what another builder knows: the sentences are those of the lab."""

from __future__ import annotations

import pytest

from cachetui.builders.refusals import ignored_options, refusal
from cachetui.builders.unsupported import unsupported
from cachetui.dockerfile.parse import parse
from cachetui.records.backend import Backend

REFUSED = (
    "unknown flag: --build-context",
    "unknown flag: --secret",
    "unknown flag: --no-cache-filter",
    "unknown shorthand flag: 'o' in -o",
    '"--squash" is only supported on a Docker daemon with experimental features enabled',
    "Error response from daemon: The daemon on this platform does not support setting security "
    "options on build",
    'Error response from daemon: unsupported isolation: "hyperv"',
    "ERROR: failed to build: Attestation is not supported for the docker driver.",
    "ERROR: failed to solve: unexpected key 'env' in 'env=S'",
    "failed to solve with frontend dockerfile.v0: failed to create LLB definition: dockerfile "
    "parse error line 3: Unknown flag: exclude",
    "ERROR: failed to build: failed to solve: dockerfile parse error on line 3: unknown flag: "
    "--parents",
    "Error response from daemon: dockerfile parse error on line 2: unknown flag: exclude",
    "Error response from daemon: dockerfile parse error line 2: Unknown flag: link",
)
OWN_FAULTS = (
    "unknown flag: --nosuch",
    "See 'docker build --help'.",
    "ERROR: failed to solve: unexpected key 'nosuch' in 'nosuch=S'",
    "dockerfile parse error on line 3: unknown flag: --exclud",
    "dockerfile parse error on line 3: unknown instruction: RUNN",
    'ERROR: failed to solve: process "/bin/sh -c make" did not complete: exit code: 1',
)


@pytest.mark.parametrize("text", REFUSED)
def test_a_refusal(text: str) -> None:
    assert refusal(["DEPRECATED: the legacy builder", text, "See 'docker build --help'."]) == text


@pytest.mark.parametrize("text", OWN_FAULTS)
def test_a_fault_of_the_builds_own(text: str) -> None:
    assert refusal([text]) is None


@pytest.mark.parametrize(
    ("engine", "syntax", "known"),
    [
        ("20.10.24", "", False),
        ("26.1.5", "", False),
        ("28.5.2", "", True),
        ("26.1.5", "# syntax=docker/dockerfile:1.10\n", True),
        ("26.1.5", "# syntax=docker/dockerfile:1.9\n", False),
    ],
)
def test_a_secret_as_variable_is_foreseen(engine: str, syntax: str, known: bool) -> None:
    file = parse(f"{syntax}FROM a\nRUN --mount=type=secret,id=s,env=S true\n")
    found = unsupported(file, None, "buildkit", engine)
    assert (found is None) == known
    if found is not None:
        assert "does not know env= of RUN --mount=type=secret" in found.reason


@pytest.mark.parametrize(
    ("backend", "engine", "args", "said"),
    [
        ("legacy", "20.10.24", ("--secret", "id=x"), "--secret"),
        ("legacy", "20.10.24", ("--ssh=default", "--stream"), "--ssh, --stream"),
        ("legacy", "26.1.5", ("--secret", "id=x"), None),  # refused
        ("legacy", "26.1.5", ("--memory", "1g"), None),
        ("buildkit", "20.10.24", ("-m", "1g", "-c512"), "--memory, --cpu-shares"),
        ("buildkit", "20.10.24", ("--squash",), None),  # refused
        ("buildkit", "28.5.2", ("--squash", "--memory=1g"), "--squash, --memory"),
        ("buildkit", "28.5.2", ("--secret", "id=x"), None),
    ],
)
def test_options_that_are_taken_and_ignored(
    backend: Backend, engine: str, args: tuple[str, ...], said: str | None
) -> None:
    note = ignored_options(backend, engine, args)
    assert note == (said and f"the {backend} builder ignores {said}")
