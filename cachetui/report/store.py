"""What a store holds, and what was removed to keep it within its limits."""

from __future__ import annotations

from collections.abc import Sequence

from cachetui.config.settings import StoreLimits
from cachetui.report import units
from cachetui.store.prune import Pruned
from cachetui.store.sizes import Kind


def table(kinds: Sequence[Kind], total: int, limits: StoreLimits) -> str:
    """A line for each kind, then all of it and the limits."""
    rows = [(kind.kind, f"{kind.count:,}", units.size(kind.bytes)) for kind in kinds]
    rows.append(("in all", "", units.size(total)))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
    limit = f"limit: {limits.text}" if limits.any else "no limit is set"
    return "\n".join([*lines, limit])


def sentences(pruned: Pruned, limits: StoreLimits, *, dry_run: bool = False) -> list[str]:
    """What was removed (or would be), in one sentence, and another where that is not enough."""
    parts: list[str] = []
    if pruned.log_runs:
        audits = f" of {units.count(pruned.log_audits, 'audit')}" if pruned.log_audits else ""
        runs = units.count(pruned.log_runs, "run")
        parts.append(f"the logs of {runs}{audits}, {units.size(pruned.log_bytes)}")
    if pruned.audits or pruned.audit_bytes:
        what = units.count(pruned.audits, "audit") if pruned.audits else "runs of no audit"
        parts.append(f"{what}, {units.size(pruned.audit_bytes)}")
    if pruned.other_bytes:
        parts.append(f"what can be had again, {units.size(pruned.other_bytes)}")
    said: list[str] = []
    if parts:
        verb = "would remove" if dry_run else "removed"
        said.append(f"{verb} {'; '.join(parts)}, to keep the store {limits.text}")
    if pruned.over is not None:
        pinned = f", {units.count(pruned.pinned, 'pinned audit')} among it" if pruned.pinned else ""
        said.append(
            f"the store has {units.size(pruned.over)}, more than max_size {limits.size_text}: what "
            f"is left is not removed{pinned}; history --unpin or --delete makes room"
        )
    return said
