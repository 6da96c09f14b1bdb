"""The type of an option or argument that says where a store is."""

from __future__ import annotations

from typing import Any, cast

import click
from click.shell_completion import CompletionItem

from cachetui.store.place import StorePlace, read_place


class PlaceOfStore(click.ParamType):  # type: ignore[type-arg]
    """A folder, or the address of a database."""

    name = "place"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> StorePlace:
        if not isinstance(value, str):
            return cast(StorePlace, value)
        try:
            return read_place(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        del ctx, param
        return [CompletionItem(incomplete, type="dir")]
