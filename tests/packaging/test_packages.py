"""Sdist and wheel hold all they need, and each works in a fresh environment.

They are built from this checkout, or are those of the folder in $DIST.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from cachetui import __version__
from cachetui.cli.main import cli
from hatch_build import COMPLETION, manual
from tests.packaging.build import ROOT, build, unpacked

NOT_OURS = {"PKG-INFO"}


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get("DIST")
    if given:
        return next((ROOT / given).glob("*.tar.gz"))
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get("DIST")
    if given:
        return next((ROOT / given).glob("*.whl"))
    tree = unpacked(sdist, tmp_path_factory.mktemp("tree"))
    return build(tree, "wheel", tmp_path_factory.mktemp("wheel"))


def tracked() -> set[str]:
    """The files of the checkout that belong to it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no checkout of git")
    return {name for name in done.stdout.split("\0") if name and (ROOT / name).exists()}


def test_the_sdist_is_the_checkout(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if not member.isdir()}
    assert names - NOT_OURS == tracked()


def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in tracked() if name.startswith("cachetui/")} <= names
    assert not [name for name in names if name.startswith("tests")]


def test_a_wheel_of_the_checkout_is_that_of_the_sdist(wheel: Path, tmp_path: Path) -> None:
    assert build(ROOT, "wheel", tmp_path).read_bytes() == wheel.read_bytes()


def test_the_version_is_said_in_one_place(sdist: Path, wheel: Path) -> None:
    stem = f"cachetui-{__version__}"
    assert sdist.name == f"{stem}.tar.gz"
    metadata = zipfile.ZipFile(wheel).read(f"{stem}.dist-info/METADATA").decode()
    assert f"\nVersion: {__version__}\n" in metadata
    said = [
        name
        for name in tracked()
        if Path(name).suffix in (".toml", ".py", ".md", ".yml")
        and re.search(rf"(?m)^_*version_* *[=:] *\W?{re.escape(__version__)}", _text(name))
    ]
    assert said == ["cachetui/__init__.py"]


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8", "replace")


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_it_works_in_a_fresh_environment(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    package: Path = request.getfixturevalue(kind)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    # What it depends on is taken from here; the lock says what that is, and no index is asked.
    (site,) = (venv / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    install = [sys.executable, "-m", "pip", "--python", str(venv), "install", "-q"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--no-compile"]
    subprocess.run([*install, *offline, str(package)], check=True, timeout=120)

    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}

    def said(*words: str) -> str:
        done = subprocess.run(
            [str(venv / "bin" / words[0]), *words[1:]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    where = said("python", "-c", "import cachetui; print(cachetui.__file__)")
    assert where.startswith(str(site))
    assert said("cachetui", "--version") == f"cachetui {__version__}\n"
    assert "buildkit-cold" in said("cachetui", "demo", "--table", "--speed", "1000")
    for shell, place in COMPLETION.items():
        text = (venv / place).read_text("utf-8").rstrip("\n")
        assert text == said("cachetui", "completion", shell).rstrip("\n")
    assert (venv / "share" / "man" / "man1" / "cachetui.1").read_text("utf-8") == manual(
        cli, __version__
    )


def test_the_manual_has_every_command_and_option() -> None:
    page = manual(cli, __version__)
    assert set(re.findall(r"^\.SS (\w+)$", page, re.MULTILINE)) == cli.commands.keys()
    assert ".B \\-\\-secret id=…,src=…" in page
    assert not re.search(r"\n\n|^\.PP\n\.(?:PP|S)|^['.][^A-Z]", page, re.MULTILINE)


@pytest.mark.needs("man", optional=True)
def test_man_finds_nothing_wrong_with_the_manual(tmp_path: Path) -> None:
    page = tmp_path / "cachetui.1"
    page.write_text(manual(cli, "1.0"), "utf-8")
    done = subprocess.run(
        ["man", "--warnings", "-l", str(page)],
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "MANWIDTH": "80"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    assert "EXIT STATUS" in done.stdout
