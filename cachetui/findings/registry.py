"""All rules, in the order in which they are told."""

from __future__ import annotations

from cachetui.findings.rule import Rule
from cachetui.findings.rules import (
    base_drift,
    build_arg_invalidates,
    build_changed,
    cold_mount_slow,
    context_content,
    context_mode_only,
    context_unneeded_file,
    cross_stage_reuse,
    engine_differs,
    evicted_or_never_built,
    legacy_drops_heredoc,
    legacy_metadata_invalidates,
    mount_changes_result,
    mount_contention,
    mount_id_shared,
    mount_needs_buildkit,
    no_cache_empties_mounts,
    nondeterministic_step,
    parallel_not_disorder,
    platform_differs,
    remote_source,
    stage_not_needed,
)

RULES: tuple[Rule, ...] = (
    legacy_metadata_invalidates.RULE,
    cross_stage_reuse.RULE,
    stage_not_needed.RULE,
    mount_needs_buildkit.RULE,
    legacy_drops_heredoc.RULE,
    cold_mount_slow.RULE,
    mount_changes_result.RULE,
    no_cache_empties_mounts.RULE,
    mount_id_shared.RULE,
    mount_contention.RULE,
    base_drift.RULE,
    context_content.RULE,
    context_mode_only.RULE,
    context_unneeded_file.RULE,
    build_arg_invalidates.RULE,
    build_changed.RULE,
    remote_source.RULE,
    nondeterministic_step.RULE,
    engine_differs.RULE,
    evicted_or_never_built.RULE,
    parallel_not_disorder.RULE,
    platform_differs.RULE,
)


def rule(name: str) -> Rule | None:
    """The rule of that id."""
    return next((one for one in RULES if one.id == name), None)
