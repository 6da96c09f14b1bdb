"""`python -m cachetui`, and the entry point `cachetui`."""

from __future__ import annotations


def main() -> None:
    """Run the command line; never returns."""
    from cachetui.cli.main import cli

    cli(prog_name="cachetui")


if __name__ == "__main__":
    main()
