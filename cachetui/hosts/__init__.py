"""Machines, local or over SSH: settings in, connected machines, facts and evidence out. Nothing
that runs on a host outlives the one who asked for it."""
