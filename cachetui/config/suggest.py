"""A first hosts.toml, from what the machine already knows: ~/.ssh/config and docker's contexts."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from cachetui.config.hosts_toml import NAME

_SKIP = {".git", "node_modules", ".venv", "venv", "__pycache__", ".tox", "target", "dist"}
_MOST = 200
_DEEPEST = 4


def ssh_aliases(config: Path | None = None) -> list[str]:
    """The plain names of `Host` lines, without patterns, in their order."""
    path = config or Path("~/.ssh/config").expanduser()
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return []
    aliases: dict[str, None] = {}
    for line in text.splitlines():
        match = re.match(r"\s*host(?:\s+|\s*=\s*)(.+)", line, re.IGNORECASE)
        if match is None:
            continue
        try:
            words = shlex.split(match[1], comments=True)
        except ValueError:
            continue
        aliases.update(dict.fromkeys(w for w in words if NAME.fullmatch(w)))
    return list(aliases)


def docker_contexts() -> dict[str, str]:
    """Names of docker's contexts → their endpoints, those over SSH and of this machine."""
    try:
        done = subprocess.run(
            ["docker", "context", "ls", "--format", "{{json .}}"],
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    endpoints: dict[str, str] = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        try:
            row = json.loads(line)
            endpoints[str(row["Name"])] = str(row["DockerEndpoint"])
        except (ValueError, KeyError, TypeError):
            continue
    return endpoints


def hosts_toml() -> str:
    """The text of a hosts.toml, or "" when nothing is known to put in."""
    tables: dict[str, list[str]] = {}
    for alias in ssh_aliases():
        tables[alias] = [f"address = {json.dumps(alias)}", 'tags = ["ssh-config"]']
    for name, endpoint in docker_contexts().items():
        url = urlsplit(endpoint)
        if not NAME.fullmatch(name) or name in tables:
            continue
        if url.scheme == "ssh" and url.hostname:
            lines = [f"address = {json.dumps(url.hostname)}"]
            lines += [f"user = {json.dumps(url.username)}"] if url.username else []
            lines += [f"port = {url.port}"] if url.port else []
            tables[name] = [*lines, 'tags = ["docker-context"]']
        elif url.scheme == "unix":
            env = json.dumps(endpoint)
            tables["local" if name == "default" else name] = [
                'address = "local"',
                f"env = {{ DOCKER_HOST = {env} }}",
                'tags = ["docker-context"]',
            ]
    return "\n".join(
        f"[[hosts]]\nname = {json.dumps(name)}\n" + "\n".join(lines) + "\n"
        for name, lines in tables.items()
    )


def dockerfiles_below(folder: Path) -> list[Path]:
    """Dockerfiles below a folder, nearest first: at most 200, at most four folders deep."""
    dockerfiles: list[Path] = []
    level = [folder]
    for _ in range(_DEEPEST):
        below: list[Path] = []
        for place in level:
            try:
                entries = sorted(place.iterdir())
            except OSError:
                continue
            for entry in entries:
                if entry.is_symlink():
                    continue
                if entry.is_dir() and entry.name not in _SKIP:
                    below.append(entry)
                elif len(dockerfiles) < _MOST and _is_dockerfile(entry):
                    dockerfiles.append(entry)
        level = below
    return dockerfiles


_FIRST = re.compile(r"ARG\s|FROM\s+(--\S+\s+)*\S+(\s+AS\s+\S+)?\s*$", re.IGNORECASE)
"""The first instruction of a Dockerfile; not of a `dockerfile.py`, which imports from somewhere."""


def _is_dockerfile(file: Path) -> bool:
    """Whether it is called as one, and begins as one. An empty one is none yet."""
    lower = file.name.lower()
    if lower.endswith(".dockerignore"):
        return False
    if lower not in ("dockerfile", "containerfile") and not (
        lower.startswith("dockerfile.") or lower.endswith(".dockerfile")
    ):
        return False
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as opened:
            lines = (line.strip() for line in opened.read(_BEGINNING).splitlines())
    except OSError:
        return False
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return _FIRST.match(first.removesuffix("\\").rstrip() + " ") is not None


_BEGINNING = 65_536
"""Characters of a file that are looked at."""
