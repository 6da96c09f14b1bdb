"""What a builder says to an option or to syntax that it does not know and another does.

Our lab: 20.10.24, 26.1.5 and 28.5.2, both image stores, both builders. The words alone do not tell
what another builder knows from what is misspelt: `unknown flag: --X` is said of both. So a name
that is no option, flag or key of any version is no refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cachetui.builders.docker_args import options
from cachetui.builders.features import FLAGS, MOUNT_KEYS
from cachetui.builders.option_names import BUILDKIT_OPTIONS, LEGACY_OPTIONS
from cachetui.records.backend import Backend
from cachetui.records.versions import version_key

SHORT_OPTIONS = frozenset("oDmc")

_OPTION = re.compile(r"unknown flag: --(?P<name>[\w-]+)|unknown shorthand flag: '(?P<short>\w)'")
_FLAG = re.compile(r"parse error.*unknown flag: (?:--)?(?P<name>[\w-]+)", re.IGNORECASE)
_KEY = re.compile(r"unexpected key '(?P<name>[^']+)' in ", re.IGNORECASE)
_OTHER = re.compile(
    r"is only supported on a Docker daemon with experimental features"
    r"|security options"
    r"|unsupported isolation"
    r"|is not supported for the docker driver"
    r"|(?:is )?only supported in Dockerfile frontend"
    r"|is an invalid component of .*platform specifier"
    r"|option requires BuildKit",
    re.IGNORECASE,
)


IGNORED_BY_BUILDKIT = LEGACY_OPTIONS - {"disable-content-trust"}
IGNORED_BY_OLD_LEGACY = frozenset(("secret", "ssh", "stream"))
"""Options that 20.10's legacy builder takes without a word; later ones refuse them."""


def ignored_options(backend: Backend, engine: str, docker_args: Sequence[str]) -> str | None:
    """A sentence on the options that a builder takes and does nothing about, None without any."""
    old = version_key(engine) < (23,)
    ignored = IGNORED_BY_OLD_LEGACY if old else frozenset[str]()
    if backend == "buildkit":
        # 20.10's client still sends these to the engine, which refuses them.
        ignored = IGNORED_BY_BUILDKIT - ({"squash", "security-opt", "isolation"} if old else set())
    given = {f"--{option.name}": None for option in options(docker_args) if option.name in ignored}
    return f"the {backend} builder ignores {', '.join(given)}" if given else None


def refusal(texts: Iterable[str]) -> str | None:
    """The first of a failed build's messages that refuses what another builder knows, None if
    there is none."""
    return next((text for text in texts if _refuses(text)), None)


def _refuses(text: str) -> bool:
    flag = _FLAG.search(text)
    if flag:
        return flag["name"].lower() in {name for _, name in FLAGS}
    key = _KEY.search(text)
    if key:
        return key["name"].lower() in MOUNT_KEYS
    option = _OPTION.match(text)
    if option:
        known = BUILDKIT_OPTIONS | LEGACY_OPTIONS
        return option["name"] in known if option["name"] else option["short"] in SHORT_OPTIONS
    return _OTHER.search(text) is not None
