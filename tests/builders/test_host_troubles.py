"""Failures that are a host's own trouble have a sentence of their own, with its remedy."""

import pytest

from cachetui.builders.host_troubles import host_trouble


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
