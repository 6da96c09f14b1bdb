"""`python -m cachetui`, and the entry point `cachetui`."""

from __future__ import annotations


def main() -> None:
    """Run the command line; never returns."""
    from cachetui.cli.failures import end_despite_threads
    from cachetui.cli.main import cli

    try:
        cli(prog_name="cachetui")
    except SystemExit as end:
        end_despite_threads(end)
        raise


if __name__ == "__main__":
    main()
