"""What an exporting host writes is noted before, and removed by whoever comes later."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cachetui.config.settings import HostSettings
from cachetui.hosts.delete_refs import delete_refs
from cachetui.hosts.local_machine import LocalMachine
from cachetui.share.written import Written
from cachetui.store.database import Store
from tests.make_records import facts

HOST = HostSettings(name="ci-1", address="local")
FACTS = facts(engine_id="E", engine_name="ci-1")
DIGEST = "sha256:" + "a" * 64


class Registry(ThreadingHTTPServer):
    """A registry with one tag, `c:there`, which it deletes with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.status = status
        self.there = True
        self.address = f"127.0.0.1:{self.server_address[1]}"


class _Answers(BaseHTTPRequestHandler):
    server: Registry

    def do_HEAD(self) -> None:
        found = self.server.there and self.path == "/v2/c/manifests/there"
        self.send_response(200 if found else 404)
        if self.path.startswith("/v2/"):
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        if found:
            self.send_header("Docker-Content-Digest", DIGEST)
        self.end_headers()

    def do_DELETE(self) -> None:
        self.server.there = self.server.there and self.server.status != 202
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    with Registry(getattr(request, "param", 202)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture
def machine() -> LocalMachine:
    return LocalMachine("ci-1", {}, ("docker",))


def test_a_reference_that_the_registry_deletes_is_gone(
    registry: Registry, machine: LocalMachine
) -> None:
    ref = f"{registry.address}/c:there"
    assert delete_refs(machine, [ref]) == {ref: "gone"}
    assert not registry.there


def test_one_that_was_never_written_is_gone(registry: Registry, machine: LocalMachine) -> None:
    ref = f"{registry.address}/c:never"
    assert delete_refs(machine, [ref]) == {ref: "gone"}
    assert registry.there


@pytest.mark.fault("shared-stopped")
@pytest.mark.parametrize("registry", [401, 405], indirect=True)
def test_one_that_may_not_be_deleted_stays(registry: Registry, machine: LocalMachine) -> None:
    ref = f"{registry.address}/c:there"
    assert delete_refs(machine, [ref]) == {ref: "stays"}


@pytest.mark.fault("shared-stopped")
def test_a_404_of_what_is_no_registry_tells_nothing(machine: LocalMachine) -> None:
    class Page(_Answers):
        def do_HEAD(self) -> None:
            self.send_response(404)
            self.end_headers()

    with Registry(202) as server:
        server.RequestHandlerClass = Page
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ref = f"{server.address}/c:there"
        assert delete_refs(machine, [ref]) == {ref: "stays"}
        server.shutdown()


@pytest.mark.fault("shared-stopped")
def test_where_nothing_answers_it_is_not_known(machine: LocalMachine) -> None:
    assert delete_refs(machine, ["127.0.0.1:1/c:x"]) == {"127.0.0.1:1/c:x": "unknown"}


def noted(store: Store) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    found = list(Written.by_others(store, HOST, FACTS))
    for one in found:
        one.leave()
    return [(one.refs, one.folders) for one in found]


def test_what_is_under_way_is_nobody_elses(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    written = Written.begin(store, "a1", HOST, FACTS)
    written.will_write(ref="r:1/c:x")
    assert noted(store) == []
    written.leave()
    assert noted(store) == [(("r:1/c:x",), ())]


def test_what_is_gone_is_not_noted_any_more(
    registry: Registry, machine: LocalMachine, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    store = Store(tmp_path / "s")
    written = Written.begin(store, "a1", HOST, FACTS)
    written.will_write(ref=f"{registry.address}/c:there")
    written.will_write(folder=str(folder))
    folder.mkdir()
    (folder / "index.json").write_text("{}")
    written.leave()
    (found,) = Written.by_others(store, HOST, FACTS)
    assert found.audit == "a1"
    remains = found.remove(machine)
    assert (remains.stays, remains.later) == ((), ())
    assert not registry.there
    assert not folder.exists()
    assert noted(store) == []


@pytest.mark.fault("shared-stopped")
def test_what_could_not_be_asked_for_is_tried_again(machine: LocalMachine, tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    written = Written.begin(store, "a1", HOST, FACTS)
    written.will_write(ref="127.0.0.1:1/c:x")
    written.will_write(ref="team/c:x")  # of a registry that has another way
    remains = written.remove(machine)
    assert (remains.stays, remains.later) == (("team/c:x",), ("127.0.0.1:1/c:x",))
    assert noted(store) == [(("127.0.0.1:1/c:x",), ())]
