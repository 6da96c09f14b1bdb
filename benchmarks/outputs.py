"""What a host's image holds: the time that gathering takes, the bytes that travel, the memory.

An image of 2 GB in 200,000 files is made on one host of the lab and removed again. Measured, in
turn, round by round:

- `docker save | sha256sum` on the host, over one OpenSSH connection, and the same with OpenSSL's
  sha256, which uses the processor's own instructions where coreutils may not;
- reading by our program there (goal: at most 1.5 times as long, bytes below 1% of the image);
- `ssh host docker save | sha256sum` here, and reading streamed here (goal: at least 0.6 of its
  speed);
- the comparison of two images that have all those files in layers of their own;
- a layer of a million entries, read and kept here: seconds and memory.

Peak memory is this process's and that of our program on the host (which is this machine).
"""

from __future__ import annotations

import os
import random
import resource
import shlex
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

import msgspec
from _common import finish, judge, median, options, say_machine, settings_of, spread, ssh_words

from cachetui.builders.client import client
from cachetui.config.settings import HostSettings
from cachetui.hosts.connect import Connector
from cachetui.outputs.compare import Output, compare
from cachetui.outputs.contents import ImageContents, Way
from cachetui.outputs.gather_contents import gather_contents
from cachetui.outputs.layers import LayerMeta, LayerWriter, lines_of
from cachetui.outputs.remote.entries import Layer
from cachetui.outputs.remote.feed import Feed
from cachetui.records.step import StepId
from cachetui.store.database import Store

IMAGE = f"cachetui-bench-outputs:{os.getpid()}"


def main() -> int:
    parser = options(__doc__, 1)
    parser.add_argument("--host", default="new", help="the host to use (new)")
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the layer read here")
    chosen = parser.parse_args()
    say_machine()
    with tempfile.TemporaryDirectory() as folder:
        took, peak = in_a_process(lambda: many_entries(Path(folder), chosen.entries))
    print(f"a layer of {chosen.entries} entries: {took:.1f} s, {peak / 1e6:.0f} MB of memory")
    with settings_of(chosen.hosts) as settings:
        host = next(one for one in settings.hosts if one.name == chosen.host)
        size = chosen.megabytes * 10**6
        with image_on(host, size, chosen.files), tempfile.TemporaryDirectory() as folder:
            return measure(host, chosen.rounds, Path(folder))


def measure(host: HostSettings, rounds: int, folder: Path) -> int:
    """All rounds, then the figures beside their goals; the exit code."""
    save = f"{client(host.docker)} save {IMAGE}"
    there = {
        "docker save | sha256sum there": f"{save} | sha256sum",
        "docker save | openssl sha256 there": f"{save} | openssl sha256",
    }
    seconds: dict[str, list[float]] = {}
    gathered: dict[str, ImageContents] = {}
    peaks = {"here": 0, "there": 0}
    ours: tuple[tuple[str, Way], ...] = (
        ("our program there", "python"),
        ("streamed here", "stream"),
    )
    for number in range(rounds):
        for name, command in there.items():
            seconds.setdefault(name, []).append(timed([*ssh_words(host), command]))
        here = " ".join(map(shlex.quote, [*ssh_words(host), save])) + " | sha256sum"
        seconds.setdefault("ssh docker save | sha256sum here", []).append(timed(["sh", "-c", here]))
        for name, way in ours:
            found, took, peak_here, peak_there = gathering(host, way, folder / f"{way}{number}")
            seconds.setdefault(name, []).append(took)
            gathered[way] = found
            peaks["here"] = max(peaks["here"], peak_here)
            peaks["there"] = max(peaks["there"], peak_there)
        print(f"round {number + 1} of {rounds} done", file=sys.stderr)
    for name, values in seconds.items():
        print(f"{name}: {spread(values)}")
    contents = gathered["python"]
    entries = sum(layer.entries for layer in contents.layers)
    print(f"image: {contents.bytes / 1e6:.0f} MB in {entries} entries")
    print(f"peak memory: {peaks['here'] / 1e6:.0f} MB here, {peaks['there'] / 1e6:.0f} MB there")
    print(f"comparing two such images: {comparing(contents, folder / 'python0'):.2f} s")
    ours_there, plain_there, openssl, plain_here, ours_here = (
        median(seconds[name])
        for name in (
            *("our program there", *there),
            *("ssh docker save | sha256sum here", "streamed here"),
        )
    )
    print(f"gathered there / save | openssl sha256 there: {ours_there / openssl:.3f}")
    share = 100 * contents.wire_bytes / contents.bytes
    return finish(
        [
            judge("gathered there / save | sha256sum there", ours_there / plain_there, 1.5),
            judge("bytes over the wire, of the image", share, 1.0, "%"),
            judge("streamed here / ssh save | sha256sum here", ours_here / plain_here, 1 / 0.6),
        ]
    )


