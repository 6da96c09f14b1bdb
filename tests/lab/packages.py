"""Debian packages for the lab: three generations of Docker Engine, unpacked into a cache.

The engines are not installed: `apt-get download` fetches them with private lists, and `dpkg -x`
unpacks them into a folder that outlives the lab, so that the machine's own docker, its services
and its apt state stay as they are. Only `SYSTEM_PACKAGES` are installed: sshd needs its user and
the libraries of its own release. Their services are kept from starting.

The mirror and its signing keys are those of the machine's own apt sources. An index that these
keys do not verify is an error, unless CACHETUI_LAB_UNVERIFIED=1 says otherwise.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError, run

SUITES: dict[str, tuple[str, ...]] = {
    "bookworm": ("docker.io", "containerd", "runc", "busybox-static", "docker-registry"),
    "trixie": ("docker.io", "docker-cli", "docker-buildx", "containerd"),
    "sid": ("docker.io", "docker-cli", "docker-buildx", "containerd"),
}
"""What is unpacked from each suite. One runc serves all: newer ones want a newer libc."""

SYSTEM_PACKAGES = (
    *("openssh-server", "openssh-client", "libdevmapper1.02.1", "zstd", "iproute2"),
    "postgresql",
)
"""What is installed: sshd with its user, the one library of the engines that may be missing, the
program that reads layers of zstd, `ip` for links that break, and a team's database."""

POLICY = Path("/usr/sbin/policy-rc.d")
APT_PARTS = Path("/etc/apt")


def cache_folder() -> Path:
    """Where unpacked packages are kept between labs."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "cachetui-lab"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`: of two labs that start at once, one waits for the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def fresh(target: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `target` only if the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{target.name}.partial-", dir=target.parent))
    try:
        yield partial
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@dataclass(frozen=True)
class Source:
    """An entry of the machine's apt sources that serves Debian's main archive."""

    uri: str
    signed_by: str | None
    """A keyring's path, or a key with its continuation lines, as the entry has it."""
    trusted: bool

    def entry(self, suite: str) -> str:
        """A deb822 entry of the same mirror for another suite."""
        lines = ["Types: deb", f"URIs: {self.uri}", f"Suites: {suite}", "Components: main"]
        if self.signed_by:
            lines.append(f"Signed-By: {self.signed_by}")
        if self.trusted or os.environ.get("CACHETUI_LAB_UNVERIFIED") == "1":
            lines.append("Trusted: yes")
        return "\n".join(lines) + "\n"


def os_release() -> dict[str, str]:
    """The fields of /etc/os-release; empty where there is none."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return {}
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key: value.strip('"') for key, value in pairs}


def _deb822(text: str) -> Iterator[dict[str, str]]:
    """The entries of a .sources file, keys in lower case, continuation lines kept."""
    for block in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t") and key:
                fields[key] += "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                key = name.strip().lower()
                fields[key] = value.strip()
        if fields:
            yield fields


def _one_line(text: str) -> Iterator[dict[str, str]]:
    """The entries of a .list file, in the shape of `_deb822`."""
    pattern = re.compile(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)")
    for match in filter(None, map(pattern.match, text.splitlines())):
        options, uri, suite, components = match.groups()
        fields = {"types": "deb", "uris": uri, "suites": suite, "components": components}
        for option in (options or "").split():
            key, _, value = option.partition("=")
            fields[key.lower()] = value
        yield fields


def find_source(folder: Path = APT_PARTS, codename: str | None = None) -> Source:
    """The entry of the machine's apt sources that serves Debian's main archive.

    Raises LabError when no entry has the machine's own release (`codename`) and main.
    """
    codename = codename or os_release().get("VERSION_CODENAME", "")
    names = {codename, "stable", "oldstable"}
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    for file in files:
        if not file.is_file() or file.suffix not in (".list", ".sources"):
            continue
        text = file.read_text(errors="replace")
        for fields in _deb822(text) if file.suffix == ".sources" else _one_line(text):
            if (
                "deb" in fields.get("types", "").split()
                and names & set(fields.get("suites", "").split())
                and "main" in fields.get("components", "").split()
                and fields.get("uris")
                and fields.get("enabled", "yes").lower() != "no"
            ):
                return Source(
                    uri=fields["uris"].split()[0],
                    signed_by=fields.get("signed-by"),
                    trusted=fields.get("trusted", "no").lower() == "yes",
                )
    raise LabError(f"no apt source under {folder} serves {codename or 'this release'} main")


def _download(suite: str, packages: Sequence[str], into: Path) -> list[Path]:
    """Download `packages` of `suite` into the folder `into` without touching the machine's apt."""
    for name in ("lists/partial", "cache/archives/partial", "debs"):
        (into / name).mkdir(parents=True)
    entry = into / "suite.sources"
    entry.write_text(find_source().entry(suite))
    options = [
        f"Dir::Etc::SourceList={entry}",
        "Dir::Etc::SourceParts=-",
        f"Dir::State::Lists={into / 'lists'}",
        f"Dir::Cache={into / 'cache'}",
        "Acquire::Languages=none",
        "Acquire::Retries=3",
        "APT::Sandbox::User=root",
        "APT::Update::Error-Mode=any",
    ]
    apt = ["apt-get", "-q", *(f"-o{option}" for option in options)]
    run([*apt, "update"])
    run([*apt, "download", *packages], cwd=into / "debs")
    return sorted((into / "debs").glob("*.deb"))


def unpacked(suite: str, packages: Sequence[str] | None = None) -> Path:
    """The folder with the unpacked packages of a suite, downloaded if it is not in the cache.

    Beside `root`, the unpacked tree, lies `versions.json`: package name to version. `packages` are
    the lab's own unless others are named.
    """
    packages = packages or SUITES[suite]
    architecture = run(["dpkg", "--print-architecture"]).strip()
    stamp = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:8]
    target = cache_folder() / f"{suite}-{architecture}-{stamp}"
    with locked(target.with_suffix(".lock")):
        if target.is_dir():
            return target
        for leftover in target.parent.glob(f"{target.name}.partial-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with fresh(target) as partial, tempfile.TemporaryDirectory(dir=partial) as work:
            versions = {}
            for deb in _download(suite, packages, Path(work)):
                run(["dpkg", "-x", deb, partial / "root"])
                name, version = run(["dpkg-deb", "-W", deb]).split()
                versions[name] = version
            (partial / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")
    return target


@contextmanager
def _services_kept_down() -> Iterator[None]:
    """Forbid packages to start their services while the block runs."""
    saved = POLICY.with_name(POLICY.name + ".cachetui-lab")
    if POLICY.exists() and not saved.exists():
        POLICY.rename(saved)
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
        if saved.exists():
            saved.rename(POLICY)


def install(packages: Sequence[str]) -> list[str]:
    """Install those of `packages` that are missing, from the machine's own sources; their names."""
    with locked(cache_folder() / "install.lock"):
        missing = [name for name in packages if not _installed(name)]
        if missing:
            env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            run(["apt-get", "-q", "update"], env=env)
            with _services_kept_down():
                run(
                    ["apt-get", "-q", "install", "-y", "--no-install-recommends", *missing], env=env
                )
        return missing


def _installed(package: str) -> bool:
    try:
        return run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package]) == "installed"
    except LabError:
        return False
