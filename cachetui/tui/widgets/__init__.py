"""What screens are made of: tables, logs, diffs, panels of text and the frame around them.

Lines, rows and columns of `view` come in, and messages about what the user did go out; each widget
draws only what is in view.
"""
