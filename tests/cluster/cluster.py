"""A Dask scheduler with workers, each a process of its own on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from distributed import Client

START_SECONDS = 60.0


@dataclass
class Cluster:
    """`workers` are processes by name, begun with `words`. `address` is for `--executor`."""

    folder: Path
    scheduler: subprocess.Popen[bytes]
    address: str
    words: Mapping[str, Sequence[str]]
    env: Mapping[str, str]
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def file(self) -> str:
        return str(self.folder / "scheduler.json")

    @contextmanager
    def client(self) -> Iterator[Client]:
        with Client(scheduler_file=self.file, set_as_default=False) as client:
            yield client

    def start(self) -> None:
        """Start those that do not run, and wait until the scheduler knows all."""
        for name, words in self.words.items():
            if name not in self.workers:
                self.workers[name] = _started(
                    "worker", "--scheduler-file", self.file, "--host", "127.0.0.1", "--no-nanny",
                    "--no-dashboard", "--nthreads", "4", "--name", name,
                    "--local-directory", str(self.folder / name), *words, env=self.env,
                )  # fmt: skip
        with self.client() as client:
            client.wait_for_workers(len(self.workers), timeout=START_SECONDS)

    def busy(self) -> str:
        """The name of a worker that has a task."""
        with self.client() as client:
            tasks = client.processing()
            names = {
                address: str(name)
                for address, name in client.run(lambda dask_worker: dask_worker.name).items()
            }
        return next(names[address] for address in names if tasks.get(address))

    def kill(self, name: str) -> None:
        """End a worker as a machine that loses its power does."""
        process = self.workers.pop(name)
        process.kill()
        process.wait()

    @contextmanager
    def whole_again(self) -> Iterator[None]:
        """Start anew what is killed in the block."""
        try:
            yield
        finally:
            self.start()


def _started(*words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{words[0]}", *words[1:]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
    )


@contextmanager
def dask_cluster(
    folder: Path, workers: Mapping[str, Sequence[str]], env: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """A scheduler and these workers (name → further words of `dask worker`), of four threads each;
    ended afterwards. `env` is for workers."""
    scheduler = _started(
        "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
        "--scheduler-file", str(folder / "scheduler.json"),
    )  # fmt: skip
    cluster = Cluster(folder, scheduler, "", workers, env or {})
    try:
        _wait(Path(cluster.file).is_file, scheduler)
        cluster.start()
        address = json.loads(Path(cluster.file).read_text())["address"]
        cluster.address = address.replace("tcp://", "dask://")
        yield cluster
    finally:
        processes = [*cluster.workers.values(), scheduler]
        for process in processes:
            process.kill()  # they hold nothing, and to end in order takes them seconds
        for process in processes:
            process.wait()


def _wait(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while not condition():
        assert process.poll() is None, "the scheduler ended"
        assert time.monotonic() < end, "the scheduler did not start"
        time.sleep(0.05)
