"""What stands below the options in `--help`: examples, and what the exit codes mean."""

from __future__ import annotations

from collections.abc import Mapping

import click

_RESULT = "0 the hosts agree, 1 they differ, 2 trouble (a host, a build, an argument)"
_DONE = "0 done, 2 trouble"

CODES: Mapping[str, str] = {
    "run": f"{_RESULT}, 3 a finding of --fail-on, 130 interrupted",
    "peek": f"{_RESULT}, 3 a finding of --fail-on, 130 interrupted",
    "cache": "0 it can be imported, 2 it is damaged or cannot be read, or trouble",
    "share": "0 done, 2 trouble (a host, an export, an import), 3 a finding of --fail-on, "
    "130 interrupted",
    "show": f"those of the run: {_RESULT}, 3 a finding of --fail-on",
    "hosts": "0 every host can be asked, 2 one cannot",
    "clean": "0 nothing of audits is left, 2 trouble, or not agreed to, 130 interrupted",
    "store": "0 within the limits, 2 still larger, or trouble",
    "prove": "0 proved, 1 withdrawn, 2 undecided, or trouble, 130 interrupted",
    "outputs": "0 the same image, 1 they differ, 2 nothing to compare, or trouble",
    "init": "0 written, 2 not written, or trouble",
    "demo": "as `run`, with --table; of the app 0",
    "open": "0 closed, 2 trouble",
    **dict.fromkeys(("history", "log", "explain", "keys", "schema", "paths", "completion"), _DONE),
}
"""The exit codes of each command."""

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "run": (
        "cachetui run shop --as-found",
        "cachetui run ./shop -w 'ci-[1-3]' --scenarios buildkit-cold,buildkit-warm",
        "cachetui run shop --as-found --compare-to last --format html -o shop.html",
    ),
    "peek": ("cachetui peek shop", "cachetui peek ./shop -w @ci --only buildkit --yes"),
    "cache": (
        "cachetui cache registry.example/shop:cache --host ci-1 --build shop",
        "cachetui cache /srv/cache/shop --host ci-1 --format json",
    ),
    "share": (
        "cachetui share shop --registry registry.example.com/team/cache",
        "cachetui share ./shop --from ci-1 --to ci-2,ci-3 --kinds local-max",
    ),
    "show": (
        "cachetui show",
        "cachetui show last --findings all --all",
        "cachetui show 1126 --compare-to last",
    ),
    "hosts": ("cachetui hosts", "cachetui hosts -w @unreachable"),
    "clean": ("cachetui clean", "cachetui clean -w ci-3 --yes"),
    "history": ("cachetui history", "cachetui history --pin last"),
    "store": (
        "cachetui store",
        "cachetui store --prune --max-size 2GB --dry-run",
        "cachetui store copy ~/.cache/cachetui postgresql://auditor@db.example/cachetui",
    ),
    "prove": (
        "cachetui prove base-drift:3",
        "cachetui prove base-drift:3 --audit last --host ci-4 --dry-run",
    ),
    "log": (
        "cachetui log last ci-3 buildkit-cold",
        "cachetui log last ci-3 buildkit-cold --step 9",
        "cachetui log last ci-3 buildkit-cold --commands",
    ),
    "outputs": (
        "cachetui outputs",
        "cachetui outputs 'last/*/buildkit-cold'",
        "cachetui outputs ci-1/legacy-cold ci-2/legacy-cold --file /etc/passwd",
    ),
    "open": ("cachetui open last", "cachetui open 1126-0129"),
    "init": ("cachetui init", "cachetui init --yes -o suggested.toml"),
    "demo": ("cachetui demo", "cachetui demo mounts --table --speed 10"),
    "explain": ("cachetui explain", "cachetui explain base-drift"),
    "keys": ("cachetui keys", "cachetui keys | grep compare"),
    "schema": ("cachetui schema", "cachetui schema > cachetui.schema.json"),
    "paths": ("cachetui paths", "cachetui paths --store /srv/cachetui"),
    "completion": (
        'eval "$(cachetui completion bash)"     # in ~/.bashrc',
        'eval "$(cachetui completion zsh)"      # in ~/.zshrc',
        "cachetui completion fish | source       # in ~/.config/fish/config.fish",
    ),
}
"""What one may type, for each command."""


def add_pages(group: click.Group) -> None:
    """Give every command its page."""
    for name, command in group.commands.items():
        examples = "\n".join(f"  {example}" for example in EXAMPLES[name])
        command.epilog = f"\b\nExamples:\n{examples}\n\nExit codes: {CODES[name]}."
