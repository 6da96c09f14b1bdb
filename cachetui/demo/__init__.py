"""Recorded real fleets, replayed over a real SSH connection on loopback.

What a host printed and when it did so was recorded in the lab of the tests, on real engines. A
demo lays out the recorded builds, starts an SSH server that answers as those hosts did, and
leaves everything else (connection, parsers, store, screens) to what runs against real hosts.
"""
