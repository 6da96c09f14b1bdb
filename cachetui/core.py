"""The one core under the headless commands and the app: prepare an audit, run it, watch it.

Screens and commands hold a `Core`; what one can do, the other can.
"""

from __future__ import annotations
