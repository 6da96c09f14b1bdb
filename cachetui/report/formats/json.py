"""An audit as JSON, which is a contract, and the schema that describes it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from cachetui.compare.speeds import Comparison, Speed, comparisons, speeds
from cachetui.findings import Finding, Findings, Need, Unexplained
from cachetui.outputs.outputs_report import OutputsReport
from cachetui.records.base import SCHEMA, Record
from cachetui.records.document import Document
from cachetui.records.to_json import to_json
from cachetui.report.audit_report import AuditReport
from cachetui.report.formats import Format

# JSON leaves these as they are, and a terminal would act on them: written as escapes the text
# is the same to every reader.
_TO_ESCAPE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Audit(Document, frozen=True, kw_only=True):
    """An audit, why its runs differ (most expensive first), what no rule explains, what rules
    need to say more, and how long scenarios took: raw samples, and what they bear out. `outputs`
    compares the images, None where none was read."""

    findings: tuple[Finding, ...]
    unexplained: tuple[Unexplained, ...]
    needs: tuple[Need, ...]
    speeds: tuple[Speed, ...]
    comparisons: tuple[Comparison, ...]
    outputs: OutputsReport | None = None


def encode(document: Document, findings: Findings, outputs: OutputsReport | None = None) -> bytes:
    """The document and its findings as indented JSON in UTF-8, ending in a newline.

    Every key of the contract is there, null where nothing is known. Strings are as they were
    recorded, not cleaned; what a terminal would act on is escaped, and a lone surrogate, which
    UTF-8 cannot hold, is U+FFFD.
    """
    audit = Audit(
        **msgspec.structs.asdict(document),
        findings=findings.findings,
        unexplained=findings.unexplained,
        needs=findings.needs,
        speeds=speeds(document),
        comparisons=comparisons(document),
        outputs=outputs,
    )
    return _encode(audit)


def encode_outputs(report: OutputsReport) -> bytes:
    """A comparison of images alone, by the same rules."""
    return _encode(report)


def _encode(record: Record) -> bytes:
    raw = to_json(record)
    return (escaped(msgspec.json.format(raw, indent=2).decode()) + "\n").encode()


def escaped(text: str) -> str:
    """JSON with escapes for what a terminal would act on."""
    return _TO_ESCAPE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `encode`'s documents.

    All keys are required, for all are always there; further keys may come with later versions
    of the same schema number.
    """
    described = msgspec.json.schema(Audit)
    for definition in described["$defs"].values():
        if "properties" in definition:
            definition["required"] = list(definition["properties"])
            for described_property in definition["properties"].values():
                described_property.pop("default", None)
    described["$defs"]["Audit"]["properties"]["schema"]["const"] = SCHEMA
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cachetui audit",
        **described,
    }


def render(report: AuditReport) -> str:
    """The audit as text that `schema` describes: all findings, whatever the report's limit."""
    return encode(report.document, report.findings, report.outputs).decode()


FORMAT = Format(
    render=render,
    title="JSON",
    description="all of it, for programs (cachetui schema)",
    suffix="json",
    readers="programs",
)
