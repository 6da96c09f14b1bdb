"""The table of keys in docs/keys.md, from the bindings themselves.

python -m tests.cheat_sheet      writes it; a test compares it with the page
"""

from __future__ import annotations

from pathlib import Path

from cachetui.tui.view import key_tables

PAGE = Path(__file__).parents[1] / "docs" / "keys.md"
BEGIN, END = "<!-- keys: made by `make screenshots` -->", "<!-- end of keys -->"


def sheet() -> str:
    """A table: a row a place, its keys with what they do."""
    rows = ["| | |", "| --- | --- |"]
    for title, entries in key_tables.sheet():
        told = [f"{_keys(shown)} {what.rstrip('…')}" for shown, what, _ in entries]
        places = [n for n, (*_, name) in enumerate(entries) if name.startswith("app.place_")]
        if places:
            told[places[0] : places[-1] + 1] = [f"`1` to `{len(places)}` Go to a place"]
        rows.append(f"| **{title}** | {' · '.join(told)} |")
    return "\n".join(rows)


def _keys(shown: str) -> str:
    return " ".join(f"`{key}`" for key in shown.split())


def on_page(text: str) -> str:
    """The table as the page has it. Raises ValueError where it has none."""
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()


def main() -> None:
    """Write it into the page."""
    text = PAGE.read_text("utf-8")
    head, tail = text[: text.index(BEGIN)], text[text.index(END) :]
    PAGE.write_text(f"{head}{BEGIN}\n{sheet()}\n{tail}", "utf-8")


if __name__ == "__main__":
    main()
