"""Proof by experiment: change the suspect of a finding, build again, and see whether the step hits.

A finding of an audit goes in, its `Proof` comes out and is kept; hosts' caches stay as they are.
"""

from cachetui.prove.errors import NoExperiment, ValueNeeded

__all__ = ["NoExperiment", "ValueNeeded"]
