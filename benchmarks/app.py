"""How fast the app answers: a key to its frame under load, first paint, and a log of 2M lines.

    python benchmarks/app.py [--minutes 10] [--only load|paint|leave|log]

Load: 64 hosts each print 200 lines a second through the core's own recorder (parser, log, board)
in threads of this process, while keys move the cursor of an unfolded fleet on a real terminal;
the same app with an audit that has ended is the yardstick. Memory is read after as many lines as
`--minutes` of that would print, fed as fast as they are taken.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import random
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Collection, Sequence
from fcntl import ioctl
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

HOSTS = 64
RATE = 200
"""Lines a second that each host prints."""

LINES = 2_000_000
KEYS = 400
DOCKERFILE = "FROM base:1\nWORKDIR /app\nCOPY . .\nRUN make\n"


# What runs on the terminal


class StreamingAudit:
    """An audit whose hosts all print, through the core's recorder and board."""

    def __init__(self, folder: Path, streaming: bool) -> None:
        from cachetui.audit.build_job import BuildJob
        from cachetui.audit.build_recorder import BuildRecorder
        from cachetui.audit.plan import make_plan
        from cachetui.audit.progress_tracker import ProgressTracker
        from cachetui.audit.redact import Redactor
        from cachetui.builders.command_line import Build
        from cachetui.config.settings import BuildSettings, HostSettings
        from cachetui.dockerfile.parse import parse
        from cachetui.records.host import HostFacts
        from cachetui.records.scenario import Planned

        self.id = "bench"
        self.build = BuildSettings(name="bench", context=folder)
        self.dockerfile = parse(DOCKERFILE)
        self.hosts = [f"ci-{n:02}" for n in range(1, HOSTS + 1)]
        plan = make_plan(self.dockerfile, scenarios=["buildkit-cold", "buildkit-warm"])
        self.board = ProgressTracker(self.id, "bench", plan, self.hosts)
        self.streaming = streaming
        self.lines = 0
        self.flood = 0
        self._stop = threading.Event()
        self._count = threading.Lock()
        facts = HostFacts(
            engine="28.5.2",
            api="1.51",
            client="28.5.2",
            store="overlay2",
            platform="linux/amd64",
            backends=("legacy", "buildkit"),
        )
        self._recorders: dict[str, BuildRecorder] = {}
        for name in self.hosts:
            place = folder / name
            place.mkdir()
            job = BuildJob(
                audit=self.id,
                host=HostSettings(name=name, address=name),
                facts=facts,
                planned=Planned("buildkit-cold", 1),
                build=Build(context="/x", dockerfile="/x/Dockerfile"),
                dockerfile=self.dockerfile,
                redactor=Redactor({}),
            )
            self._recorders[name] = BuildRecorder(job, place, self._changed)
            self.board.update_host(name, state="building", facts=facts)
            self.board.update_cell((name, "buildkit-cold", 1), state="building", steps=4)

    def _changed(self, recorder: Any) -> None:
        key = (recorder.job.host.name, "buildkit-cold", 1)
        self.board.update_cell(key, step=3, doing=recorder.doing)

    def run(self) -> Any:
        threads = [
            threading.Thread(target=self._host, args=(name,), daemon=True) for name in self.hosts
        ]
        if self.streaming:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for name in self.hosts:
            self.board.update_host(name, state="done")
            for scenario in ("buildkit-cold", "buildkit-warm"):
                self.board.update_cell(
                    (name, scenario, 1), state="done", hits=1, misses=2, seconds=12.3, step=4
                )
        self.board.finish()
        return self.document()

    def _host(self, name: str) -> None:
        recorder = self._recorders[name]
        begun = time.monotonic()
        recorder.output(b"#5 [4/4] RUN make\n", begun)
        number = 0
        piece = RATE // 10
        while not self._stop.is_set():
            now = time.monotonic() - begun
            text = "".join(
                f"#5 {now:.3f} compiling module {number + n} of many: cc -O2 -c src/m{n}.c\n"
                for n in range(piece)
            )
            recorder.output(text.encode(), begun + now)
            number += piece
            with self._count:
                self.lines += piece
                if self.flood and self.lines >= self.flood:
                    break
            if not self.flood:
                self._stop.wait(max(0.0, number / RATE - (time.monotonic() - begun)))

    def stop(self, hosts: Collection[str] | None = None) -> None:
        del hosts
        self._stop.set()

    def watch(self, callback: Callable[[Any], None]) -> None:
        self.board.watch(callback)

    def snapshot(self) -> Any:
        return self.board.snapshot()

    def document(self) -> Any:
        from cachetui.records.document import BuildRecord, Document
        from cachetui.records.host import HostReport

        return Document(
            audit=self.id,
            build=BuildRecord(name="bench", context_digest="", dockerfile="Dockerfile"),
            hosts=tuple(HostReport(name=name, status="ok") for name in self.hosts),
            runs=(),
            started_at=0.0,
            seconds=1.0,
            version="",
            scenarios=("buildkit-cold", "buildkit-warm"),
        )

    def live_log(self, host: str, scenario: str, repeat: int) -> Any:
        del scenario, repeat
        return self._recorders[host].log.so_far()

    def rerun(self, cells: Collection[tuple[str, str, int]]) -> Any:
        raise NotImplementedError


