"""The legacy builder's output, in what no recording shows."""

from __future__ import annotations

from cachetui.builders.events import (
    ContextSent,
    Ended,
    Event,
    ImageMade,
    Log,
    Message,
    Started,
    Triggers,
)
from cachetui.builders.legacy_output import LegacyParser
from tests.builders.replay import events, joined

ID = "0123456789ab"
NEXT = b" ---> abcdefabcdef\nStep 2/2 : RUN y\n ---> Running in aaaaaaaaaaaa\n"
RUN = b"Step 1/2 : RUN x\n ---> Running in " + ID.encode() + b"\n"


def read(*blocks: bytes) -> list[Event]:
    return joined(events("legacy", blocks))


def log_of(found: list[Event], key: str = "1") -> bytes:
    return b"".join(event.data for event in found if isinstance(event, Log) and event.key == key)


def ends(found: list[Event]) -> dict[str, str]:
    return {event.key: event.outcome for event in found if isinstance(event, Ended)}


def test_times_are_those_of_arrival() -> None:
    parser = LegacyParser()
    found = [
        *parser.feed(b"Step 1/2 : COPY a b\n", 1.0),
        *parser.feed(b" ---> abcdefabcdef\nStep 2/2 : RUN x\n", 3.5),
        *parser.feed(b" ---> Using cache\n ---> abcdefabcdef\n", 4.0),
        *parser.feed(b"Successfully built abcdefabcdef\nSuccessfully tagged x:1\n", 5.0),
        *parser.close(6.0),
    ]
    copy, run = (event for event in found if isinstance(event, Ended))
    assert (copy.outcome, copy.seconds, copy.started, copy.finished) == ("done", 2.5, 1.0, 3.5)
    assert (run.outcome, run.seconds, run.timing) == ("hit", 0.5, "arrival")
    assert ImageMade(None, "abcdefabcdef", True, 5.0) in found
    assert Message("Successfully tagged x:1", 5.0) in found


def test_a_removal_that_the_container_prints_of_itself() -> None:
    removal = f"Removing intermediate container {ID}\n".encode()
    found = read(RUN + removal + b"more\n" + removal + NEXT)
    assert log_of(found) == removal + b"more\n"
    assert ends(found)["1"] == "done"
    newer = f" ---> Removed intermediate container {ID}\n".encode()
    assert log_of(read(RUN + newer + b"x" + newer + NEXT)) == newer + b"x"


def test_a_header_that_the_container_prints() -> None:
    fake = b"Step 2/2 : RUN y\n ---> abcdefabcdef\nSuccessfully built abcdefabcdef\n"
    found = read(RUN + fake + f"Removing intermediate container {ID}\n".encode() + NEXT)
    assert log_of(found) == fake
    assert [event.key for event in found if isinstance(event, Started)] == ["1", "2"]


def test_headers_count_in_their_order_only() -> None:
    found = read(b"Step 2/2 : RUN x\nStep 1/3 : FROM a\nStep 2/4 : RUN\nStep 1/3 : FROM\n")
    assert [event.key for event in found if isinstance(event, Started)] == ["1"]
    assert sum(isinstance(event, Message) for event in found) == 3


def test_the_error_of_a_command_is_the_last_thing_only() -> None:
    error = b"The command '/bin/sh -c x' returned a non-zero code: 3\n"
    found = read(RUN, error, b"not yet\n", b"no newline", error)
    assert log_of(found) == error + b"not yet\nno newline"
    (end,) = (event for event in found if isinstance(event, Ended))
    assert (end.outcome, end.error) == ("failed", error.decode().strip())


def test_an_error_that_the_engine_has_with_a_container() -> None:
    found = read(RUN, b"OCI runtime create failed: no such file\n")
    (end,) = (event for event in found if isinstance(event, Ended))
    assert (end.outcome, end.error) == ("cancelled", "OCI runtime create failed: no such file")


def test_an_error_without_a_step() -> None:
    found = read(b"Error response from daemon: dockerfile parse error line 3: unknown\n")
    assert found == [
        Message("Error response from daemon: dockerfile parse error line 3: unknown", 1.0, "error")
    ]


def test_an_error_between_two_steps_is_the_nexts() -> None:
    found = read(RUN[: RUN.index(b" --->")] + b" ---> abcdefabcdef\nx stage name already used\n")
    assert ends(found) == {"1": "done", "2": "failed"}


def test_standard_errors_colour_is_taken_off() -> None:
    text = b"out\n\x1b[91merr\n\x1b[0m\x1b[91mmore\n\x1b[0m\x1b[32mgreen\x1b[0m\n"
    found = read(RUN + text + f"Removing intermediate container {ID}\n".encode() + NEXT)
    assert log_of(found) == b"out\nerr\nmore\n\x1b[32mgreen\x1b[0m\n"


def test_triggers() -> None:
    found = read(
        b"Step 1/2 : FROM a\n# Executing 3 build triggers\n ---> Using cache\n"
        b" ---> Running in 0123456789ab\nhi\nRemoving intermediate container 0123456789ab\n"
        b" ---> abcdefabcdef\nStep 2/2 : RUN x\n"
    )
    assert Triggers("1", 3, 1.0) in found
    assert [event.key for event in found if isinstance(event, Started)] == ["1", "1.0", "1.1", "2"]
    assert {k: v for k, v in ends(found).items() if k != "2"} == {
        "1": "done",
        "1.0": "hit",
        "1.1": "done",
    }
    assert log_of(found, "1.1") == b"hi\n"


def test_a_trigger_that_shows_nothing_and_fails() -> None:
    found = read(
        b"Step 1/2 : FROM a\n# Executing 2 build triggers\n ---> Running in 0123456789ab\n"
        b"hi\n ---> Removed intermediate container 0123456789ab\n",
        b"COPY failed: file not found\n",
    )
    assert ends(found) == {"1": "done", "1.0": "done", "1.1": "failed"}


def test_the_context_is_printed_again_and_again() -> None:
    (sent,) = read(
        b"Sending build context to Docker daemon  557.1kB\r"
        b"Sending build context to Docker daemon  1.5MB\r\r\n"
    )
    assert sent == ContextSent(1_500_000, 1.0)


def test_warnings() -> None:
    (message,) = read(b"[Warning] One or more build-args [A] were not consumed\n")
    assert isinstance(message, Message)
    assert message.level == "warning"


def test_a_pull_that_found_nothing_new() -> None:
    found = read(
        b"Step 1/1 : FROM a\n1: Pulling from a\nDigest: sha256:0\n"
        b"Status: Image is up to date for a:1\n ---> abcdefabcdef\n"
    )
    (end,) = (event for event in found if isinstance(event, Ended))
    assert not end.fetched


def test_warnings_about_the_file_are_red_up_to_the_first_header() -> None:
    """`[WARNING]: Empty continuation line found in:`, in 20.10 and 28.5 (lab)."""
    found = read(
        b"Sending build context to Docker daemon  4.608kB\r\r\n"
        b"\x1b[91m[WARNING]: Empty continuation line found in:\n    RUN set -eux;     echo x\n"
        b"[WARNING]: Empty continuation lines will become errors in a future release.\n"
        b"\x1b[0mStep 1/1 : FROM base:1\n ---> 0123456789ab\nSuccessfully built 0123456789ab\n"
    )
    assert ends(found) == {"1": "done"}
    assert [event.level for event in found if isinstance(event, Message)] == [
        "warning", "info", "warning",
    ]  # fmt: skip
