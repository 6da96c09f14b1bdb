"""Explains why the runs of an audit differ, by rules. Pure: the audit's document, its Dockerfile,
earlier audits and manifests of contexts go in; findings, and what stays unexplained, come out.
"""

from cachetui.findings.case import dockerfile_of
from cachetui.findings.explain_audit import explain_audit
from cachetui.findings.record import Evidence, Finding, Findings, Need, Proof, StepRef, Unexplained
from cachetui.findings.registry import RULES, rule

__all__ = [
    "RULES",
    "Evidence",
    "Finding",
    "Findings",
    "Need",
    "Proof",
    "StepRef",
    "Unexplained",
    "dockerfile_of",
    "explain_audit",
    "rule",
]
