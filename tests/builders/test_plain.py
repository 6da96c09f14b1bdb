"""BuildKit's plain output, in what no recording shows."""

from __future__ import annotations

import pytest

from cachetui.builders.events import Ended, Event, Log, Message, Started
from cachetui.builders.plain_output import PlainParser
from tests.builders.replay import events, joined

DIGEST = b"sha256:" + b"a" * 64
OLD = b"#8 [2/3] RUN x\n#8 " + DIGEST + b"\n"


def read(*blocks: bytes) -> list[Event]:
    return joined(events("plain", blocks))


def logs(found: list[Event]) -> list[tuple[str, bytes]]:
    return [(event.key, event.data) for event in found if isinstance(event, Log)]


def ends(found: list[Event]) -> list[Ended]:
    return [event for event in found if isinstance(event, Ended)]


def test_a_done_that_follows_a_log_without_a_newline() -> None:
    text = OLD + b"#8 0.073 text#8 DONE 0.1s\n"
    for blocks in ([text + b"\n"], [text, b"\n#9 x\n"], [text], [text[:-5], text[-5:]]):
        found = read(*blocks)
        assert logs(found) == [("8", b"text")]
        assert [(end.key, end.outcome, end.seconds) for end in ends(found)] == [("8", "done", 0.1)]


def test_a_log_that_only_looks_as_if_it_ended() -> None:
    text = OLD + b"#8 0.073 text#8 DONE 0.1s\n"
    for after in (b"#8 0.2 more\n", b"#8 DONE 0.4s\n", b"#8 ...\n"):
        found = read(text + after)
        assert logs(found)[0][1].startswith(b"text#8 DONE 0.1s\n")
        assert all(end.seconds == 0.4 for end in ends(found))
    other = OLD + b"#8 0.073 text#9 DONE 0.1s\n\n"
    assert logs(read(other)) == [("8", b"text#9 DONE 0.1s\n")]
    newer = b"#8 [2/3] RUN x\n#8 0.073 text#8 DONE 0.1s\n\n"
    assert logs(read(newer)) == [("8", b"text#8 DONE 0.1s\n")]


def test_the_last_end_holds_and_statuses_are_no_logs() -> None:
    found = read(
        b"#4 [1/2] FROM a\n#4 sha256:" + b"b" * 64 + b" 1.2MB / 3MB 0.1s\n#4 DONE 0.1s\n\n"
        b"#4 [1/2] FROM a\n#4 extracting sha256:" + b"b" * 64 + b" 0.3s done\n#4 DONE 0.5s\n"
        b"#4 1.5 is no status\n#4 resolve a done\n"
    )
    assert [(end.seconds, end.fetched) for end in ends(found)] == [(0.1, True), (0.5, True)]
    assert logs(found) == [("4", b"is no status\n")]
    assert sum(isinstance(event, Started) for event in found) == 1


def test_a_vertex_that_was_cached_stays_a_hit_and_its_pull_is_the_cost() -> None:
    layers = (
        b"#8 sha256:" + b"a" * 64 + b" 32.51MB / 41.95MB 0.2s\n"
        b"#8 sha256:" + b"a" * 64 + b" 41.95MB / 41.95MB 1.2s done\n"
        b"#8 sha256:" + b"b" * 64 + b" 159B / 159B 0.1s done\n"
        b"#8 extracting sha256:" + b"a" * 64 + b" 0.3s done\n"
    )
    head, done = b"#8 [2/3] COPY --from=deps /big /big\n", b"#8 DONE 1.5s\n\n"
    for text in (
        head + b"#8 CACHED\n\n#12 exporting\n#12 ...\n\n" + head + layers + done,
        head + layers + done,  # both came at once: only the last word is printed
    ):
        end = ends(read(text))[-1]
        assert (end.outcome, end.seconds, end.fetched_bytes) == ("hit", 1.5, 41_950_159)
    in_a_folder = head + layers + b"#8 CACHED\n\n"
    graph_driver = head + b"#8 pulling sha256:" + b"a" * 64 + b" 1.2s done\n#8 CACHED\n\n"
    for text, size in ((in_a_folder, 41_950_159), (graph_driver, None)):
        end = ends(events("plain", [text], 5.0))[-1]
        assert (end.outcome, end.timing, end.fetched_bytes) == ("hit", "arrival", size)
        assert end.seconds == pytest.approx(1.2)


def test_what_runs_after_all_is_no_hit() -> None:
    pull = b"#8 pulling sha256:" + b"a" * 64 + b" done\n"
    lost = b"#8 [2/3] RUN x\n#8 CACHED\n\n#8 [2/3] RUN x\n" + pull + b"#8 ERROR: not found\n\n"
    found = ends(read(lost + b"#8 [2/3] RUN x\n#8 DONE 51.5s\n"))
    assert [end.outcome for end in found] == ["hit", "failed", "done"]
    assert not found[-1].fetched
    another_step_failed = b"#8 [2/3] RUN x\n#8 CACHED\n\n#8 [2/3] RUN x\n#8 0.1 x\n#8 DONE 0.1s\n"
    assert ends(read(another_step_failed))[-1].outcome == "done"
    base = b"#8 [1/3] FROM a\n#8 extracting sha256:" + b"a" * 64 + b" 0.9s done\n#8 DONE 1.0s\n"
    assert ends(read(base))[-1].outcome == "done"


