"""Clone the one commit of a git context, as BuildKit does (`source/git/source.go`): its files and
those of its submodules, without history, with the modes that git has.

git is run without a shell, and asks nobody. Hooks, filters of the user's and their line endings
have no part in it: a context has the bytes of the commit.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cachetui.config.context_source import GitSource
from cachetui.context.manifest import ContextError

_SECONDS = 1800.0
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_OPTIONS = (
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.autocrlf=false",
    "core.fsmonitor=false",
    "core.fileMode=true",
    "core.symlinks=true",
    "advice.detachedHead=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "log.showSignature=false",
)
_KEPT = ("GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_", "GIT_PROXY_", "GIT_CONFIG_")
"""Variables of git that say how a server is reached; others would be of another repository."""
_ASKS = re.compile(
    r"could not read (?:Username|Password)|terminal prompts disabled|Authentication failed"
    r"|Permission denied|HTTP Basic: Access denied"
)
_HOST_KEY = "Host key verification failed"
_OTHER_HOST_KEY = "REMOTE HOST IDENTIFICATION HAS CHANGED"


@dataclass(frozen=True, slots=True)
class Cloned:
    """A clone: the folder of its context, the commit, when that was made (seconds since the epoch),
    and whether it has submodules."""

    folder: Path
    commit: str
    committed_at: int
    submodules: bool


def clone(source: GitSource, into: Path) -> Cloned:
    """Clone into an empty folder. Raises `ContextError`."""
    top = into / "repository"
    top.mkdir()
    git = _Git(source, top)
    git.run("init", "-q", "--template=")
    git.run("remote", "add", "--", "origin", source.url)
    commit = git.fetched()
    git.run("checkout", "-q", "--detach", commit)
    committed_at = int(git.run("show", "-s", "--format=%ct", commit))
    submodules = (top / ".gitmodules").is_file()
    if submodules:
        git.run("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
    shutil.rmtree(top / ".git")
    folder = (top / source.folder).resolve()
    if not folder.is_dir() or not folder.is_relative_to(top.resolve()):
        raise ContextError(f"{source.at(commit)}: that commit has no folder {source.folder}")
    return Cloned(folder, commit, committed_at, submodules)


@dataclass(frozen=True, slots=True)
class _Git:
    """git in one repository, cloned from `source`."""

    source: GitSource
    top: Path

    def fetched(self) -> str:
        """Fetch the commit that is meant, and return its name."""
        ref = self.source.ref
        wanted = ref if _COMMIT.match(ref) else self._looked_up(ref)
        fetch = ("fetch", "-q", "--no-tags", "--depth=1", "--", "origin", wanted)
        done = self.call(*fetch)
        if done.returncode == 0:
            return self.run("rev-parse", "FETCH_HEAD^{commit}").strip()
        if wanted != ref or _ASKS.search(done.stderr) or _HOST_KEY in done.stderr:
            raise self._error(done.stderr)
        # Not every server gives a commit by its name.
        self.run("fetch", "-q", "--tags", "--", "origin", "+refs/heads/*:refs/remotes/origin/*")
        there = self.call("rev-parse", "--verify", "-q", f"{ref}^{{commit}}")
        if there.returncode != 0:
            raise ContextError(f"{self.source.url} has no commit {ref} in a branch or tag")
        return there.stdout.strip()

    def _looked_up(self, ref: str) -> str:
        """The full name of a branch or tag of the repository. A branch comes before a tag of its
        name, as it does for BuildKit."""
        heads, tags = f"refs/heads/{ref}", f"refs/tags/{ref}"
        names = (heads, tags, f"refs/{ref}", ref) if ref else ("HEAD",)
        said = self.run("ls-remote", "--", self.source.url, *names)
        there = {line.partition("\t")[2] for line in said.splitlines()}
        for name in names:
            if name in there:
                return name
        raise ContextError(
            f"{self.source.url} has no branch, tag or commit {ref}; git ls-remote lists them"
            if ref
            else f"{self.source.url} has no commit yet"
        )

    def run(self, *words: str) -> str:
        """What a command prints. Raises `ContextError`."""
        done = self.call(*words)
        if done.returncode != 0:
            raise self._error(done.stderr)
        return done.stdout

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command, ended. Raises `ContextError` where it cannot be run, or does not end."""
        options = [word for option in _OPTIONS for word in ("-c", option)]
        try:
            return subprocess.run(
                ["git", *options, "-C", str(self.top), *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                env=_environment(),
                umask=0o022,
                timeout=_SECONDS,
                check=False,
            )
        except (FileNotFoundError, PermissionError):
            raise ContextError(
                f"{self.source.url} is cloned on this machine, which has no git; install git, or "
                "name the folder of a clone"
            ) from None
        except subprocess.TimeoutExpired:
            raise ContextError(
                f"{self.source.url} could not be cloned in {_SECONDS / 60:.0f} minutes; clone it, "
                "and name the folder"
            ) from None

    def _error(self, said: str) -> ContextError:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        if _ASKS.search(said):
            return ContextError(
                f"{self.source.url} requires a login, and git has none for it here "
                f"({next(line for line in lines if _ASKS.search(line))}); set up git's credential "
                "helper or an SSH key, so that git ls-remote asks nothing, or name the folder of a "
                "clone"
            )
        if _OTHER_HOST_KEY in said:
            return ContextError(
                f"{self.source.url}: ssh here knows another key of that host; find out why it "
                "changed, and then take the old one out with ssh-keygen -R HOST"
            )
        if _HOST_KEY in said:
            return ContextError(
                f"{self.source.url}: ssh does not know the key of that host here; connect to it "
                "once with ssh and check the key, so that git ls-remote asks nothing"
            )
        told = next(
            (line for begin in ("ssh: ", "fatal:") for line in lines if line.startswith(begin)),
            " ".join(lines[-1:]),
        )
        return ContextError(f"{self.source.url} cannot be cloned: {told or 'git gave no reason'}")


def _environment() -> dict[str, str]:
    """That of this process with what keeps git from asking, and from other repositories. Files of
    this machine are no submodules, and large files stay pointers, as for BuildKit."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("SSH_ASKPASS",) and (not name.startswith("GIT_") or name.startswith(_KEPT))
    }
    kept.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    return {
        **kept,
        "GIT_ALLOW_PROTOCOL": "git:http:https:ssh",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
