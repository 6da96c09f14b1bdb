"""The demo: recorded real hosts come back over a real SSH connection on loopback, each command
answered as it was, when it was. All else (connection, parsers, store, screens) is what runs
against real hosts."""
