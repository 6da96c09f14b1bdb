"""Why runs differ: rules over records, a Dockerfile and manifests. Pure: nothing is asked here."""

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
