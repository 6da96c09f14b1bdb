"""What experiments settle: a finding is proved, or it is withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from cachetui.findings.record import Evidence, Finding, Proof, Unexplained
from cachetui.findings.wording import join_names


def apply_proofs(
    findings: Sequence[Finding], proofs: Iterable[Proof]
) -> tuple[tuple[Finding, ...], list[Unexplained]]:
    """The findings with what experiments showed, and those that they withdrew, as unexplained.

    An experiment settles what is said of its own host. Of several on one host for one finding the
    last that decided holds. One that was made for some of a finding's steps is about its cause.
    """
    ordered = sorted(proofs, key=lambda proof: proof.at)
    kept: list[Finding] = []
    withdrawn: list[Unexplained] = []
    for finding in findings:
        made = [_last(ordered, finding, host) for host in finding.hosts]
        told = [proof for proof in made if proof is not None]
        outcomes = {proof.outcome if proof is not None else None for proof in made}
        if outcomes == {"withdrawn"}:
            withdrawn.append(_withdrawn(finding, told))
        elif told:
            kept.append(_settled(finding, told, all_proved=outcomes == {"proved"}))
        else:
            kept.append(finding)
    return tuple(kept), withdrawn


def _last(proofs: Sequence[Proof], finding: Finding, host: str) -> Proof | None:
    """The experiment that holds for a finding on a host, None without one."""
    held: Proof | None = None
    for proof in proofs:
        if (proof.id, proof.host) != (finding.id, host) or not {*proof.steps} <= {*finding.steps}:
            continue
        if held is None or proof.outcome != "undecided" or held.outcome == "undecided":
            held = proof
    return held


def _settled(finding: Finding, proofs: Sequence[Proof], all_proved: bool) -> Finding:
    """The finding as it stands after these experiments, of which one at least did not withdraw it,
    or some hosts had none."""
    facts = [fact for proof in proofs for fact in _of_its_host(proof)]
    if all_proved:
        return replace(finding, confidence="proved", evidence=(*facts, *finding.evidence))
    hosts = {
        outcome: tuple(proof.host for proof in proofs if proof.outcome == outcome)
        for outcome in ("proved", "withdrawn")
    }
    if hosts["proved"]:
        rest = [host for host in finding.hosts if host not in hosts["proved"]]
        text = f"proved by experiment on {join_names(hosts['proved'])}, not on {join_names(rest)}"
        facts.insert(0, Evidence(kind="experiment", text=text, hosts=hosts["proved"]))
    if hosts["withdrawn"]:
        facts.insert(0, _not_confirmed(finding, hosts["withdrawn"]))
    confidence = "possible" if hosts["withdrawn"] else finding.confidence
    return replace(finding, confidence=confidence, evidence=(*facts, *finding.evidence))


def _of_its_host(proof: Proof) -> tuple[Evidence, ...]:
    return tuple(replace(fact, hosts=(proof.host,)) for fact in proof.evidence)


def _not_confirmed(finding: Finding, hosts: tuple[str, ...]) -> Evidence:
    text = f"the experiment on {join_names(hosts)} did not confirm {finding.id}"
    return Evidence(kind="experiment", text=text, hosts=hosts)


def _withdrawn(finding: Finding, proofs: Sequence[Proof]) -> Unexplained:
    said = _not_confirmed(finding, tuple(proof.host for proof in proofs))
    return Unexplained(
        title=f"not confirmed: {finding.title}",
        hosts=finding.hosts,
        backends=finding.backends,
        scenarios=finding.scenarios,
        steps=finding.steps,
        consequences=finding.consequences,
        seconds=finding.seconds,
        facts=(said, *(fact for proof in proofs for fact in _of_its_host(proof))),
    )
