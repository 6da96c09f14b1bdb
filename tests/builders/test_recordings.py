"""What real engines printed, mapped to the steps of the Dockerfile."""

from __future__ import annotations

import pytest

from cachetui.builders.events import ContextSent, Ended, ImageMade, Message
from cachetui.dockerfile.parse import parse
from cachetui.records.step import Step, StepId
from tests.builders.expected import NO_VERTEX, SAME, expected
from tests.builders.replay import events, joined, pieces, replay
from tests.recordings.cases import CASES, Recording, recordings

ALL = recordings()


def name(step: Step | StepId) -> str:
    text = f"{step.stage_index}.{step.index}"
    return text if step.trigger is None else f"{text}.{step.trigger}"


def find(case: str, file: str) -> Recording:
    return next(r for r in CASES[case].recordings() if r.path.stem == file)


@pytest.mark.parametrize("recording", ALL, ids=lambda r: r.id)
def test_steps_and_their_statuses(recording: Recording) -> None:
    steps, logs = replay(recording)
    statuses = expected(recording)
    found = {name(step): step.status for step in steps}
    assert found.keys() == statuses.keys()
    wrong = {step: status for step, status in found.items() if status not in statuses[step]}
    assert not wrong
    order = [(step.stage_index, step.index, -1 if step.trigger is None else step.trigger)
             for step in steps]  # fmt: skip
    assert order == sorted(order)
    file = parse(recording.case.dockerfile)
    for step in steps:
        if step.trigger is None:
            item = file.instruction(step.stage_index, step.index)
            assert (step.line, step.instruction) == (item.line, item.text)
        assert logs.get(step.id, b"").count(b"\n") in (step.log_lines, step.log_lines - 1)


@pytest.mark.parametrize("recording", ALL, ids=lambda r: r.id)
def test_times(recording: Recording) -> None:
    steps, _ = replay(recording)
    timing = {"legacy": "arrival", "plain": "printed", "rawjson": "engine"}[recording.output]
    none = NO_VERTEX.get(recording.case.name, set())
    if recording.output == "legacy":  # a COPY that ONBUILD runs shows nothing when it misses
        none = {"0.0.2"} if recording.id.startswith("onbuild/") else set()
    for step in steps:
        if step.status in ("hit", "miss", "failed") and name(step) not in none:
            assert step.seconds is not None, name(step)
            assert step.seconds >= 0
            assert step.started is not None
            assert step.finished is not None
            assert 0 <= step.started <= step.finished
            by_arrival = step.status == "failed" or step.pulled_seconds is not None
            assert step.timing in (timing, "arrival" if by_arrival else timing)
        elif step.status == "not-needed":
            assert (step.seconds, step.timing) == (None, None)


@pytest.mark.parametrize("recording", [r for r in ALL if r.output != "legacy"], ids=lambda r: r.id)
def test_equal_steps_are_one(recording: Recording) -> None:
    steps = {name(step): step for step in replay(recording)[0]}
    groups = SAME.get(recording.case.name, [])
    for group in groups:
        printed = [step for step in group if steps[step].same_as is None]
        assert len(printed) == 1
        first = steps[printed[0]]
        for other in group - {printed[0]}:
            twin = steps[other]
            assert twin.same_as == (first.stage_index, first.index)
            assert twin.twin == first.id
            assert (twin.status, twin.seconds, twin.log_lines) == (first.status, first.seconds, 0)
    alone = steps.keys() - set().union(*groups)
    assert all(steps[step].same_as is None for step in alone)


@pytest.mark.parametrize("case", CASES)
def test_all_that_one_backend_prints_is_about_the_same_steps(case: str) -> None:
    found: dict[str, set[tuple[str, ...]]] = {}
    for recording in CASES[case].recordings():
        backend = "legacy" if recording.output == "legacy" else "buildkit"
        names = tuple(name(step) for step in replay(recording)[0])
        found.setdefault(backend, set()).add(names)
    assert all(len(kinds) == 1 for kinds in found.values())
    if len(found) == 2:
        (legacy,), (buildkit,) = found["legacy"], found["buildkit"]
        assert set(buildkit) <= set(legacy)


@pytest.mark.parametrize("recording", ALL, ids=lambda r: r.id)
def test_how_the_output_is_cut_does_not_matter(recording: Recording) -> None:
    data = recording.path.read_bytes()
    whole = joined(events(recording.output, [data]))
    for size in (1, 7, 64, 1000):
        assert joined(events(recording.output, pieces(data, size))) == whole, size


@pytest.mark.parametrize("recording", ALL, ids=lambda r: r.id)
def test_what_is_no_step_is_kept(recording: Recording) -> None:
    """Every line that is a message in the end was a line of the output."""
    data = recording.path.read_bytes().decode("utf-8", "replace")
    for event in events(recording.output, [recording.path.read_bytes()]):
        if isinstance(event, Message) and recording.output != "rawjson":
            assert event.text.split("\n")[0] in data


NOISE = (
    b"Step 3/4 : RUN x\n ---> Using cache\n ---> 0123456789ab\n"
    b"#7 DONE 0.1s\n#8 CACHED\n------\n > [2/2] RUN x:\n"
    b'Successfully built 0123456789ab\n{"vertexes":[]}\n'
    b"half\rprogress\n\n\n  \xff\xfe\xc3 not utf-8 \xe2\x82\xac\n"
    b"Removing intermediate container 0123456789ab\n"
    b"The command '/bin/sh -c x' returned a non-zero code: 1\n"
    b"no newline at the end"
)


