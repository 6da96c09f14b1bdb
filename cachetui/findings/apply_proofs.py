"""What experiments settle: a finding is proved, or it is withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from cachetui.findings.record import Evidence, Finding, Proof, Unexplained


def apply_proofs(
    findings: Sequence[Finding], proofs: Iterable[Proof]
) -> tuple[tuple[Finding, ...], list[Unexplained]]:
    """The findings with what experiments showed, and those that they withdrew, as unexplained.

    Of several experiments for one finding the last that decided holds.
    """
    last: dict[object, Proof] = {}
    for proof in sorted(proofs, key=lambda proof: proof.at):
        decided = last.get((proof.id, proof.steps))
        if decided is None or proof.outcome != "undecided" or decided.outcome == "undecided":
            last[(proof.id, proof.steps)] = proof
    kept: list[Finding] = []
    withdrawn: list[Unexplained] = []
    for finding in findings:
        proof_of_it = last.get((finding.id, finding.steps))
        if proof_of_it is None:
            kept.append(finding)
        elif proof_of_it.outcome == "withdrawn":
            withdrawn.append(_withdrawn(finding, proof_of_it))
        else:
            sure = "proved" if proof_of_it.outcome == "proved" else finding.confidence
            evidence = (*_of_its_host(proof_of_it), *finding.evidence)
            kept.append(replace(finding, confidence=sure, evidence=evidence))
    return tuple(kept), withdrawn


def _of_its_host(proof: Proof) -> tuple[Evidence, ...]:
    return tuple(replace(fact, hosts=(proof.host,)) for fact in proof.evidence)


def _withdrawn(finding: Finding, proof: Proof) -> Unexplained:
    said = Evidence(
        kind="experiment",
        text=f"the experiment on {proof.host} did not confirm {finding.id}",
        hosts=(proof.host,),
    )
    return Unexplained(
        title=f"not confirmed: {finding.title}",
        hosts=finding.hosts,
        backends=finding.backends,
        scenarios=finding.scenarios,
        steps=finding.steps,
        consequences=finding.consequences,
        seconds=finding.seconds,
        facts=(said, *_of_its_host(proof)),
    )
