"""Compares what was observed across hosts, builders and repeats. Pure: records in, values out."""
