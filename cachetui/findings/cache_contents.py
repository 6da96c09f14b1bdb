"""What a host's cache holds of an instruction, by what was read of it before the run."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.builders.history_line import is_step
from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.claim import HOSTS
from cachetui.findings.legacy_cache import legacy_chains
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.findings.wording import BUILDER_WORDS
from cachetui.records.backend import Backend
from cachetui.records.digest import ValueHasher
from cachetui.records.hidden import hides
from cachetui.records.host import MAX_CHAINS, HostEvidence


def holds_none_of(
    evidence: HostEvidence, command: Instruction, backend: Backend, hasher: ValueHasher
) -> str | None:
    """A sentence that no image or record is of this RUN; None where one is, or may be."""
    what = f"the RUN of line {command.line}"
    if backend == "legacy":
        chains = legacy_chains(evidence, hasher)
        if chains is None:
            return None
        ids = {image.id for image in evidence.bases}
        if sum(chain.base in ids for chain, _ in chains) >= MAX_CHAINS:
            return None
        if any(is_step(line, command, hasher) for _, made in chains for line in made):
            return None
        return f"no image of the legacy builder is of {what}"
    if evidence.cache is None:
        return None
    words = _words(command)
    descriptions = [" ".join(record.description.split()) for record in evidence.cache]
    if not words or any(words in text or hides(text) for text in descriptions):
        return None
    if not descriptions:
        return "BuildKit's cache is empty"
    return f"{_none_of(len(descriptions))} in BuildKit's cache is of {what}"


def _none_of(records: int) -> str:
    """The beginning of a sentence that none of so many records, one or more, is of something."""
    return "the only record" if records == 1 else f"none of the {records} records"


def records_of_command(evidence: HostEvidence | None, question: Question) -> Iterator[Evidence]:
    """Whether BuildKit's cache has records of the command of the step that is asked about."""
    item = question.instruction
    if evidence is None or evidence.cache is None or question.run.backend != "buildkit":
        return
    assert item is not None
    words = _words(item)
    there = [r for r in evidence.cache if words and words in " ".join(r.description.split())]
    if there:
        text = f"the cache on {HOSTS} has records of the same command, from another build"
        text += f" ({len(there)})"
    elif any(hides(record.description) for record in evidence.cache):
        return
    else:
        count = len(evidence.cache)
        text = (
            f"{_none_of(count)} in the cache on {HOSTS} is of this command"
            if count
            else f"the cache on {HOSTS} is empty"
        )
    yield Evidence(
        kind="cache",
        text=text,
        data={"records": len(there), "of": len(evidence.cache)},
        hosts=(question.run.host,),
    )


def _words(item: Instruction) -> str:
    """The part of the instruction that a record's description has as it is written: the text up to
    the first variable."""
    text = " ".join(" ".join(item.args).split()) if item.keyword == "RUN" else item.rest
    return text.split("$")[0].strip() if "$" in text else text


def hits_of_other_builder(question: Question) -> Iterator[Evidence]:
    """That the other builder hits on the host: it may have been the only one to build there."""
    run = question.run
    for other in question.case.runs:
        if other.host != run.host or other.backend == run.backend or not other.kind.as_found:
            continue
        counted = [step for step in other.steps if step.counts]
        hits = sum(step.status == "hit" for step in counted)
        if hits:
            theirs, own = BUILDER_WORDS[other.backend], BUILDER_WORDS[run.backend]
            yield Evidence(
                kind="run",
                text=f"{theirs} hit {hits} of {len(counted)} steps on {HOSTS}: this points to "
                f"builds with it alone there, as it shares no cache with {own}",
                data={"hits": hits, "steps": len(counted)},
                hosts=(run.host,),
                runs=(other.id,),
            )
            return
