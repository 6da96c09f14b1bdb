"""Share a build's cache between hosts, kind by kind, and see what each kind keeps.

A prepared audit and hosts go in, a document with its `share` comes out; hosts' caches stay as they
are, and what was written into a registry is deleted again where the registry allows it.
"""
