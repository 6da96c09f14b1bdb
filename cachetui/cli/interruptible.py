"""Ctrl-C at any command: one exit code, and no traceback."""

from __future__ import annotations

from typing import Any

import click

from cachetui.exit_codes import INTERRUPTED


class InterruptibleGroup(click.Group):
    """Ends with `INTERRUPTED` where click would end with 1, which means that hosts differ. So it
    does where a question is not answered."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo("cachetui: interrupted", err=True)
            raise SystemExit(INTERRUPTED) from None
