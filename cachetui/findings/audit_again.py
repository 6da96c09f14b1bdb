"""The audit that would tell more, as a command to type."""

from __future__ import annotations

import shlex
from collections.abc import Collection

from cachetui.compare.groups import fold
from cachetui.findings.case import Case
from cachetui.findings.wording import MOST_NAMES


def audit_again(case: Case, hosts: Collection[str], *options: str) -> str:
    """ "cachetui run shop -w ci-1,ci-2 --as-found": the build of an audit once more with these
    options; on these hosts where they are few, else on all."""
    words = ["cachetui", "run", case.document.build.name]
    if len(hosts) <= MOST_NAMES and len(hosts) < len(case.document.hosts):
        words += ["-w", fold(hosts)]
    return shlex.join([*words, *options])
