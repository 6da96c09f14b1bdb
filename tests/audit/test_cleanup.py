"""What of a host's images and mounts is ours, and how it is asked for."""

from __future__ import annotations

import pytest

from cachetui.audit.cleanup import (
    TRIES,
    image_ids,
    mount_id,
    mounts_of_audits,
    removal_command,
)
from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import Completed, HostError
from cachetui.records.host import CacheMount
from tests.answering_machine import AnsweringMachine

HOST = HostSettings(name="h", address="local")


class Answers(AnsweringMachine):
    """A machine that gives these answers in turn, the last one for ever."""

    def __init__(self, *answers: Completed) -> None:
        self.answers = list(answers)
        self.asked = 0

    def answer(self, command: str) -> Completed:
        assert command.endswith("image ls -aq --no-trunc")
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


GONE = Completed(1, b"", b"Error response from daemon: NotFound: content sha256:1: not found")
DOWN = Completed(1, b"", b"Cannot connect to the Docker daemon")
TOLD = Completed(0, b"sha256:aa\nsha256:bb\nsha256:aa\n", b"")


def test_a_listing_that_stumbles_is_asked_again() -> None:
    machine = Answers(GONE, TOLD)
    assert image_ids(machine, HOST) == {"sha256:aa", "sha256:bb"}
    assert machine.asked == 2


@pytest.mark.parametrize(("answer", "asked"), [(GONE, TRIES), (DOWN, 1)])
def test_but_not_for_ever_and_not_for_another_trouble(answer: Completed, asked: int) -> None:
    machine = Answers(answer)
    with pytest.raises(HostError, match="docker image ls"):
        image_ids(machine, HOST)
    assert machine.asked == asked


@pytest.mark.fault("anothers-images")
def test_a_tag_on_an_image_that_was_there_is_moved_before_it_goes() -> None:
    command = removal_command(HOST, ["cachetui:a", "cachetui:b"], ["sha256:cc"], {"cachetui:a"})
    assert command is not None
    moved, removed = command.split("done; ", 1)
    assert "cachetui:a" in moved
    assert "cachetui:b" not in moved
    assert "rmi --no-prune" in removed
    assert "sha256:cc" in removed
    assert removal_command(HOST, [], []) is None


def test_only_a_mount_of_our_namespace_is_ours() -> None:
    ours = 'cached mount /c from exec /bin/sh -c x with id "cachetui-1125-a/x"'
    theirs = 'cached mount /c from exec /bin/sh -c x with id "my-cachetui-1/x"'
    silent = "cached mount /c from exec /bin/sh -c echo cachetui-1125"
    mounts = [CacheMount(id=t, description=t, bytes=1) for t in (ours, theirs, silent)]
    assert mounts_of_audits(mounts) == [mounts[0]]
    assert mount_id(ours) == "cachetui-1125-a/x"
