"""Builds the sdist and the wheel. `python -m tests.packaging.build` puts both into dist/."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]


def build(source: Path, kind: str, folder: Path) -> Path:
    """The package of that kind, "sdist" or "wheel", of a source tree."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the {kind} cannot be built:\n{done.stderr}")
    (package,) = folder.glob("*.tar.gz" if kind == "sdist" else "*.whl")
    return package


def unpacked(sdist: Path, folder: Path) -> Path:
    """The source tree that an sdist holds, unpacked into the folder."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder)
    (tree,) = folder.iterdir()
    return tree


def main() -> int:
    """Build both into dist/, the wheel from the sdist; returns the exit code."""
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    if changed:
        print(f"commit or remove this first, or it is published:\n{changed}", file=sys.stderr)
        return 1
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    sdist = build(ROOT, "sdist", dist)
    with TemporaryDirectory() as folder:
        build(unpacked(sdist, Path(folder)), "wheel", dist)
    return 0


if __name__ == "__main__":
    sys.exit(main())
