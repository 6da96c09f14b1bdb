"""`python3 -m tests.lab up | down | status`: the lab from the command line."""

import argparse
import sys
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.guard import watch
from tests.lab.lab import DEFAULT_DIR, SECOND, Lab, skip_reason
from tests.lab.sharing import Sharing
from tests.lab.sshd import Limits
from tests.lab.teardown import leftovers, take_down


def main() -> int:
    """Run one command; 0, or 2 with a message if it cannot be done."""
    args = _arguments()
    try:
        if args.command == "up":
            limits = Limits(args.max_startups, args.max_sessions)
            return up(args.dir, limits, args.debian, args.sharing)
        if args.command == "down":
            return down(args.dir)
        if args.command == "guard":
            watch(args.dir, args.token)
            return 0
        return status(args.dir)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m tests.lab", description=__doc__)
    parser.set_defaults(dir=DEFAULT_DIR)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in {
        "up": "start the four hosts, or say where they are",
        "down": "end them and remove their folder",
        "status": "say what runs",
        "guard": "take the lab down when standard input ends (used by the tests)",
    }.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("--dir", type=Path, help=f"the lab's folder ({DEFAULT_DIR})")
        command.set_defaults(dir=DEFAULT_DIR)
        if name == "up":
            limits = Limits()
            command.add_argument("--debian", action="store_true", help="also make debian:lab")
            command.add_argument(
                "--sharing", action="store_true", help="also a registry and ctd2, for shared caches"
            )
            command.add_argument("--max-startups", default=limits.max_startups, help="of sshd")
            command.add_argument("--max-sessions", type=int, default=limits.max_sessions)
        if name == "guard":
            command.add_argument("--token", required=True)
    return parser.parse_args()


def up(folder: Path, limits: Limits, debian: bool, sharing: bool) -> int:
    """Start the lab, unless it is up; how to use it goes to standard output."""
    reason = skip_reason()
    if reason is not None:
        raise LabError(reason)
    lab = Lab(folder, limits=limits, debian=debian)
    if Lab.is_up(folder):
        print(f"lab: up in {folder} already", file=sys.stderr)
        if debian:
            Lab.at(folder).share_debian()
    else:
        lab.up()
    settings = add_sharing(Lab.at(folder)) if sharing else lab.hosts_toml
    print(settings)
    print(f"cachetui hosts --hosts {settings}")
    return 0


def add_sharing(lab: Lab) -> Path:
    """Start what shared caches need, unless it is up; the hosts.toml of all hosts."""
    added = Sharing(lab)
    if added.hosts_toml.exists():
        print(f"lab: {SECOND} and the registry are up already", file=sys.stderr)
        return added.hosts_toml
    added.up()
    print(f"lab: a registry at {added.registry.address} with {added.base}", file=sys.stderr)
    return added.hosts_toml


def down(folder: Path) -> int:
    """End the lab, and say what still names its folder."""
    take_down(folder.absolute())
    if folder.exists():
        print(f"lab: {folder} is no lab; nothing done", file=sys.stderr)
        return 0
    for other in leftovers(folder.absolute()):
        print(f"lab: still there, and not ours to end: {other}", file=sys.stderr)
    return 0


def status(folder: Path) -> int:
    """Print a line per host; 1 if one does not answer."""
    lab = Lab.at(folder)
    failed = 0
    for host in lab.hosts.values():
        answers = {"sshd": host.sshd.answers(), "engine": host.engine.running}
        failed |= not all(answers.values())
        shown = ", ".join(f"{name} {'up' if up else 'down'}" for name, up in answers.items())
        print(f"{host.name}\t{host.address}\t{host.port}\t{shown}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