def timed(words: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(words, check=True, capture_output=True)
    return time.monotonic() - began


def gathering(host: HostSettings, way: Way, folder: Path) -> tuple[ImageContents, float, int, int]:
    """Gather into a new store, in a process of its own: what was found, seconds, and the peak
    memory in bytes here and there."""

    def work() -> bytes:
        store = Store(folder)
        machine = Connector(prompts=None).connect(host)
        began = time.monotonic()
        contents = gather_contents(machine, host, IMAGE, store, way=way)
        took = time.monotonic() - began
        machine.close()
        store.close()
        return msgspec.json.encode((contents, took))

    with Watcher() as watcher:
        answer, peak = forked(work)
    contents, took = msgspec.json.decode(answer, type=tuple[ImageContents, float])
    return contents, took, peak, watcher.peak


def in_a_process(work: Callable[[], float]) -> tuple[float, int]:
    """What work gives, and its peak memory in bytes."""
    answer, peak = forked(lambda: msgspec.json.encode(work()))
    return msgspec.json.decode(answer, type=float), peak


def forked(work: Callable[[], bytes]) -> tuple[bytes, int]:
    """Do work in a process of its own: its answer, and its peak memory in bytes."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        status = 1
        try:
            with os.fdopen(write, "wb") as pipe:
                answer = work()
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
                pipe.write(b"%d\n" % peak + answer)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        peak_line, _, answer = pipe.read().partition(b"\n")
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise SystemExit("the work in a process of its own failed")
    return answer, int(peak_line)


def many_entries(folder: Path, entries: int) -> float:
    """Seconds to read a layer of that many empty files, and to keep it sorted."""
    began = time.monotonic()
    store = Store(folder / "store")
    writer = LayerWriter(folder)
    layer = Layer(Feed(_headers(entries)))
    for line in layer.lines():
        writer.add(line)
    assert layer.error == ""
    meta = LayerMeta(digest=f"sha256:{layer.digest}", bytes=layer.size, entries=0)
    assert writer.keep(store, meta).entries == entries
    store.close()
    return time.monotonic() - began


def _headers(entries: int) -> Iterator[bytes]:
    """A tar of empty files, a thousand headers at a time."""
    made = []
    for number in range(entries):
        info = tarfile.TarInfo(f"srv/part{number // 1000}/some-file-{number}.dat")
        made.append(info.tobuf(tarfile.GNU_FORMAT))
        if len(made) == 1000:
            yield b"".join(made)
            made.clear()
    yield b"".join(made) + bytes(1024)


class Watcher:
    """Watches the memory of our program on the host, told by its command line."""

    def __init__(self) -> None:
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    if path.read_bytes() == b"python3\0-I\0-\0":
                        status = path.with_name("status").read_text()
                        peak = status.partition("VmHWM:")[2].split()[0]
                        self.peak = max(self.peak, int(peak) * 1024)
                except (OSError, IndexError):
                    continue


def comparing(contents: ImageContents, folder: Path) -> float:
    """Seconds to compare an image with one that has the same files in a layer of its own, a
    hundredth of them changed."""
    store = Store(folder)
    changed = tuple(
        msgspec.structs.replace(layer, digest="sha256:changed") for layer in contents.layers
    )
    other = msgspec.structs.replace(contents, layers=changed)
    (digest,) = contents.digests

    def lines(name: str) -> Iterator[bytes]:
        for number, line in enumerate(lines_of(store, digest)):
            if name != digest and number % 100 == 0:
                line = line.replace(b"\tf\t644\t", b"\tf\t600\t")
            yield line

    step = (StepId(0, 0),)
    began = time.monotonic()
    found = compare(Output("a", contents, step), Output("b", other, step), lines)
    assert found.files.metadata > 0
    return time.monotonic() - began


@contextmanager
def image_on(host: HostSettings, size: int, files: int) -> Iterator[None]:
    """An image of one layer of that many files, of random bytes and of sizes that vary."""
    words = [*ssh_words(host), f"{client(host.docker)} import - {IMAGE}"]
    began = time.monotonic()
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    try:
        with process.stdin as pipe:
            _write_tar(pipe, size, files)
        if process.wait() != 0:
            raise SystemExit(f"docker import failed on {host.name}")
        print(f"the image was made in {time.monotonic() - began:.0f} s", file=sys.stderr)
        yield
    finally:
        subprocess.run(
            [*ssh_words(host), f"{client(host.docker)} rmi {IMAGE}"], capture_output=True
        )


def _write_tar(pipe: IO[bytes], size: int, files: int) -> None:
    chance = random.Random(1)
    noise = chance.randbytes(8 << 20)
    with tarfile.open(fileobj=pipe, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        for number in range(files):
            info = tarfile.TarInfo(f"srv/part{number // 1000}/some-file-{number}.dat")
            info.size = int(chance.uniform(0, 2) * size / files)
            at = chance.randrange(len(noise))
            content = (noise[at : at + info.size] + noise)[: info.size]
            while len(content) < info.size:
                content += noise[: info.size - len(content)]
            archive.addfile(info, BytesIO(content))


if __name__ == "__main__":
    sys.exit(main())
