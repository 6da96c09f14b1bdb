"""What docker takes for a build context, by how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

STDIN = "-"
_TARBALL = re.compile(r"\.(?:tar|tgz|tbz2?|txz|tar\.(?:gz|bz2|xz|zst))\Z")
_GIT_URL = re.compile(r"https?://[^#?]*\.git(?:[#?].*)?\Z")

FetchedKind = Literal["git", "url", "tarball", "stdin"]


def fetched_kind(context: str) -> FetchedKind | None:
    """What a context that is no folder is; None for what may be a folder.

    docker's own forms are a folder, `-`, a git reference and the URL of a tarball (docker's
    reference of `docker build`, "Build context"). A file called as a tarball is here what is piped
    into `docker build -`.
    """
    if context == STDIN:
        return "stdin"
    if is_git(context):
        return "git"
    if context.startswith(("http://", "https://")):
        return "url"
    return "tarball" if _TARBALL.search(context) else None


def is_git(context: str) -> bool:
    """Whether docker takes a context for a git repository (buildx and the legacy client alike:
    moby `pkg/urlutil`)."""
    return context.startswith(("git://", "ssh://", "git@", "github.com/")) or bool(
        _GIT_URL.match(context)
    )


@dataclass(frozen=True, slots=True)
class GitSource:
    """A git reference, `URL#REF:FOLDER`: `ref` is a branch, tag or commit, "" for what HEAD is
    there; `folder` the context's path in the repository, "" for its root."""

    url: str
    ref: str = ""
    folder: str = ""

    def at(self, commit: str) -> str:
        """The same as docker takes it, at this commit."""
        return f"{self.url}#{commit}" + (f":{self.folder}" if self.folder else "")


def git_source(context: str) -> GitSource:
    """A git reference taken apart as docker does (moby `builder/remotecontext/git`).

    Raises `ValueError` with what is wrong with it.
    """
    url, _, fragment = context.partition("#")
    ref, _, folder = fragment.partition(":")
    if url.startswith("github.com/"):
        url = f"https://{url}"
    if "?" in url:
        raise ValueError("has a query, which only some engines read; write URL#REF:FOLDER")
    if ref.startswith("-"):
        raise ValueError(f"names the ref {ref}, and none begins with -")
    if ".." in folder.split("/"):
        raise ValueError(f"names the folder {folder}, which leaves the repository")
    return GitSource(url, ref, folder.strip("/"))


def why_not_fetched(context: str) -> str:
    """Why a context is not fetched, with the remedy; "" where it can be tried."""
    kind = fetched_kind(context)
    if kind in ("git", "url") and _has_credentials(context):
        return (
            "has a credential in it, which an audit would keep and show; leave it out, and let "
            "git's credential helper or ~/.netrc give it"
            if kind == "git"
            else "has a credential in it, which an audit would keep and show; download the "
            "tarball and name the file"
        )
    if kind == "git":
        try:
            git_source(context)
        except ValueError as error:
            return str(error)
    return ""


def _has_credentials(url: str) -> bool:
    """A user of `ssh://` is none; any of `https://` may be a token."""
    found = re.match(r"(\w+)://([^/@]*)@", url)
    return found is not None and (found[1] != "ssh" or ":" in found[2])


def without_credentials(context: str) -> str:
    """A context as it may be shown: a query of a URL can be a credential, too."""
    hidden = re.sub(r"(https?|git|ssh)://[^/@]*:?[^/@]*@", r"\1://…@", context)
    return re.sub(r"\?[^#]*", "?…", hidden) if "://" in hidden else hidden


def from_folder(context: str, folder: Path) -> str:
    """A context that is fetched, with the path of a tarball from `folder` on."""
    tarball = fetched_kind(context) == "tarball"
    return str(folder / Path(context).expanduser()) if tarball else context


def name_of(context: str) -> str:
    """What a build of that context is called where nothing else names it: its last word."""
    kind = fetched_kind(context)
    if kind == "stdin":
        return "stdin"
    path = context.partition("#")[0].partition("?")[0].rstrip("/")
    word = re.split(r"[/:]", path)[-1].removesuffix(".git")
    return _TARBALL.sub("", word) or "build"
