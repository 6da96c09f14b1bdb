"""Shell completion: the script of a shell, and what the words of a command can be.

A completer reads hosts.toml and the store as they are and is silent where it cannot: whoever
presses Tab wants names, not errors. Imports wait until they are needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from cachetui.store.place import StorePlace, read_place

VARIABLE = "_CACHETUI_COMPLETE"
SHELLS = ("bash", "zsh", "fish")

_BASH = r"""
%(complete_func)s() {
    local IFS=$'\n' type value cut="" line="${COMP_LINE:0:COMP_POINT}"
    local word="${line##* }" mark
    for mark in : @ =; do
        # bash replaces what stands behind the last of these characters, not the whole word
        if [[ $COMP_WORDBREAKS == *"$mark"* && $word == *"$mark"* ]]; then
            value="${word%%"$mark"*}$mark"
            [[ ${#value} -gt ${#cut} ]] && cut="$value"
        fi
    done
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o plusdirs ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$cut"}") ;;
        esac
    done < <(COMP_LINE="$line" %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class _Bash(BashComplete):
    """click's, for words with a colon or an @ in them (`base-drift:3`, `@failed`), and without
    asking bash for its version each time."""

    source_template = _BASH

    def source(self) -> str:
        return (self.source_template % self.source_vars()).lstrip()

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get("COMP_LINE", "")
        words = split_arg_string(line)
        incomplete = "" if not words or line[-1:].isspace() else words.pop()
        return words[1:], incomplete


class _Fish(FishComplete):
    """click's, for words with a comma in them (`buildkit-cold,legacy-warm`): it cut them there."""

    source_template = FishComplete.source_template.replace(
        'string split ","', 'string split -m 1 ","'
    )


add_completion_class(_Bash)
add_completion_class(_Fish)


def script(shell: str, command: click.Command) -> str:
    """What the shell has to read for `cachetui` to be completed."""
    found = get_completion_class(shell)
    assert found is not None
    return found(command, {}, "cachetui", VARIABLE).source()


def _named(context: click.Context, name: str) -> Any:
    """What the words before give this option."""
    values = [context.params.get(name)]
    if context.parent is not None:
        values.append(context.parent.params.get(name))
    return next((value for value in values if value is not None), None)


def _place(context: click.Context) -> StorePlace | None:
    """The store that is meant; None for the user's own."""
    named = _named(context, "store_place") or os.environ.get("CACHETUI_STORE")
    try:
        return read_place(named) if isinstance(named, str) and named else named or None
    except ValueError:
        return None


def _settings(context: click.Context) -> dict[str, Any]:
    """hosts.toml as it is; {} where it cannot be read."""
    import tomli

    from cachetui.config.places import places

    named = _named(context, "hosts_file")
    for path in [Path(named)] if named is not None else places():
        try:
            return tomli.loads(path.read_text("utf-8-sig"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError):
            return {}
    return {}


def _beginning(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(name)
        for name in dict.fromkeys(names)
        if name.startswith(incomplete) and name.isprintable() and " " not in name
    ]


def builds(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of [builds]; folders."""
    tables = _settings(context).get("builds")
    names = tables if isinstance(tables, dict) else ()
    return [*_beginning(names, incomplete), CompletionItem(incomplete, type="dir")]


def hosts(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The last of a comma list of hosts and tags."""
    before, comma, last = incomplete.rpartition(",")
    tables = _settings(context).get("hosts")
    known = [each for each in tables if isinstance(each, dict)] if isinstance(tables, list) else []
    names = [str(table.get("name", "")) for table in known]
    tags = [f"@{tag}" for table in known for tag in _listed(table.get("tags"))]
    every = [*filter(None, names), *tags, "@failed", "@unreachable"]
    return _beginning((f"{before}{comma}{name}" for name in every), f"{before}{comma}{last}")


def _listed(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def audits(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of stored audits, newest first; "last"."""
    return _beginning(_audit_ids(context), incomplete)


def _audit_ids(context: click.Context) -> list[str]:
    from cachetui.store import glance

    return ["last", *(each.audit for each in glance.audits(_place(context)))]


def hosts_of_audit(
    context: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The hosts of the AUDIT that stands before."""
    from cachetui.store import glance

    found = glance.audit(_place(context), context.params.get("audit") or "last")
    return _beginning(found.hosts if found else (), incomplete)


def scenarios_of_audit(
    context: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The scenarios of the AUDIT that stands before."""
    from cachetui.store import glance

    found = glance.audit(_place(context), context.params.get("audit") or "last")
    return _beginning(found.scenarios if found else (), incomplete)


def runs(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """AUDIT, AUDIT/HOST and AUDIT/HOST/SCENARIO; HOST/SCENARIO of the last audit."""
    from cachetui.store import glance

    store = _place(context)
    name, slash, _rest = incomplete.partition("/")
    own = glance.audit(store, name) if slash else None
    if own is not None:
        names = [each for host in own.hosts for each in (host, *_of_host(host, own))]
        return _beginning((f"{name}/{each}" for each in names), incomplete)
    last = glance.audit(store, "last")
    places = [each for host in last.hosts for each in _of_host(host, last)] if last else []
    return _beginning([*_audit_ids(context), *places], incomplete)


def _of_host(host: str, audit: Any) -> Iterator[str]:
    return (f"{host}/{scenario}" for scenario in audit.scenarios)


def scenarios(_c: click.Context, _p: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The last of a comma list of scenarios."""
    from cachetui.records.scenario import SCENARIO_NAMES

    before, comma, _ = incomplete.rpartition(",")
    return _beginning((f"{before}{comma}{name}" for name in SCENARIO_NAMES), incomplete)


def rules(_c: click.Context, _p: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The last of a comma list of ids of rules."""
    from cachetui.findings import RULES

    before, comma, _ = incomplete.rpartition(",")
    return _beginning((f"{before}{comma}{rule.id}" for rule in RULES), incomplete)


def findings(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the findings of --audit, by default the last audit."""
    from cachetui.audit.findings_of import why
    from cachetui.store.database import Store
    from cachetui.store.glance import default_folder
    from cachetui.store.troubles import StoreError

    place = _place(context) or default_folder()
    if isinstance(place, Path) and not place.is_dir():
        return []
    try:
        store = Store(place)
        audit = store.resolve(context.params.get("audit") or "last")
        document = store.audit(audit) if audit is not None else None
        found = why(document, store).findings if document is not None else ()
    except (StoreError, OSError):
        return []
    return _beginning((finding.name for finding in found), incomplete)
