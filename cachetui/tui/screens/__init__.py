"""One module a screen, one style sheet beside it."""
