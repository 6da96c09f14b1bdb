"""`python -m cachetui`, and the entry point `cachetui`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; never returns.

    An error that nothing expected is shown with its traceback and ends with `TROUBLE`: Python's own
    exit code for it, 1, means here that hosts differ.
    """
    try:
        from cachetui.cli.main import cli

        cli(prog_name="cachetui")
    except SystemExit as end:
        _end(end)
        raise
    except Exception:
        from cachetui.exit_codes import TROUBLE

        sys.excepthook(*sys.exc_info())
        broken = SystemExit(TROUBLE)
        _end(broken)
        raise broken from None


def _end(end: SystemExit) -> None:
    from cachetui.cli.failures import end_despite_threads

    end_despite_threads(end)


if __name__ == "__main__":
    main()
