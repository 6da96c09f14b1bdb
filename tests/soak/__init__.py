"""Many audits in one process: what they must not use up. Takes the recorded fleet, served by a
process of its own; gives what the process and its store had taken after each stretch."""
