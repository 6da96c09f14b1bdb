"""Secret values of a build are nowhere afterwards, and in no list of processes meanwhile."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import time
import urllib.parse
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from cachetui.core import Core
from cachetui.store.database import Store
from tests.audits import audit, core_of
from tests.lab import Lab
from tests.lab.host import Host
from tests.sample_builds import folder

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns(together=True)]

# Another one in each process: workers see each other's command lines.
MARK = f"c4n4ry{os.getpid()}"
SHORT = "7" + base64.b32encode((os.getpid() << 4 & 0xFFFFFF).to_bytes(3, "big"))[:4].decode()
VALUES = {
    "TOKEN": f"{MARK}-plain-value",
    "URL": f"https://x.test/?a=1&token=<{MARK}>",
    "QUOTED": f'it\'s "{MARK}" $HOME `x` \\ end',
    "LINES": f"first {MARK}\nsecond {MARK}",
    "USERNAME": f"{MARK}-user",
    "http_proxy": f"http://u:{MARK}@127.0.0.1:1",
    "UNUSED": f"{MARK}-unused",
    "PIN": SHORT,
}
HOST_VALUE = f"{MARK}-of-the-host"
TEXT = """FROM base:1
ARG TOKEN
ARG URL
ARG QUOTED
ARG PIN
ENV KEPT=$TOKEN
LABEL url=$URL pin=$PIN
RUN printf '%s\\n' "$TOKEN" "$URL" "$QUOTED"; printf '%s' "$URL" | base64; sleep 0.4
RUN printf 'x:%s' "$TOKEN" | base64; printf '12%s' "$TOKEN" | base64 | fold -w 7
RUN echo $TOKEN | od -An -tx1
RUN echo $TOKEN | fold -w 5; printf %s $TOKEN | xxd -p; printf "%s,$URL" 1 | base64 -w 20
RUN echo "PIN=$PIN"; printf 'half %s' "${TOKEN%%-*}"; sleep 0.3; echo "-${TOKEN#*-}"
RUN exit 4 # $TOKEN
"""
MOUNTED = "RUN --mount=type=cache,target=/m echo kept >/m/$TOKEN\n"
ABOUT_AN_IMAGE = ("image", "inspect"), ("history", "--no-trunc")
BUILT = TEXT[: TEXT.rindex("RUN exit")]


class Processes:
    """Every command line that was seen on this machine, on which all the lab's hosts are."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._over = threading.Event()

    @contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            for pid in filter(str.isdecimal, os.listdir("/proc")):
                with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:
                    self.seen.add(file.readall())


