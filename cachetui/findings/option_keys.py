"""What each option of `docker build` is to a step's cache key: the one table that rules go by.

Measured in our lab by building twice, the second time with the option: `legacy` on 26.1, `buildkit`
on those of 20.10, 26.1, 28.5 and 28.5 with the containerd store that take the option, not each of
the flags of a container's resources on each engine. A flag that no engine of the lab takes, or that
it takes only with what the lab lacks (an agent for `--ssh`, a daemon with experimental features for
the legacy builder's `--squash`), is a doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cachetui.records.backend import Backend

Part = Literal["none", "RUN", "RUN from 26.1 on", "an input of its own", "not known"]
"""`none`: in no key. `RUN`: in the key of every RUN, and of no other step. `an input of its own`:
see `key_inputs`. `not known`: with a difference nothing is claimed."""


@dataclass(frozen=True, slots=True)
class OptionKey:
    """What of a step's key an option is to each builder."""

    legacy: Part
    buildkit: Part

    def of(self, backend: Backend) -> Part:
        return self.legacy if backend == "legacy" else self.buildkit


_NONE = OptionKey("none", "none")
_BUILDKIT = OptionKey("not known", "none")
_RUN = OptionKey("none", "RUN")
_RUN_SINCE_26 = OptionKey("none", "RUN from 26.1 on")
_OWN = OptionKey("an input of its own", "an input of its own")
_UNKNOWN = OptionKey("not known", "not known")

OPTION_KEYS: Mapping[str, OptionKey] = {
    # How its containers run: the legacy builder has none of it in a key, BuildKit heeds little.
    **dict.fromkeys(("cpu-period", "cpu-quota", "cpu-shares", "cpuset-cpus", "cpuset-mems"), _NONE),
    **dict.fromkeys(("isolation", "memory", "memory-swap", "force-rm", "rm"), _NONE),
    **dict.fromkeys(("shm-size", "ulimit", "cgroup-parent"), _RUN_SINCE_26),
    "add-host": _RUN,
    "security-opt": _UNKNOWN,
    # Whether anything is looked up; what is built then has the same keys.
    "no-cache": _NONE,
    "no-cache-filter": _BUILDKIT,
    # What is sent, given to steps, checked, exported or printed. The legacy builder makes of
    # --label a step below all others.
    **dict.fromkeys(("compress", "disable-content-trust", "label", "secret"), _NONE),
    **dict.fromkeys(("file", "iidfile", "progress", "quiet", "tag"), _NONE),
    **dict.fromkeys(("allow", "annotation", "attest", "cache-to", "load"), _BUILDKIT),
    **dict.fromkeys(("metadata-file", "output", "provenance", "push", "sbom"), _BUILDKIT),
    **dict.fromkeys(("squash", "stream"), _BUILDKIT),
    "ssh": OptionKey("none", "not known"),
    "policy": _UNKNOWN,
    # Read for themselves.
    **dict.fromkeys(("build-arg", "build-context", "cache-from", "platform", "pull"), _OWN),
    "network": _OWN,
}


def part_of_key(option: str, backend: Backend) -> Part:
    """What the option of that long name, without dashes, is to a builder."""
    return OPTION_KEYS.get(option, _UNKNOWN).of(backend)