def test_a_log_line_that_is_numbered_0_is_of_the_vertex_printed_last() -> None:
    """What buildx 0.8 to 0.10 print of lines that come before a vertex's header."""
    text = (
        b'#0 building with "default" instance using docker driver\n\n'
        b"#5 [a 2/2] RUN a\n#0 0.101 first\n#0 0.102 second\n#5 0.250 third\n#5 ...\n\n"
        b"#6 [b 2/2] RUN b\n#0 0.300 of b\n#6 DONE 0.4s\n\n"
        b"#5 [a 2/2] RUN a\n#0 0.5 again\n#5 0.6 last\n#5 DONE 0.6s\n"
    )
    want = [("5", b"first\nsecond\nthird\n"), ("6", b"of b\n"), ("5", b"again\nlast\n")]
    for blocks in ([text], [text[at : at + 1] for at in range(len(text))]):
        found = read(*blocks)
        assert logs(found) == want
        assert [event.text for event in found if isinstance(event, Message)] == [
            '#0 building with "default" instance using docker driver'
        ]
    many = b"#5 [2/2] RUN a\n" + b"".join(b"#0 %d.5 line %d\n" % (n, n) for n in range(2000))
    assert logs(read(many)) == [("5", b"".join(b"line %d\n" % n for n in range(2000)))]
    nobody = read(b"#0 0.1 text\n")
    assert logs(nobody) == []
    assert [event.text for event in nobody if isinstance(event, Message)] == ["#0 0.1 text"]
    over = read(b"#5 [2/2] RUN a\n#0 0.1 " + b"x" * (1 << 20) + b"y" * 100)
    assert b"".join(piece for _, piece in logs(over)).endswith(b"xy" + b"y" * 99)


def test_outcomes() -> None:
    found = read(
        b"#1 a\n#1 CACHED\n\n#2 b\n#2 CANCELED\n\n#3 c\n#3 ERROR: it broke\n\n#4 d\n#4 DONE\n"
        b"#5 e\n#5 WARN: careful\n#5 DONE 12.0s\n"
    )
    assert [(end.outcome, end.seconds, end.error) for end in ends(found)] == [
        ("hit", 0.0, None),
        ("cancelled", 0.0, None),
        ("failed", 0.0, "it broke"),
        ("done", 0.0, None),
        ("done", 12.0, None),
    ]
    assert Message("careful", 1.0, "warning") in found


def test_time_without_a_figure_counts_from_the_first_log_line() -> None:
    parser = PlainParser()
    parser.feed(b"#2 [2/2] RUN x\n", 10.0)
    parser.feed(b"#2 7.500 text\n", 10.5)
    (end,) = parser.feed(b"#2 ERROR: no\n", 12.0)
    assert isinstance(end, Ended)
    assert (end.seconds, end.started, end.timing) == (9.0, 3.0, "arrival")


def test_after_the_rule_nothing_is_a_vertex() -> None:
    found = read(
        b"#2 [2/2] RUN x\n#2 0.1 log\n#2 ERROR: no\n------\n > [2/2] RUN x:\n#2 0.1 log\n"
        b"------\nexecutor failed running [x]: exit code: 1\n"
    )
    assert logs(found) == [("2", b"log\n")]
    assert found[-1] == Message("executor failed running [x]: exit code: 1", 1.0, "error")
    assert logs(read(b"#2 x\n------\n#2 0.1 log\n")) == [("2", b"log\n")]


def test_a_name_of_several_lines() -> None:
    found = read(b"#2 [2/2] RUN echo a\nb\n#2 0.1 a\n")
    assert [event for event in found if isinstance(event, Message)] == [Message("b", 1.0)]
    assert logs(found) == [("2", b"a\n")]


def test_an_endless_log_line_comes_in_pieces() -> None:
    parser = PlainParser()
    parser.feed(b"#2 x\n#2 0.1 ", 1.0)
    size = 0
    for _ in range(48):
        found = parser.feed(b"y" * 65536, 1.0)
        size += sum(len(event.data) for event in found if isinstance(event, Log))
    assert size >= 2 << 20
    found = parser.feed(b"z\n#2 0.2 next\n", 1.0)
    assert joined(found) == [Log("2", b"y" * ((3 << 20) - size) + b"z\nnext\n", 1.0)]


def test_lines_without_their_header() -> None:
    found = read(b"#7 DONE 1.0s\n#7 ...\n#0 building with x\n#8 CACHED\nplain words\n")
    assert all(isinstance(event, Message) for event in found)
    assert len(found) == 5
