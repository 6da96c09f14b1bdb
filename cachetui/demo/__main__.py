"""`python -m cachetui.demo`: serve the recorded fleet alone, until standard input ends.

Prints the path of a hosts.toml to reach it by. For benchmarks, which must not share a process
with what they measure, and for trying cachetui's commands on hosts that need no docker.
"""

from __future__ import annotations

import argparse
import signal
import sys

from cachetui.demo.fleet import demo_fleet


def main() -> int:
    """Serve until the end of standard input, or until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m cachetui.demo", description=__doc__)
    parser.add_argument("--hosts", type=int, help="how many: copies beyond those recorded")
    parser.add_argument("--speed", type=float, default=1.0, help="divides the recorded delays")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with demo_fleet(speed=arguments.speed, hosts=arguments.hosts) as fleet:
            print(fleet.hosts_toml, flush=True)
            sys.stdin.buffer.read()
    except KeyboardInterrupt:
        return 130
    return 0


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