class NoStore:
    """Nothing is kept."""

    warnings: list[str] = []  # noqa: RUF012

    def audits(self) -> list[Any]:
        return []

    def audit(self, audit: str) -> None:
        del audit

    def run(self, run_id: str) -> None:
        del run_id

    def log(self, run_id: str) -> None:
        del run_id

    def delete_audit(self, audit: str) -> None:
        del audit


class BenchCore:
    """A core whose audit is there already."""

    hosts_are = ""

    def __init__(self, audit: StreamingAudit | None = None) -> None:
        from cachetui.config.settings import BuildSettings, HostSettings, Settings

        build = BuildSettings(name="bench", context=ROOT)
        self.settings = Settings(
            path=ROOT / "hosts.toml",
            hosts=tuple(
                HostSettings(name=f"ci-{n:02}", address=f"ci-{n:02}.example.com")
                for n in range(1, HOSTS + 1)
            ),
            builds={"bench": build},
        )
        self.store = NoStore()
        self.asker: Any = None
        self._audit = audit

    def prepare(self, build: Any, hosts: Sequence[Any], options: Any) -> Any:
        del build, hosts, options
        return self._audit

    def builds_below(self, folder: Path) -> list[Any]:
        del folder
        return []

    def suggest_hosts(self) -> str:
        return ""

    def adopt(self, path: Path) -> None:
        del path


def child_load(streaming: bool, minutes: float, out: Path) -> None:
    """Measure keys against frames, from inside; then memory."""
    from textual import events

    from cachetui.tui.app import CachetuiApp
    from cachetui.tui.widgets.grid import Grid

    with tempfile.TemporaryDirectory() as name:
        audit = StreamingAudit(Path(name), streaming)
        core: Any = BenchCore(audit)

        class Measured(CachetuiApp):
            """Notes when the frame that shows a moved cursor has been handed to the terminal."""

            waiting: tuple[float, int] | None = None
            times: list[float] = []  # noqa: RUF012

            def _display(self, screen: Any, renderable: Any) -> None:
                super()._display(screen, renderable)
                if self.waiting is not None and self.grid is not None:
                    pressed, row = self.waiting
                    if self.grid.row != row:
                        self.times.append(time.perf_counter() - pressed)
                        self.waiting = None

            grid: Grid | None = None

            def begin_measuring(self) -> None:
                self.grid = self.screen.query_one("#matrix", Grid)
                self.screen._folded = False  # type: ignore[attr-defined]
                self.screen.update_place()  # type: ignore[attr-defined]
                self.down = True
                self.set_timer(1.0, self.next_key)

            def next_key(self) -> None:
                if len(self.times) >= KEYS:
                    self.finish()
                    return
                if self.waiting is None and self.grid is not None:
                    if self.grid.row >= HOSTS - 2:
                        self.down = False
                    if self.grid.row == 0:
                        self.down = True
                    key = "j" if self.down else "k"
                    self.waiting = (time.perf_counter(), self.grid.row)
                    self.post_message(events.Key(key, key))
                self.set_timer(random.uniform(0.02, 0.06), self.next_key)

            def finish(self) -> None:
                result: dict[str, Any] = {"times": self.times, "rss": rss()}
                out.write_text(json.dumps(result))
                if not streaming or not minutes:
                    audit.stop()
                    self.exit(0)
                    return
                audit.flood = audit.lines + int(HOSTS * RATE * 60 * minutes)
                self.set_interval(0.5, lambda: self.flooded(result))

            def flooded(self, result: dict[str, Any]) -> None:
                if audit.lines >= audit.flood:
                    result |= {"rss_after": rss(), "lines": audit.lines}
                    out.write_text(json.dumps(result))
                    audit.stop()
                    self.exit(0)

        app = Measured(core, build=core.settings.builds["bench"], start=True)
        app.call_later(app.set_timer, 1.5, app.begin_measuring)
        app.run()
        audit.stop()


