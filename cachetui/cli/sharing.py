"""`cachetui share`: say what can be shared, share it, and show what each kind of cache keeps."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from cachetui.cli.args import ShowArgs
from cachetui.cli.failures import tell
from cachetui.cli.gate import code_with_gate, parse_gate
from cachetui.cli.interrupts import in_thread, stopping, terminal_closed
from cachetui.cli.log_file import logging_to, redactor_of
from cachetui.cli.result import check_output, exit_code, write_result
from cachetui.cli.selection import select_hosts
from cachetui.cli.show import show as show_audit
from cachetui.config.settings import BuildSettings, HostSettings
from cachetui.config.toml_table import ConfigError
from cachetui.core import Core, UserError
from cachetui.exit_codes import INTERRUPTED, SAME, TROUBLE
from cachetui.report.clean import clean_line
from cachetui.share.kinds import KIND_NAMES, KINDS, Kind, kind_named
from cachetui.share.sharing import NothingToShare, Sharing


def share_command(
    core: Core,
    build: BuildSettings,
    *,
    exporter: str | None,
    importers: tuple[str, ...],
    kinds: str | None,
    registry: str | None,
    dry_run: bool,
    log_file: Path | None,
    progress: str,
    show: ShowArgs,
) -> int:
    """Run the experiment and print it; returns the exit code. Raises `ConfigError`, `UserError`."""
    check_output(show.output)
    parse_gate(show.fail_on)
    hosts, names = _hosts(core, exporter, importers)
    chosen = _kinds(kinds)
    named = registry or core.settings.registry or any(host.registry for host in hosts)
    if kinds is None and not named:
        chosen = tuple(kind for kind in chosen if kind.via == "folder")
        tell("without --registry only local-max is tried; the other kinds go through a registry")
    cancel = threading.Event()
    sharing = core.sharing(
        build,
        hosts,
        chosen,
        exporter=exporter,
        importers=names,
        registry=registry,
        cancel=cancel,
    )
    with logging_to(log_file, redactor_of(hosts, build.build_args.items())) as logged:
        try:
            code = _share(core, sharing, cancel, dry_run, progress, show)
        except NothingToShare as error:
            raise UserError(str(error)) from None
        finally:
            sharing.close()
    return logged.exit_code(code)


def _hosts(
    core: Core, exporter: str | None, importers: tuple[str, ...]
) -> tuple[tuple[HostSettings, ...], tuple[str, ...] | None]:
    """The hosts of the experiment, and the names of those that import; None: all others."""
    known = {host.name: host for host in core.settings.hosts}
    if exporter is not None and exporter not in known:
        raise ConfigError(f"--from {exporter!r}: hosts.toml has {', '.join(known)}")
    if not importers:
        return core.settings.hosts, None
    to = select_hosts(core.settings, importers, (), lambda: core.store)
    names = tuple(host.name for host in to if host.name != exporter)
    if not names:
        raise ConfigError(f"--to {','.join(importers)} names no host other than --from {exporter}")
    if exporter is None:
        return core.settings.hosts, names
    wanted = {exporter, *names}
    return tuple(host for host in core.settings.hosts if host.name in wanted), names


def _kinds(text: str | None) -> tuple[Kind, ...]:
    """The kinds that are named, in the order of tables."""
    if text is None:
        return KINDS
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in KIND_NAMES:
            raise ConfigError(f"--kinds {name!r}: the kinds are {', '.join(KIND_NAMES)}")
    if not names:
        raise ConfigError(f"--kinds is empty: the kinds are {', '.join(KIND_NAMES)}")
    return tuple(kind for kind in KINDS if kind in {kind_named(name) for name in names})


def _share(
    core: Core,
    sharing: Sharing,
    cancel: threading.Event,
    dry_run: bool,
    progress: str,
    show: ShowArgs,
) -> int:
    with stopping(cancel.set) as interrupted:
        plan = in_thread(sharing.prepare)
        if dry_run:
            write_result("\n".join(map(clean_line, plan)), show.output)
            return SAME
        if progress != "quiet":
            for line in plan:
                tell(clean_line(line))
            sharing.on_progress = _printer()
        document = in_thread(sharing.run)
    if terminal_closed():
        return INTERRUPTED  # nobody reads a result; the audit is stored
    findings = core.findings(document)
    show_audit(document, findings, None, core.store, show)
    for sentence in core.prune(document.audit):
        tell(sentence)
    if interrupted.is_set():
        return INTERRUPTED
    if sharing.trouble is not None:
        tell(str(sharing.trouble))
        return TROUBLE
    return code_with_gate(exit_code(document), findings, parse_gate(show.fail_on))


def _printer() -> Callable[[str, str], None]:
    """Prints each thing that a host begins once, on standard error."""
    printed: set[str] = set()

    def print_once(host: str, what: str) -> None:
        line = clean_line(f"{host} {what.partition(':')[0]}")
        if line not in printed:
            printed.add(line)
            sys.stderr.write(f"cachetui: {line}\n")
            sys.stderr.flush()

    return print_once
