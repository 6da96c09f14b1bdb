"""The two builders: the command line of a scenario goes out, what a builder prints comes in, and
steps of the Dockerfile come out. Pure: nothing here runs a command."""
