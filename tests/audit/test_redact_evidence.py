"""No value of the build is in the evidence, and what was taken out is no difference."""

from __future__ import annotations

import msgspec
import pytest

from cachetui.audit.redact import Redactor
from cachetui.audit.redact_evidence import redact_evidence
from cachetui.builders import history_line
from cachetui.findings.record import Findings
from cachetui.records.hidden import hides
from cachetui.records.host import BaseImage, CacheEntry, HostEvidence, LegacyChain
from cachetui.records.to_json import to_json
from tests import make_records as b
from tests.findings.making import HASHER, audit, host, ids, run, why

TOKEN = "hunter2&<secret>"
REDACTOR = Redactor({"TOKEN": TOKEN, "LEVEL": "20"}, [("PROXY", "proxy-password")])
NOP = "/bin/sh -c #(nop) "
HISTORY = (
    f"{NOP} LABEL token={TOKEN} level=20",
    f'{NOP} CMD ["run" "--token={TOKEN}"]',
    f"{NOP} USER {TOKEN}",
    f"{NOP} EXPOSE proxy-password",
    f"{NOP} COPY file:1 in /{TOKEN} ",
    f"|1 TOKEN={TOKEN} /bin/sh -c make {TOKEN}",
)


def evidence(**changes: object) -> HostEvidence:
    made = tuple(history_line.kept(line, HASHER) for line in HISTORY)
    chain = LegacyChain(base="sha256:id", image="sha256:app", made_by=made)
    return msgspec.structs.replace(
        HostEvidence(
            at=b.NOW,
            bases=(BaseImage(ref="base:1", id="sha256:id"),),
            legacy=(chain,),
            pulled=(chain,),
            cache=(CacheEntry(type="regular", description=f"exec make {TOKEN}", bytes=1),),
        ),
        **changes,
    )


@pytest.mark.fault("secret-printed")
def test_no_value_stays() -> None:
    before = to_json(evidence()).decode()
    assert before.count("hunter2") > 8
    after = to_json(redact_evidence(evidence(), REDACTOR)).decode()
    for value in ("hunter2", "proxy-password", "level=20"):
        assert value not in after
    assert "[build-arg TOKEN]" in after
    assert "[build-arg LEVEL]" in after
    assert "[env PROXY]" in after


def test_what_is_not_there_stays_as_it_is() -> None:
    nothing = evidence(legacy=None, pulled=(), cache=None)
    assert redact_evidence(nothing, REDACTOR) == nothing
    assert redact_evidence(evidence(), Redactor({})) == evidence()


LABELLED = "FROM base:1\nLABEL stage=production\nRUN make production\n"


def found(scenario: str, *, redactor: Redactor) -> Findings:
    """Of a build whose argument has a value that stands in the Dockerfile as well."""
    made = ("LABEL stage=production", f"RUN {HASHER.digest('make production')}")
    told = HostEvidence(
        at=b.NOW,
        bases=(BaseImage(ref="base:1", id="sha256:id"),),
        legacy=(LegacyChain(base="sha256:id", image="sha256:app", made_by=made),),
        cache=(CacheEntry(type="regular", description="exec make production", bytes=1),),
    )
    hosts = [host(evidence=redact_evidence(told, redactor))]
    letters = "mm" if scenario.startswith("legacy") else "m"
    return why(audit(LABELLED, [run(LABELLED, letters, scenario=scenario)], hosts=hosts))


@pytest.mark.parametrize("scenario", ["legacy-as-found", "buildkit-as-found"])
def test_what_was_taken_out_is_no_difference(scenario: str) -> None:
    other = Redactor({"OTHER": "staging-of-us"})
    same = Redactor({"STAGE": "production"})
    assert ids(found(scenario, redactor=same)) == ids(found(scenario, redactor=other)) == []


def test_it_is_known_where_something_was_taken_out() -> None:
    assert hides("LABEL a=[build-arg TOKEN]")
    assert hides("x [env PROXY]")
    assert not hides("LABEL a=[build-arg ] [other X] [env")
