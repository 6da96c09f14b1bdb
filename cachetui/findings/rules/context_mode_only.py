"""What COPY saw differs in nothing but modes: the umask of a checkout."""

from __future__ import annotations

import posixpath
import shlex

from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, LINES
from cachetui.findings.context_claims import ContextClaim, ContextSuspect
from cachetui.findings.context_differences import ContextDifference, modes_of_checkout
from cachetui.findings.context_files import is_of_named
from cachetui.findings.host_commands import HostCommand
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import describe, short_umask


class ContextModes(ContextSuspect, frozen=True, tag="modes"):
    """Modes of files and folders: path → the earlier mode and the one now."""

    modes: dict[str, tuple[int, int]]


GROUP_WRITE = 0o020

_MOST_PATHS = 12
"""Files and folders that a command names; where more differ, it is for the folders they are in."""


def _title(found: ContextDifference) -> str:
    return f"{LINES} sees the same files with different modes {found.where}"


def _evidence(case: Case, found: ContextDifference) -> list[Evidence]:
    evidence = [
        Evidence(kind="dockerfile", text=describe(found.instruction)),
        found.evidence(),
        Evidence(
            kind="source",
            text="the modes of the files and folders that are copied are in COPY's key on both "
            "builders, with --chmod or without",
        ),
    ]
    if _is_umask(found):
        text = "all differ in the group's write permission, as checkouts under umask 002 and 022 do"
        evidence.append(Evidence(kind="facts", text=text, hosts=(found.host,)))
        umasks: dict[str, list[str]] = {}
        for host in case.document.hosts:
            if host.facts is not None and host.facts.umask:
                umasks.setdefault(host.facts.umask, []).append(host.name)
        evidence += [
            Evidence(
                kind="facts",
                text=f"umask {short_umask(umask)} on {HOSTS}",
                data={"umask": umask},
                hosts=tuple(hosts),
            )
            for umask, hosts in umasks.items()
        ]
    return evidence


def _is_umask(found: ContextDifference) -> bool:
    return all(was ^ now == GROUP_WRITE for _, was, now in found.difference.modes)


def _advice(case: Case, found: ContextDifference) -> str:
    evidence = case.evidence(found.host)
    checkout = evidence.checkout if evidence and not found.sure else None
    keeps = "git stores only whether a file is executable"
    if _is_umask(found):
        command = _chmod(case, found, checkout.path if checkout else ".")
        where = f" on {HOSTS}" if checkout else " in the build's folder"
        umask = "`umask 022` before `git clone` and `git checkout`"
        if not any(now & GROUP_WRITE for _, _, now in found.difference.modes):
            return f"The modes are those of umask 022 now: use {umask} everywhere; {keeps}"
        return (
            f"Run `{command}`{where} now, and use {umask} from then on; {keeps}. If its group is "
            "to write there, use umask 002 for all checkouts instead. Left as it is, builds from "
            "it and from checkouts under umask 022 share none of these steps"
        )
    path, was, now = found.difference.modes[0]
    return (
        f"Give the files the same mode everywhere before the build: `chmod {was:o} {path}` (now "
        f"{now:o}); {keeps}"
    )


def _commands(case: Case, found: ContextDifference) -> tuple[HostCommand, ...]:
    """What gives the files of the host's checkout the modes that they had, or have elsewhere."""
    evidence = case.evidence(found.host)
    checkout = evidence.checkout if evidence and not found.sure else None
    if checkout is None or not _is_umask(found):
        return ()
    if not any(now & GROUP_WRITE for _, _, now in found.difference.modes):
        return ()
    return (HostCommand(_chmod(case, found, checkout.path), (found.host,)),)


def _chmod(case: Case, found: ContextDifference, folder: str) -> str:
    """What takes the group's write permission from what differs below a folder: of a host's own
    checkout, from all that any instruction sees with another mode."""
    every = (
        ()
        if found.sure
        else case.once(
            ("modes of checkout", found.host), lambda: tuple(modes_of_checkout(case, found.host))
        )
    )
    modes = (*found.difference.modes, *every)
    differs = {path for path, was, now in modes if was ^ now == now & GROUP_WRITE}
    topmost = _topmost(differs)
    while len(topmost) > _MOST_PATHS:
        topmost = _topmost({posixpath.dirname(path) for path in topmost})
    if any(map(is_of_named, differs)) or "" in topmost:
        return f"chmod -R g-w {shlex.quote(folder)}"
    inside = "-R " if differs.difference(topmost) else ""
    change = f"chmod {inside}g-w"
    if folder == "." or len(topmost) > 1:
        first = "" if folder == "." else f"cd {shlex.quote(folder)} && "
        names = (f"./{path}" if path.startswith("-") else path for path in topmost)
        return f"{first}{change} {' '.join(map(shlex.quote, names))}"
    return f"{change} {shlex.quote(posixpath.join(folder, topmost[0]))}"


def _topmost(paths: set[str]) -> list[str]:
    """Those of the paths that are in no folder that is one of them; "" is in none."""
    return sorted(path for path in paths if not _above(path) & paths)


def _above(path: str) -> set[str]:
    """The folders that a path is in."""
    parts = path.split("/")
    return {"/".join(parts[:end]) for end in range(1, len(parts))}


def _cause(found: ContextDifference) -> object:
    """A umask is one cause for all that it differs in."""
    return "umask" if _is_umask(found) else found.difference.paths


def _suspect(found: ContextDifference) -> ContextModes:
    modes = {path: (was, now) for path, was, now in found.difference.modes}
    return ContextModes(found.host, modes)


def _brief(found: ContextDifference) -> str:
    """ "line 4: modes 755 → 775, same files"."""
    _, was, now = found.difference.modes[0]
    return f"{LINES}: modes {was:o} → {now:o}, same files"


_SHARED = f"{LINES}: same files, other modes"

CLAIM = ContextClaim(
    "modes", _brief, _SHARED, _title, _evidence, _advice, _suspect, _cause, _commands
)

RULE = Rule(
    id="context-mode-only",
    order=330,
    title="COPY sees the same files with different modes: the umask of a checkout",
    surprise="Two checkouts of one commit can be two different contexts. Under umask 002 git "
    "writes files with mode 0664, under 022 with 0644, and a file's mode is part of COPY's cache "
    "key. Not a byte differs, and everything from there on is built again. So is a folder's mode, "
    "if the folder is copied.",
    needs="The manifest of the context of an earlier run, or of the host's own checkout "
    "(`context_on_host`).",
    applies="What a COPY, ADD or bind mount sees differs only in modes of files and folders. The "
    "mode of the context's root, times and owners are in no key.",
    proves="An earlier run on the host that had the step in its cache, with other modes; or an "
    "experiment.",
    advises="Use one umask for all checkouts, or set the modes before the build.",
    written=(
        "BuildKit cache/contenthash/filehash.go; buildkit#4374 for --chmod",
        "moby pkg/tarsum/versioning.go",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nCOPY . /app\nRUN sleep 2\n",
    try_it="docker build . ; chmod g+w Dockerfile ; docker build . : COPY runs again.",
    paid="once",
    explain=CLAIM.explain,
    observe=CLAIM.observe,
    suspect=ContextModes,
)