@pytest.mark.parametrize(
    "recording",
    [r for r in CASES["noise"].recordings() if r.temperature == "cold"],
    ids=lambda r: r.id,
)
def test_a_log_is_what_the_container_wrote(recording: Recording) -> None:
    _, logs = replay(recording)
    want = NOISE
    if recording.output == "legacy":  # it goes through JSON, which has no other bytes
        want = NOISE.replace(b"\xff\xfe\xc3", "\ufffd".encode() * 3)
    log = logs[StepId(0, 2)]
    assert b"to-stderr\n" in log
    log = log.replace(b"to-stderr\n", b"", 1)
    if recording.output == "plain" and not log.endswith(b"end"):
        want += b"\n"
    assert log == want
    assert logs[StepId(0, 3)] == b"quiet\n"


@pytest.mark.parametrize(
    "recording",
    [r for r in CASES["interleaved"].recordings() if r.temperature == "cold"],
    ids=lambda r: r.id,
)
def test_interleaved_logs_are_taken_apart(recording: Recording) -> None:
    _, logs = replay(recording)
    for stage, word in enumerate((b"left", b"right")):
        want = b"".join(b"%s %d\n" % (word, number) for number in range(1, 14))
        assert logs[StepId(stage, 1)] == want


@pytest.mark.parametrize("recording", ALL, ids=lambda r: r.id)
def test_failures_have_their_error(recording: Recording) -> None:
    failed = [step for step in replay(recording)[0] if step.status == "failed"]
    assert bool(failed) == recording.case.fails
    words = {
        "parallel-failure": "7",
        "force-rm": "5",
        "failed-onbuild": "9",
        "cache-mount-legacy": "requires BuildKit",
        "same-name-legacy": "stage name already used",
        "failed-copy": "missing",
        "told-cached": "missing",
        "no-base": "",
    }
    for step in failed:
        assert step.error
        assert words[recording.case.name] in step.error


@pytest.mark.parametrize(
    "recording",
    [r for r in CASES["shared-vertexes"].recordings() if r.temperature == "cold"],
    ids=lambda r: r.id,
)
def test_a_vertex_under_another_builds_name_is_found_by_its_text(recording: Recording) -> None:
    text = recording.path.read_bytes()
    assert b"[other 2/3] WORKDIR /w" in text
    steps, _ = replay(recording)
    assert {name(s) for s in steps if s.seconds is not None} == {"0.0", "0.1", "0.2", "0.3", "1.1"}
    assert all(s.started is not None and s.started < 2 for s in steps if s.seconds is not None)


def test_what_was_told_as_cached_for_a_failure_is_no_hit() -> None:
    """None of these RUN and COPY can hit: `--no-cache`, and a host name of the build's own."""
    for recording in CASES["told-cached"].recordings():
        steps = {name(step): step.status for step in replay(recording)[0]}
        assert "hit" not in {steps[step] for step in ("0.1", "1.2", "2.1", "2.2")}
    old = find("told-cached", "old-plain-cold")
    assert old.path.read_text().count(" CACHED\n") > 3  # a FROM, and steps that were passed over


@pytest.mark.parametrize("case", ["imported", "imported-above"])
@pytest.mark.parametrize("host", ["old", "mid", "new", "ctd"])
@pytest.mark.parametrize("output", ["plain", "rawjson"])
def test_a_hit_in_an_imported_cache_is_a_hit_and_the_pull_its_cost(
    case: str, host: str, output: str
) -> None:
    if (host, output) == ("old", "rawjson"):
        return  # its client has no rawjson
    steps, _ = replay(find(case, f"{host}-{output}-cold"))
    pulled = {name(step): step for step in steps if step.pulled_seconds is not None}
    hits = {name(step) for step in steps if step.status == "hit" and step.counts}
    if host == "old":
        assert hits == pulled.keys() == {"1.1"}
        return
    last = "1.4" if case == "imported" else "1.2"
    assert hits == {"0.1", "1.1", "1.2"} | ({"1.3", "1.4"} if case == "imported" else set())
    assert pulled.keys() == {last}
    step = pulled[last]
    assert step.seconds == step.pulled_seconds
    assert step.pulled_seconds is not None
    assert step.pulled_seconds > 0
    if host == "ctd":  # a graph driver's store does not say how much it pulls
        assert step.pulled_bytes is not None
        assert 3_000_000 < step.pulled_bytes < 5_000_000
    else:
        assert step.pulled_bytes is None


@pytest.mark.parametrize("file", ["old-legacy-cold", "new-legacy-cold", "old-plain-cold"])
def test_the_context_and_the_image(file: str) -> None:
    recording = find("stages", file)
    found = events(recording.output, [recording.path.read_bytes()])
    (sent,) = [event.bytes for event in found if isinstance(event, ContextSent)][-1:]
    assert 0 < sent < 10_000
    image = [event for event in found if isinstance(event, ImageMade) and event.final][-1]
    assert image.id.removeprefix("sha256:").isalnum()


def test_a_pulled_base() -> None:
    for recording in CASES["pulled"].recordings():
        found = events(recording.output, [recording.path.read_bytes()])
        fetched = any(isinstance(event, Ended) and event.fetched for event in found)
        assert fetched == (recording.temperature == "cold"), recording.id
