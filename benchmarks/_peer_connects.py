"""What `benchmarks/connect.py` has another library do, in an environment that has it: connect to
hosts, run a command and close. On standard input JSON: library, hosts, command, how many at once;
printed are seconds and CPU seconds, imports apart."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any


def with_asyncssh(hosts: list[dict[str, Any]], command: str, at_once: int) -> None:
    asyncssh = import_module("asyncssh")  # not in the environment of the checks

    async def one(host: dict[str, Any], turn: asyncio.Semaphore) -> None:
        async with (
            turn,
            asyncssh.connect(
                host["address"], host["port"], username=host["user"], client_keys=[host["key"]],
                known_hosts=host["known_hosts"], config=None, agent_path=None,
            ) as connection,
        ):  # fmt: skip
            assert (await connection.run(command, check=True)).stdout

    async def all_of_them() -> None:
        turn = asyncio.Semaphore(at_once)
        await asyncio.gather(*(one(host, turn) for host in hosts))

    asyncio.run(all_of_them())


def with_fabric(hosts: list[dict[str, Any]], command: str, at_once: int) -> None:
    connection_to = import_module("fabric").Connection

    def one(host: dict[str, Any]) -> None:
        own = {"key_filename": host["key"], "look_for_keys": False, "allow_agent": False}
        with connection_to(
            host["address"], user=host["user"], port=host["port"], connect_kwargs=own
        ) as connection:
            assert connection.run(command, hide=True, in_stream=False).stdout

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, hosts))


def main() -> None:
    """Print both figures."""
    asked = json.load(sys.stdin)
    connect = {"asyncssh": with_asyncssh, "fabric": with_fabric}[asked["library"]]
    connect(asked["hosts"][:2], asked["command"], 2)
    begun, cpu = time.monotonic(), time.process_time()
    connect(asked["hosts"], asked["command"], asked["at_once"])
    print(json.dumps([time.monotonic() - begun, time.process_time() - cpu]))


if __name__ == "__main__":
    main()
