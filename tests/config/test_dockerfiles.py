"""Which files of a folder are offered as builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.config.suggest import dockerfiles_below


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Dockerfile", "FROM alpine\n"),
        ("Dockerfile.dev", "# syntax=docker/dockerfile:1\n\nARG A=1\nFROM $A AS base\n"),
        ("api.Dockerfile", "from --platform=$BUILDPLATFORM golang:1.22 as build\nRUN x\n"),
        ("Containerfile", "\ufeffFROM scratch\n"),
        ("Dockerfile.py", "FROM python:3.12 \\\n  AS base\n"),
    ],
)
def test_what_begins_as_a_dockerfile_is_one(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert [file.name for file in dockerfiles_below(tmp_path)] == [name]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dockerfile.py", "from pathlib import Path\n"),
        ("dockerfile.py", '"""Reads a Dockerfile."""\nimport re\n'),
        ("dockerfile.ts", "// FROM alpine\nexport const from = 1\n"),
        ("Dockerfile.md", "# Dockerfile\n\nFrom here on it is prose.\n"),
        ("Dockerfile.dockerignore", "FROM alpine\n"),
        ("Dockerfile", ""),
        ("Dockerfile.bin", "\x00\x01\x02"),
        ("other", "FROM alpine\n"),
    ],
)
def test_what_does_not_is_none(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert dockerfiles_below(tmp_path) == []
