"""Where hosts.toml is looked for. Imports nothing heavy: shell completion asks it."""

from __future__ import annotations

from pathlib import Path


def places() -> tuple[Path, ...]:
    """Where hosts.toml is looked for, in order, when `--hosts` names none."""
    import platformdirs

    return (Path("hosts.toml"), platformdirs.user_config_path("cachetui") / "hosts.toml")