def child_leave(stubborn: bool, folder: Path) -> None:
    """The app with an audit that streams; a stubborn one does not stop when told to."""
    from cachetui.cli.failures import end_at_once
    from cachetui.tui.app import CachetuiApp

    audit = StreamingAudit(folder, True)
    if stubborn:
        audit.stop = lambda *_: None  # type: ignore[method-assign]
    core: Any = BenchCore(audit)
    app = CachetuiApp(core, build=core.settings.builds["bench"], start=True)
    end_at_once(app.run() or 0)


def rss() -> int:
    """Bytes of memory of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


# What measures


class OnTerminal:
    """A program on a pseudo terminal of 160x50."""

    def __init__(self, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        env |= {"PYTHONPATH": str(ROOT)}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # installed programs have theirs
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            start_new_session=True,
        )
        os.close(slave)
        self.output = b""

    def read(self, keep: bool = True) -> bool:
        """Take what was written; whether there can be more."""
        ready, _, _ = select.select([self.master], [], [], 0.5)
        if ready:
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:
                return False
            self.output = (self.output + data) if keep else data[-2000:]
        return self.process.poll() is None

    def until(self, word: bytes) -> float:
        """Seconds until a word has been written."""
        while word not in self.output:
            if not self.read() and word not in self.output:
                raise SystemExit(self.output.decode("utf-8", "replace")[-3000:])
        return time.perf_counter() - self.begun

    def end(self) -> None:
        """Let it run to its end."""
        while self.read(keep=False):
            pass
        self.process.wait()
        os.close(self.master)


def say(name: str, value: str, good: bool, goal: str) -> None:
    """One result."""
    from _common import told  # the children that are measured import no more than they need

    told(name, value, goal.replace("<=", "≤").replace(">=", "≥"), good)


def measure_paint(rounds: int) -> None:
    """First paint of the command as users start it, against importing textual; and how long it
    takes until the hosts of hosts.toml are listed."""
    bare: list[float] = []
    paint: list[float] = []
    listed: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        hosts_toml = Path(folder) / "hosts.toml"
        hosts = (f"ci-{n:02}" for n in range(1, HOSTS + 1))
        hosts_toml.write_text(
            "".join(f'[[hosts]]\nname = "{n}"\naddress = "{n}.example.com"\n' for n in hosts)
        )
        start = ("-m", "cachetui", "--hosts", str(hosts_toml), "--store", f"{folder}/store")
        for number in range(rounds + 1):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", "import textual"], check=True)
            took = time.perf_counter() - begun
            terminal = OnTerminal(*start)
            painted = terminal.until(b"Fleet")
            shown = terminal.until(b"ci-01.example.com")
            os.write(terminal.master, b"qq")
            terminal.end()
            if number:  # the first one compiles and fills the page cache
                bare.append(took)
                paint.append(painted)
                listed.append(shown)
    ratio = statistics.median(p / b for p, b in zip(paint, bare, strict=True))
    value = (
        f"{ratio:.2f}x ({statistics.median(paint) * 1000:.0f} ms to the first frame, "
        f"{statistics.median(bare) * 1000:.0f} ms to import textual, "
        f"{statistics.median(listed) * 1000:.0f} ms until {HOSTS} hosts are listed)"
    )
    say("first paint / import textual", value, ratio <= 2.0, "<= 2x")


def measure_load(minutes: float) -> None:
    """Key to frame, idle and under load; memory."""
    results: dict[str, dict[str, Any]] = {}
    for name in ("idle", "loaded"):
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            this = str(Path(__file__).resolve())
            terminal = OnTerminal(
                this, "--child", name, "--out", file.name, "--minutes", str(minutes)
            )
            terminal.end()
            text = Path(file.name).read_text()
            if not text:
                raise SystemExit(terminal.output.decode("utf-8", "replace"))
            results[name] = json.loads(text)
    p99: dict[str, float] = {}
    for name, result in results.items():
        times = sorted(result["times"])
        p99[name] = times[int(len(times) * 0.99)] * 1000
        middle = statistics.median(times) * 1000
        print(f"        {name}: median {middle:.1f} ms, p99 {p99[name]:.1f} ms, {len(times)} keys")
    limit = max(2 * p99["idle"], 50.0)
    say(
        "key to frame, p99 under load",
        f"{p99['loaded']:.1f} ms",
        p99["loaded"] <= limit,
        f"<= {limit:.0f} ms",
    )
    loaded = results["loaded"]
    if "rss_after" in loaded:
        before, after = loaded["rss"] / 1e6, loaded["rss_after"] / 1e6
        say(
            "memory after all lines",
            f"{after:.0f} MB after {loaded['lines'] / 1e6:.1f}M lines, {before:.0f} MB before",
            after <= before + 64,
            "<= 64 MB more",
        )


def measure_leave(rounds: int) -> None:
    """From the second `q` while 64 hosts stream until the terminal is left, and the process gone.

    The audit stops at once or not at all: what is measured is the app."""
    for what in ("streaming", "stubborn"):
        left: list[float] = []
        gone: list[float] = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                this = str(Path(__file__).resolve())
                terminal = OnTerminal(this, "--child", what, "--out", folder)
                terminal.until(b"running")
                os.write(terminal.master, b"q")
                terminal.until(b"Stop and leave")
                terminal.begun = time.perf_counter()
                os.write(terminal.master, b"q")
                left.append(terminal.until(b"\x1b[?1049l"))
                terminal.end()
                gone.append(time.perf_counter() - terminal.begun)
        value = f"{max(left):.2f} s until the screen is left, {max(gone):.2f} s until the end"
        say(f"leaving an audit ({what}), the longest of {rounds}", value, max(gone) <= 2, "<= 2 s")


def measure_log(lines: int) -> None:
    """Open, page and search a long log: a step of so many lines, between them those of four that
    run beside it, and all of them as they were printed."""
    from cachetui.records.step import StepId
    from cachetui.store.log_writer import LogWriter
    from cachetui.store.run_log import RunLog

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        writer = LogWriter(path)
        steps = [StepId(0, n) for n in range(1, 6)]
        for n in range(lines * 5 // 4):
            step = steps[0] if n % 20 < 16 else steps[n // 20 % 4 + 1]
            text = f"#{n % 9} {n / 100:.3f} Get:{n} http://deb.debian.org/debian libfoo{n % 977} "
            writer.write(step, f"{text}amd64 1.2.{n % 31} [{n % 5000} kB]\n".encode())
        writer.close()
        for what in ("whole", "step"):
            begun = time.perf_counter()
            log = RunLog.open(path.open("rb"))
            text_of = log.whole() if what == "whole" else log.step(steps[0])
            first = text_of.read(0, 60)
            last = text_of.tail(60)
            opened = time.perf_counter() - begun
            assert len(first) == len(last) == 60
            size = sum(len(line.data) + 1 for line in text_of.read(0, 20_000)) / 20_000
            megabytes = size * text_of.lines / 1e6
            begun = time.perf_counter()
            found = sum(1 for _ in text_of.search("libfoo500 "))
            took = time.perf_counter() - begun
            name = f"a log of {text_of.lines} lines ({what})"
            say(f"{name} opens", f"{opened * 1000:.0f} ms", opened <= 0.5, "<= 500 ms")
            speed = megabytes / took
            say(
                f"{name} is searched",
                f"{speed:.0f} MB/s, {found} found",
                speed >= 100,
                ">= 100 MB/s",
            )
            log.close()


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=("load", "paint", "leave", "log"))
    children = ("idle", "loaded", "streaming", "stubborn")
    parser.add_argument("--child", choices=children, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child in ("streaming", "stubborn"):
        child_leave(options.child == "stubborn", options.out)
        return
    if options.child:
        child_load(options.child == "loaded", options.minutes, options.out)
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    if options.only in (None, "paint"):
        measure_paint(options.rounds)
    if options.only in (None, "load"):
        measure_load(options.minutes)
    if options.only in (None, "leave"):
        measure_leave(3)
    if options.only in (None, "log"):
        measure_log(LINES)


if __name__ == "__main__":
    main()