def forms(value: str) -> set[bytes]:
    """A value as it may be written by the programs that get it, and its plain digest."""
    texts = {value, *value.splitlines(), urllib.parse.quote(value, safe="")}
    json = msgspec.json.encode(value).decode()[1:-1]
    texts |= {json, json.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")}
    guessable = hashlib.sha256(value.encode()).hexdigest()
    data = value.encode()
    coded = {
        base64.b64encode(b"_" * at + data)[-(-4 * at // 3) :].rstrip(b"=")[:-1] for at in range(3)
    }
    coded |= {data.hex().encode(), data.hex(" ").encode()}
    return {text.encode() for text in texts} | coded | {guessable.encode()}


def held(data: bytes) -> list[bytes]:
    """The forms of values that are in some bytes, or would be but for breaks of lines."""
    values = [*VALUES.values(), HOST_VALUE]
    joined = data.replace(b"\n", b"")
    return [form for value in values for form in forms(value) if form in data or form in joined]


def around(data: bytes) -> list[bytes]:
    """Where forms of values stand, with what is around them."""
    joined = data.replace(b"\n", b"")
    places = [(text, text.find(form)) for form in held(data) for text in (data, joined)]
    return [text[max(0, at - 60) : at + 60] for text, at in places if at >= 0]


def hidden(data: bytes) -> str:
    """The text without a value."""
    for form in held(data):
        data = data.replace(form, b"VALUE")
    return data.decode(errors="replace")


def everything_written(root: Path) -> Iterator[tuple[Path, bytes]]:
    """Each file below a folder, with what is packed in it."""
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            yield path, data
            for start in (b"\x78\x01", b"\x78\x9c", b"\x78\xda"):
                at = data.find(start)
                while at >= 0:
                    with suppress(zlib.error):
                        yield path, zlib.decompressobj().decompress(data[at:])
                    at = data.find(start, at + 1)


@pytest.fixture(scope="module")
def processes() -> Processes:
    return Processes()


def names_of_builds(host: Host) -> list[str]:
    """The builds that the engine knows of."""
    return host.docker("buildx", "history", "ls", "--format", "{{.Name}}").stdout.decode().split()


BEFORE: dict[str, list[str]] = {}


@pytest.fixture(scope="module")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory, processes: Processes) -> Core:
    core = core_of(lab, tmp_path_factory.mktemp("store"))
    hosts = tuple(
        msgspec.structs.replace(host, env={**host.env, "HOST_TOKEN": HOST_VALUE})
        for host in core.settings.hosts
    )
    core = Core(msgspec.structs.replace(core.settings, hosts=hosts), core.store)
    for name in ("new", "ctd"):
        own = folder(tmp_path_factory.mktemp("own"), "FROM base:1\nRUN true\n")
        lab[name].docker("build", "--network=none", str(own))
        BEFORE[name] = names_of_builds(lab[name])
        assert BEFORE[name]
    with processes.watched():
        for name, text in (("failing", TEXT), ("built", BUILT), ("mounts", BUILT + MOUNTED)):
            build = folder(tmp_path_factory.mktemp(name), text)
            document = audit(core, build, build_args=VALUES, outputs=name == "built")
            ended = {run.status for run in document.runs if run.backend == "buildkit"}
            assert ended == {"failed" if name == "failing" else "ok"}
    return core


@pytest.mark.fault("secret-in-processes", "secret-in-files")
def test_no_value_shows_or_is_kept(lab: Lab, core: Core, processes: Processes) -> None:
    """In no list of processes, here and on the hosts, nor in the engines' own records of builds.
    One test, so that what it looks at is made once."""
    assert any(b"--build-arg\0TOKEN" in line for line in processes.seen)
    assert [line for line in processes.seen if held(line)] == []
    store: Store = core.store
    written = list(everything_written(store.folder))
    assert len(written) > 10
    assert [around(data) for _, data in written if held(data)] == []
    for host in lab.hosts.values():
        written = list(everything_written(host.cache_folder))
        assert [(path, held(data)) for path, data in written if held(data)] == []
        told = host.docker("image", "ls", "-aq", "--no-trunc").stdout.decode().split()
        for image in told:
            about = [host.docker(*words, image).stdout for words in ABOUT_AN_IMAGE]
            assert not any(map(held, about)), f"{host.name}: {[hidden(one) for one in about]}"
    assert {name: names_of_builds(lab[name]) for name in BEFORE} == BEFORE


@pytest.mark.usefixtures("others_images_go")
def test_images_that_the_legacy_builder_left_are_kept_without_a_value(
    lab: Lab, tmp_path: Path
) -> None:
    """Their history has the arguments of each RUN. docker 20.10 builds with that builder."""
    text = "FROM base:1\nARG TOKEN\nARG PIN\nRUN echo $PIN # @SALT@\n"
    text += "ENV KEPT=$TOKEN\nLABEL kept=$TOKEN\n"
    build = folder(tmp_path / "b", text.replace("@SALT@", str(time.time_ns())))
    given = {name: VALUES[name] for name in ("TOKEN", "PIN")}
    words = [f"--build-arg={name}={value}" for name, value in given.items()]
    lab["old"].docker("build", "--network=none", *words, str(build))
    core = core_of(lab, tmp_path / "store")
    document = audit(
        core, build, ("old",), build_args={**given, "PIN": "1"}, scenarios=("legacy-as-found",)
    )
    evidence = document.hosts[0].evidence
    lines = [line for chain in (evidence and evidence.legacy) or () for line in chain.made_by]
    pair = " ".join(f"{name}={given[name]}" for name in sorted(given))
    assert core.store.hasher.digest(pair) in {line.partition(" args=")[2] for line in lines}
    written = list(everything_written(core.store.folder))
    assert [around(data) for _, data in written if held(data)] == []
    plain = hashlib.sha256(pair.encode()).hexdigest().encode()
    assert [path for path, data in written if plain in data] == []
    (step,) = [s for s in document.runs[0].steps if s.keyword == "RUN"]
    assert step.status == "miss"
    found = core.findings(document).findings
    assert [one.id for one in found] == ["build-arg-invalidates"], "its image tells, by its command"
