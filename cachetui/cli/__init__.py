"""The command line: options come in, text and exit codes go out. Each command is a short recipe
over `cachetui.core`; heavy imports wait until a command needs them."""
