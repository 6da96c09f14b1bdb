"""SSH: from an alias or address to a connected machine, as ssh_config says. The only room that
imports paramiko."""
