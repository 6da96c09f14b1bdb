"""What the screens show, as lines of text and tones: pure functions and small value types.

Records and snapshots come in, lines, rows and columns go out; nothing here knows of a widget.
"""
