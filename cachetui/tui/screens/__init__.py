"""The places and dialogs of the app, a module each, with a style sheet beside it.

They compose widgets, show what `view` makes of the session, and act through the `AppPort`; no
screen imports the app.
"""
