"""Show what was found: the terminal's table, JSON, Markdown, HTML. Text is cleaned here."""
