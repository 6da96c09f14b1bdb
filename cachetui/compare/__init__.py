"""Compare what was observed: records in, values out. Pure: no I/O, no clock, no display."""
