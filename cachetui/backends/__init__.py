"""The two builders: the command line of a scenario, and the parsers of what they print."""
