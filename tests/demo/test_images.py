"""Images of recorded hosts: what our program found is recorded once, and played for any request."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from cachetui.core import Options
from cachetui.demo import images
from cachetui.demo.fleet import DemoCore, demo_fleet
from cachetui.demo.placeholders import normalise
from cachetui.demo.record import RecordingMachine, Transcript
from cachetui.demo.recording import Exchange, Recording, Session
from cachetui.demo.replay import Replay
from cachetui.hosts.machine import Completed
from cachetui.outputs import program
from cachetui.outputs.contents import ImageContents
from cachetui.outputs.difference import Entry
from cachetui.outputs.fetch import fetch_from_copy
from cachetui.outputs.gather_contents import gather_contents
from cachetui.outputs.layers import lines_of
from cachetui.store.database import Store
from tests.answering_machine import AnsweringMachine
from tests.outputs.fakedocker import FakeHost
from tests.outputs.tars import sha, tar

BASE = tar(("bin", None), ("bin/sh", b"#!" * 1000))
ONE, TWO = (tar(("app", None), ("app/main", f"print({n})\n".encode())) for n in (1, 2))


class Played(AnsweringMachine):
    """A machine that answers as a recorded host does."""

    name = "fake"

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    def answer(self, command: str) -> Completed:
        answer = self._replay.answer(command)
        assert answer.known, command
        said = [b"".join(data for _, at, data in answer.parts if at == source) for source in (1, 2)]
        return Completed(answer.status, *said)


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    made = FakeHost(tmp_path / "host")
    made.image("one", (BASE, ONE))
    made.image("two", (BASE, TWO))
    return made


def recorded(host: FakeHost, folder: Path) -> Recording:
    """Both images, and a file of a copy, as `record_demo` has them."""
    transcript = Transcript({str(host.folder): "/home/ci"})
    machine = RecordingMachine(host.machine(), transcript)
    copies = str(host.folder / "layers")
    store = Store(folder)
    for name in ("one", "two"):
        gather_contents(machine, host.settings, name, store, copy_to=copies)
    fetch_from_copy(machine, host.settings, copies, "app/main", entry(ONE))
    session = Session(build="b", before="", scenarios=(), exchanges=tuple(transcript.exchanges))
    return Recording(
        about="",
        recorded="2026-01-01",
        host="fake",
        engine="1",
        client="1",
        buildx=None,
        store="s",
        sessions=(session,),
    )


def entry(layer: bytes) -> Entry:
    return Entry(
        type="f",
        mode="644",
        uid=0,
        gid=0,
        size=9,
        mtime="0",
        sha256=hashlib.sha256(b"print(1)\n").hexdigest(),
        link=None,
        xattrs=None,
        layer=f"sha256:{sha(layer)}",
    )


def found(contents: ImageContents, store: Store) -> list[object]:
    return [
        contents.config,
        contents.config_digest,
        *([*lines_of(store, layer.digest)] for layer in contents.layers),
    ]


def test_a_replay_finds_in_images_what_was_found(host: FakeHost, tmp_path: Path) -> None:
    recording = recorded(host, tmp_path / "recorded")
    assert images.has_images(recording)
    for number, names in enumerate((("one", "two"), ("two",), ("two", "one"))):
        real, ours = (Store(tmp_path / f"{kind}{number}") for kind in ("real", "ours"))
        played = Played(Replay(recording, {}))
        for name in names:
            contents = gather_contents(host.machine(), host.settings, name, real)
            assert found(contents, real) == found(
                gather_contents(played, host.settings, name, ours), ours
            )


def test_a_layer_is_recorded_once(host: FakeHost, tmp_path: Path) -> None:
    recording = recorded(host, tmp_path / "recorded")
    commands = [one.command for one in recording.sessions[0].exchanges]
    layers = [command for command in commands if command.startswith(images.LAYER)]
    assert sorted(layers) == sorted(f"{images.LAYER}{sha(one)}" for one in (BASE, ONE, TWO))
    assert str(host.folder) not in repr(recording), "the recorded machine's own folders"


def test_a_file_of_a_copy_is_played(host: FakeHost, tmp_path: Path) -> None:
    played = Played(Replay(recorded(host, tmp_path / "recorded"), {}))
    fetched = fetch_from_copy(played, host.settings, "/home/ci/layers", "app/main", entry(ONE))
    assert fetched is not None
    assert fetched.data == b"print(1)\n"


def test_a_request_is_known_whatever_the_program_that_answers_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = program.image_request("docker image save a", ["1" * 64], ["1" * 64], ())
    before = normalise(program.program_command(request))
    monkeypatch.setattr(program, "_LOADER", "# another version\n" + program._LOADER)
    assert normalise(program.program_command(request)) == before
    assert before == (f"{images.IMAGE}docker image save a", {})
    assert images.request_of("echo CACHETUI-PROGRAM") is None


@pytest.mark.parametrize("output", [b"", b"sh: python3: not found\n"])
def test_what_is_no_answer_of_the_program_is_not_recorded(output: bytes) -> None:
    with pytest.raises(ValueError, match="no answer of our program"):
        images.texts_of("cachetui-image x", output)


def test_the_demo_reads_images_where_they_are_recorded() -> None:
    with demo_fleet(hosts=1) as fleet:
        plain = [replace_session(one, drop=True) for one in fleet.recordings]
        for recordings, wanted in ((plain, False), ([*map(replace_session, plain)], True)):
            core = DemoCore(replace(fleet, recordings=tuple(recordings)))
            try:
                settings = next(iter(core.settings.builds.values()))
                audit = core.prepare(settings, core.settings.hosts, Options())
                assert audit.task.outputs is wanted
            finally:
                core.store.close()


def replace_session(recording: Recording, drop: bool = False) -> Recording:
    """The recording with an image in its first session, or with none in any."""
    import msgspec

    image = Exchange(command=f"{images.IMAGE}docker image save x", status=0, seconds=0.0)
    sessions = [
        msgspec.structs.replace(
            session,
            exchanges=tuple(
                one for one in session.exchanges if not one.command.startswith(images.IMAGE)
            )
            + ((image,) if not drop and not number else ()),
        )
        for number, session in enumerate(recording.sessions)
    ]
    return msgspec.structs.replace(recording, sessions=tuple(sessions))
