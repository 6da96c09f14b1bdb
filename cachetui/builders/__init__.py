"""The builders: a scenario's command line goes out, what a builder prints comes in, and steps of
the Dockerfile come out. `builder.Builder` says what one is; nothing here runs a command."""
