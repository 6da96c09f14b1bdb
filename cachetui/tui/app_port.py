"""What screens may ask of the app, as a type: so that no screen imports the app that makes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, cast

from textual.message_pump import MessagePump
from textual.screen import Screen

from cachetui.tui.core_port import CorePort, PromptsPort
from cachetui.tui.session import Session

_T = TypeVar("_T")


class AppPrompts(PromptsPort, Protocol):
    """Answers the core's questions; see `cachetui.tui.screens.ssh_prompts.SshPrompts`."""

    def begin(self) -> None: ...
    def give_up(self) -> None: ...


class AppPort(Protocol):
    """The app as its screens know it; see `cachetui.tui.app.CachetuiApp`."""

    @property
    def core(self) -> CorePort: ...
    @property
    def session(self) -> Session: ...
    @property
    def asker(self) -> AppPrompts: ...

    # Time

    def now(self) -> float: ...
    def moment(self, at: float) -> str: ...

    # Messages and screens

    def tell(self, text: str, *, severity: str = "information", title: str = "") -> None: ...
    def clear_notifications(self) -> None: ...
    def copy(self, text: str) -> None: ...
    def refresh_places(self) -> None: ...
    @property
    def screen(self) -> Screen[object]: ...
    @property
    def screen_stack(self) -> Sequence[Screen[Any]]: ...
    def push_screen(
        self, screen: Screen[_T], callback: Callable[[_T | None], None] | None = None
    ) -> object: ...
    def call_later(self, callback: Callable[..., object], *arguments: object) -> bool: ...
    def set_interval(self, interval: float, callback: Callable[[], None]) -> object: ...
    def exit(self, result: int) -> None: ...

    # Ways between the places

    def go(self, place: str) -> None: ...
    def action_go_back(self) -> None: ...


def app_of(node: MessagePump) -> AppPort:
    """The app that a screen belongs to."""
    return cast(AppPort, node.app)
