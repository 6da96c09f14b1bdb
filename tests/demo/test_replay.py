"""Which recorded answer a command gets."""

from __future__ import annotations

from msgspec import structs

from cachetui.demo.placeholders import REMOVAL
from cachetui.demo.recording import Chunk, Exchange, Recording, Session
from cachetui.demo.replay import Answer, Replay
from cachetui.hosts.asked_ahead import parse, script

ONE, TWO, OTHER = "1" * 64, "2" * 64, "3" * 64
CONTEXTS = {ONE: "one", TWO: "two"}


def session(build: str, **answers: tuple[str, ...]) -> Session:
    exchanges = [
        Exchange(command=command, status=0, seconds=0.5, chunks=(Chunk(0.25, 1, text),))
        for command, texts in answers.items()
        for text in texts
    ]
    there = Exchange(command="test -d /c/contexts/<<context>>", status=1, seconds=0.1)
    return Session(build=build, before="", scenarios=(), exchanges=(*exchanges, there))


def replay(*sessions: Session) -> Replay:
    return Replay(
        Recording(
            about="",
            recorded="2026-01-01",
            host="h",
            engine="1",
            client="1",
            buildx=None,
            store="s",
            sessions=sessions,
        ),
        CONTEXTS,
    )


def text(answer: Answer) -> str:
    return b"".join(data for _, _, data in answer.parts).decode()


def test_a_command_that_comes_again_gets_its_next_answer_and_then_the_last() -> None:
    player = replay(session("one", ls=("before", "after")))
    assert [text(player.answer("ls")) for _ in range(3)] == ["before", "after", "after"]


def test_once_images_are_removed_they_are_listed_without_them() -> None:
    """Also by an audit that listed them fewer times before."""

    def exchange(command: str, text: str) -> Exchange:
        return Exchange(command=command, status=0, seconds=0.5, chunks=(Chunk(0.25, 1, text),))

    listed = [exchange("ls", text) for text in ("first", "ours", "ours", "left")]
    removal = exchange(REMOVAL, "")
    recorded = session("one")
    player = replay(structs.replace(recorded, exchanges=(*listed[:3], removal, listed[3])))
    assert text(player.answer("ls")) == "first"
    assert player.answer("docker rmi --no-prune sha256:1").known
    assert [text(player.answer("ls")) for _ in range(2)] == ["left", "left"]


def test_another_connection_begins_again() -> None:
    for _ in range(2):
        assert text(replay(session("one", ls=("before", "after"))).answer("ls")) == "before"


def test_the_context_says_which_build_it_is() -> None:
    player = replay(session("one", ls=("first",)), session("two", ls=("second",)))
    assert text(player.answer("ls")) == "first"
    assert player.answer(f"test -d /c/contexts/{TWO}").status == 1
    assert text(player.answer("ls")) == "second"


def test_a_command_of_one_build_alone_says_too_which_it_is() -> None:
    player = replay(session("one", ls=("first",)), session("two", ls=("second",), find=("f",)))
    assert text(player.answer("ls")) == "first"
    assert text(player.answer("find")) == "f"
    assert text(player.answer("ls")) == "second"


def test_a_context_that_was_not_recorded_has_no_answers() -> None:
    player = replay(session("one", ls=("first",)))
    assert player.answer(f"test -d /c/contexts/{OTHER}").status == 127
    assert player.answer("ls").status == 127


def test_what_was_not_recorded_is_told() -> None:
    answer = replay(session("one")).answer("rm -rf /\nls")
    assert (answer.status, [part[1] for part in answer.parts]) == (127, [2])
    assert text(answer) == (
        "h is a recorded host of cachetui's demo, and this is not in the recording: rm -rf /\n"
    )


def test_what_is_new_in_an_audit_is_put_in() -> None:
    player = replay(session("one", **{"build <<audit>>": ("made cachetui:<<audit>>-x",)}))
    assert text(player.answer("build 1124-043920-rphz")) == "made cachetui:1124-043920-rphz-x"
    assert player.answer("build 1124-043920-rphz").seconds == 0.5


def test_questions_that_come_together_are_answered_one_by_one() -> None:
    token = "ab" * 16
    played = replay(session("one", ls=("images", "more"), df=("records",)))
    told = played.answer(script(["ls", "unheard-of", "df"], token))
    assert not told.known
    found = parse(text(told).encode(), token)
    assert [(one.status, one.text) for one in found.values()] == [
        (0, "images"),
        (127, ""),
        (0, "records"),
    ]
    assert "not in the recording: unheard-of" in found[1].error_text
    assert text(played.answer("ls")) == "more"
