"""What screens are made of: each widget draws lines of its own, from spans of text and tone."""
