"""The command line: options in, exit codes and text out. Each command is a short recipe over
`cachetui.core`; heavy imports wait until a command needs them."""
