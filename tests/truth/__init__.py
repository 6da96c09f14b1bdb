"""Findings held against the truth: builds at random, one thing changed, and what is said of it.

`python -m tests.truth N=300` plays cases on the lab's four engines. A case is a build made from a
seed (`generate`), audited, changed in exactly one thing (`changes`), and audited again (`play`).
What is right follows from the change and from what engines are known to have in their cache keys
(`truth`); the judge holds the findings against it and against what the engines did (`judge`).

`python -m tests.truth.rehearse` does it without engines, by what is known of their cache keys
(`engines`), and every case that is played checks that knowledge.
"""
