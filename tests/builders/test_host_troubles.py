"""Failures that are a host's own trouble have a sentence of their own, with its remedy."""

import pytest

from cachetui.builders.host_troubles import host_trouble, trouble_in_log


@pytest.mark.fault("host-trouble")
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('ERROR: no builder "ci-builder" found', "no builder ci-builder there"),
        (
            "line 3: write /var/lib/docker/tmp/x: no space left on device",
            "most likely docker's own",
        ),
        ("failed to copy: Disk quota exceeded", "quota"),
        (
            "Get https://r.example/v2/: tls: failed to verify certificate: x509: certificate has "
            "expired or is not yet valid: current time 2031-01-01T00:00:00Z is after 2027",
            "clock",
        ),
        (
            "E: Release file for http://r.example/InRelease is not valid yet (3h)",
            "clock",
        ),
    ],
)
def test_each_is_named(said: str, expected: str) -> None:
    assert expected in (host_trouble(said) or "")


@pytest.mark.parametrize(
    "said", ["line 2: process did not complete: exit code: 1", "builder found no file", ""]
)
def test_a_step_that_failed_is_no_trouble_of_the_host(said: str) -> None:
    assert host_trouble(said) is None


@pytest.mark.fault("host-trouble")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("head: standard output: No space left on device", "perhaps a disk of the host is full"),
        ("npm ERR! nospc ENOSPC: no space left on device, write", "docker system df"),
        ("E: Release file for http://r.example/InRelease is not valid yet (3h)", "host's clock"),
    ],
)
def test_a_step_that_prints_one_names_it(line: str, expected: str) -> None:
    said = trouble_in_log(["unpacking", line, "it failed"]) or ""
    assert said.startswith(f'its log says "{line}"')
    assert expected in said


def test_a_step_that_prints_none_is_left_to_itself() -> None:
    assert trouble_in_log(["compiling", "error: no such file", ""]) is None
