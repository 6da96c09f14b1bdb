"""The README's cheat sheet of keys, from the bindings themselves.

    python -m tests.cheat_sheet      writes it anew; a test holds the README to it
"""

from __future__ import annotations

from pathlib import Path

from cachetui.tui import keys

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- keys: made by `make screenshots` -->", "<!-- end of keys -->"


def sheet() -> str:
    """A table: a row a place, its keys with what they do."""
    rows = ["| | |", "| --- | --- |"]
    for title, entries in keys.sheet():
        told = " · ".join(f"{_keys(shown)} {_sentence(what)}" for shown, what, _ in entries)
        rows.append(f"| **{title}** | {told} |")
    return "\n".join(rows)


def _keys(shown: str) -> str:
    return " ".join(f"`{key}`" for key in shown.split())


def _sentence(words: str) -> str:
    words = words.rstrip("…")
    return words[0].lower() + words[1:]


def in_readme(text: str) -> str:
    """The cheat sheet as a README has it. Raises ValueError where it has none."""
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()


def main() -> None:
    """Write it into the README."""
    text = README.read_text("utf-8")
    head, tail = text[: text.index(BEGIN)], text[text.index(END) :]
    README.write_text(f"{head}{BEGIN}\n{sheet()}\n{tail}", "utf-8")


if __name__ == "__main__":
    main()
