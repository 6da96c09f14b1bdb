"""What a host is asked of our images, and how its answers are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.audit.build_run import BuildOutcome
from cachetui.audit.engine_images import container_of
from cachetui.audit.made_images import MadeImages
from cachetui.builders.legacy_images import LegacyMade, Trail, Unprinted
from cachetui.config.settings import HostSettings
from cachetui.dockerfile.parse import parse
from cachetui.hosts.connect import Connector
from cachetui.hosts.machine import Completed
from tests import make_records as b
from tests.answering_machine import AnsweringMachine

HOST = HostSettings(name="h", address="local")
BASE, AA, BB, CC = (f"sha256:{char * 64}" for char in "0abc")
COPY, RUN = parse("FROM x\nCOPY f /f\nRUN make\n").stages[0].instructions[1:]


class Engine(AnsweringMachine):
    """A machine with these images (`ID → parent`) that says of a container what `inspected` is,
    else what `event` is."""

    def __init__(self, images: dict[str, str], inspected: str = "\n", event: str = "") -> None:
        self.images, self.container = images, f"2001-09-09T01:46:40.123456789Z\n{inspected}{event}"

    def answer(self, command: str) -> Completed:
        if "image ls -aq" in command:
            text = "\n".join(self.images)
        elif "SystemTime" in command:
            text = self.container
        elif "history" in command:
            lines = [f'{image} {parent} ["a:1"]' for image, parent in self.images.items()]
            lines = [line.replace(' ["a:1"]', " []") for line in lines]
            made = '"/bin/sh -c #(nop) COPY file:1 in /f "'
            text = "\n".join([*lines, *(f"made {image} {made}" for image in self.images)])
        else:
            text = "\n".join(f"{image} {parent} null" for image, parent in self.images.items())
        return Completed(0, text.encode(), b"")


def claimed(engine: Engine, made: LegacyMade) -> MadeImages:
    images = MadeImages(before=frozenset({BASE}))
    run = b.run("h", "legacy-cold", seconds=5.0)
    images.claim(engine, HOST, BuildOutcome(run, made))
    return images


OF_CONTAINER = LegacyMade((Trail("1" * 12, 2, of_container=True),), container="1" * 12)


def test_an_event_tells_what_a_container_that_is_gone_was_created_from() -> None:
    engine = Engine({BASE: "", AA: BASE, BB: AA, CC: BASE}, event=f"{BB} {'1' * 64}\n")
    found = claimed(engine, OF_CONTAINER).on(engine, HOST)
    assert (found.images, found.containers) == ((BB, AA), ())


def test_a_container_that_is_left_is_ours_unless_it_is_older_than_the_build() -> None:
    new = Engine({AA: BASE}, inspected=f"{AA} {'1' * 64} 2001-09-09T01:46:38.1Z\n")
    assert claimed(new, OF_CONTAINER).on(new, HOST).containers == ("1" * 64,)
    old = Engine({AA: BASE}, inspected=f"{AA} {'1' * 64} 2001-09-09T00:46:38.1Z\n")
    assert claimed(old, OF_CONTAINER).on(old, HOST).containers == ()


def test_history_tells_what_was_made_without_a_container() -> None:
    engine = Engine({BASE: "", AA: BASE}, event=f"{BASE} {'1' * 64}\n")
    made = LegacyMade((), Unprinted((COPY, RUN), "x", container="1" * 12), "1" * 12)
    assert claimed(engine, made).on(engine, HOST).images == (AA,)


@pytest.mark.fault("host-trouble")
@pytest.mark.parametrize("date", ["2001-09-09T01:46:40.123456789Z", "2101-09-09T01:46:40+02:00"])
def test_events_are_asked_for_by_the_engines_clock(tmp_path: Path, date: str) -> None:
    """The client's own may be in another year: none of its times is said."""
    docker = tmp_path / "docker"
    docker.write_text(
        "#!/bin/sh\n"
        f"[ $1 != info ] || echo {date}\n"
        f'[ "$1 $2 $3 $4" != "events --since 1 --until={date}" ] || echo {AA} {"1" * 64}\n'
        "[ $1 != inspect ]\n"
    )
    docker.chmod(0o755)
    host = HostSettings(name="h", address="local", docker=(str(docker),))
    machine = Connector(ssh_config=None, system_config=None).connect(host)
    try:
        assert container_of(machine, host, "1" * 12, 5.0) == (AA, [])
    finally:
        machine.close()
