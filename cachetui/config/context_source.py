"""What docker takes for a build context, by how it is written."""

from __future__ import annotations

import re

_TARBALL = re.compile(r"\.(?:tar|tgz|tar\.(?:gz|bz2|xz|zst))\Z")


def no_folder(context: str) -> str:
    """Why a context that docker takes is none here, with the remedy; "" for what may be a folder.

    docker's own forms are a folder, `-`, a git reference and the URL of a tarball (docker's
    reference of `docker build`, "Build context").
    """
    if context == "-":
        return "is standard input, which no second host could read; name the folder"
    if is_git(context):
        return (
            "is a git repository, which each host would fetch for itself at a time of its own; "
            "clone it and name the clone"
        )
    if context.startswith(("http://", "https://")):
        return "is a URL, which each host would fetch for itself; unpack it and name the folder"
    if _TARBALL.search(context):
        return "is a tarball; unpack it and name the folder"
    return ""


def is_git(context: str) -> bool:
    """Whether docker takes a context for a git repository (buildx and the legacy client alike:
    moby `pkg/urlutil`)."""
    return context.startswith(("git://", "ssh://", "git@", "github.com/")) or bool(
        re.match(r"https?://[^#?]*\.git(?:[#?].*)?\Z", context)
    )
