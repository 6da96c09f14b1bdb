"""What a rule is. Each module of `findings/rules` defines one as `RULE`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cachetui.findings.case import Case
from cachetui.findings.claim import Claim
from cachetui.findings.question import Question
from cachetui.findings.record import Need, Paid
from cachetui.findings.suspect import Suspect
from cachetui.records.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One surprise, and all that belongs to it.

    `order` is its place in lists: 100s are for the legacy builder beside BuildKit, 200s for cache
    mounts, 300s for inputs that changed, 500s for shared caches, 400s for the rest. The texts are
    for `cachetui explain` and the docs; `example` is a small Dockerfile that shows the surprise,
    `try_it` what to type.

    `explain` answers a question or returns None; `observe` claims what can be seen without a
    question; `ask` says what the rule would need to claim more.

    `former_ids` are ids of it, and of rules that it took in, that commands and stored records can
    still name.

    `suspect` is the type of its claims' suspects. `untestable` says why no experiment can test
    the rule. `parts_hosts` says whether what it claims can make a build hit on one host and miss
    on another; not so of what every host does alike, such as how the two builders differ. What
    does is counted as a cause where hosts differ. `compares` are two scenarios whose images differ
    by what the rule claims: where images were compared, the finding names the files. `paid` says by
    which builds the seconds of its claims are paid, None where it claims none.
    """

    id: str
    order: int
    title: str
    surprise: str
    needs: str
    applies: str
    proves: str
    advises: str
    written: tuple[str, ...]
    example: str
    try_it: str
    paid: Paid | None
    explain: Callable[[Question], Claim | None] | None = None
    observe: Callable[[Case], Iterable[Claim]] | None = None
    ask: Callable[[Case], Iterable[Need]] | None = None
    suspect: type[Suspect] | None = None
    untestable: str | None = None
    parts_hosts: bool = True
    compares: tuple[Scenario, Scenario] | None = None
    former_ids: tuple[str, ...] = ()


Answer = tuple[Rule, Claim]
"""A claim, and the rule that makes it."""
