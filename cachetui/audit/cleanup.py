"""What an audit leaves on a host: counted before and after, and removed where it is ours.

Which images are ours: see `our_images`. A cache mount is ours when its namespace is. Everything
else that BuildKit kept is counted, and left to the engine's garbage collector: no record tells
whose build made it.

Nothing here prunes. `docker builder prune`, even of a single record by its id, made the next
build of the user run steps again that were cached before (our lab: 28.5 with the containerd
store; on graph drivers `import_removal.py` does). What empties our mounts is what would
empty the user's: a `--no-cache` build that names them, in our namespace (BuildKit
`solver/llbsolver/vertex.go`; our lab: all four engines).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Sequence

from cachetui.builders.audit_names import REPOSITORY
from cachetui.builders.buildkit import BUILDKIT
from cachetui.builders.client import client
from cachetui.config.settings import HostSettings
from cachetui.dockerfile.parse import Dockerfile
from cachetui.hosts.asked_ahead import Question
from cachetui.hosts.cache_records import (
    CacheRecord,
    builder_cache_command,
    cache_command,
    parse_builder_cache,
    parse_cache,
)
from cachetui.hosts.machine import Cancel, Completed, HostError, Machine
from cachetui.records.host import BuildxBuilder, CacheMount

ASK_SECONDS = 120.0
MEASURE_SECONDS = 30.0
"""How long `docker system df -v` may take: it measures all images and volumes too."""

REMOVE_SECONDS = 300.0
TRIES = 3

NAMESPACE = "cachetui-"
"""What every audit's mount namespace begins with."""

_TARGET = re.compile(r"cached mount (\S+) from ")
_MOUNT_ID = re.compile(r' with id "(?P<id>(?:[^"\\]|\\.)*)"$')


def images_question(host: HostSettings) -> Question:
    """What `image_ids` asks."""
    return Question(f"{client(host.docker, host.env)} image ls -aq --no-trunc", ASK_SECONDS)


def image_ids(machine: Machine, host: HostSettings) -> frozenset[str]:
    """Every image ID on the host (`sha256:…`), intermediate ones included."""
    question = images_question(host)
    done = _listing(machine, question.command, question.seconds)
    if done.status != 0:
        raise HostError(machine.name, "shell", f"docker image ls: {done.error_text[-300:]}")
    return frozenset(done.text.split())


def run_removal(machine: Machine, commands: Sequence[str], cancel: Cancel) -> bool:
    """Run commands that remove what is ours, one after the other. Raises `HostError`.

    After `cancel` whoever stopped us is waiting: the host runs them by itself, and the result is
    False.
    """
    if cancel.is_set():
        script = "; ".join(commands) or "true"
        machine.run(f"( {script} ) >/dev/null 2>&1 </dev/null &", timeout=5.0)
        return False
    if commands:
        machine.run("; ".join(commands), timeout=REMOVE_SECONDS * len(commands))
    return True


def removal_command(
    host: HostSettings,
    tags: Sequence[str],
    images: Sequence[str],
    shared: Collection[str] = (),
    containers: Sequence[str] = (),
) -> str | None:
    """Remove containers, tags and images, parents not pruned: a base image without a name would
    go too, and the containerd store takes parents on which other images stand (lab).

    `rmi` takes one name after the other, and goes on where one is in use. A tag in `shared`
    stands on an image that is not ours, perhaps without another name: removing its only tag would
    remove the image, so the tag is first moved to an empty one (our lab: a build of metadata
    alone has the same ID each time on the graph driver store).
    """
    if not tags and not images and not containers:
        return None
    docker = client(host.docker, host.env)
    drop = f"{docker} rm -f {shlex.join(containers)}; " if containers else ""
    moved = " ".join(shlex.quote(name) for name in tags if name in shared)
    move = f'for i in {moved}; do {docker} import - "$i" </dev/null; done; ' if moved else ""
    names = shlex.join([*tags, *images])
    remove = f"{docker} rmi --no-prune {names}; " if names else ""
    return f"{{ {drop}{move}{remove}}} >/dev/null 2>&1; true"


def records_question(host: HostSettings, builder: BuildxBuilder | None) -> Question:
    """What `cache_records` asks."""
    docker = client(host.docker, host.env)
    of_engine = builder is None or builder.of_docker
    command = cache_command(docker) if of_engine else builder_cache_command(docker)
    return Question(command, MEASURE_SECONDS)


def cache_records(
    machine: Machine,
    host: HostSettings,
    builder: BuildxBuilder | None,
    timeout: float = MEASURE_SECONDS,
) -> tuple[CacheRecord, ...] | None:
    """The build cache records of the host's builder (`HostFacts.builder`), None where it does not
    answer within `timeout` seconds."""
    of_engine = builder is None or builder.of_docker
    try:
        done = _listing(machine, records_question(host, builder).command, timeout)
    except HostError as error:
        if error.kind == "timeout":
            return None
        raise
    return parse_cache(done) if of_engine else parse_builder_cache(done)


def _listing(machine: Machine, command: str, timeout: float) -> Completed:
    """What a listing command printed. It is run again, up to `TRIES` times in all, while it fails
    because something was removed meanwhile (lab: NotFound on 28.5 with the containerd store)."""
    done = machine.run(command, timeout=timeout)
    for _ in range(TRIES - 1):
        if done.status == 0 or "not found" not in done.error_text.lower():
            break
        done = machine.run(command, timeout=timeout)
    return done


def cache_mounts(records: Iterable[CacheRecord]) -> tuple[CacheMount, ...]:
    """The cache mounts among the records."""
    return tuple(
        CacheMount(
            id=record.id,
            description=record.description,
            bytes=record.bytes,
            last_used=record.last_used,
            in_use=record.in_use,
        )
        for record in records
        if record.type == "exec.cachemount"
    )


def mount_id(description: str) -> str | None:
    """The id that a mount's record names, None where it is the target or the engine is silent."""
    name = _MOUNT_ID.search(description)
    return name["id"] if name else None


def mounts_of_audits(mounts: Iterable[CacheMount]) -> list[CacheMount]:
    """Mounts of any audit's namespace, by the engine's own record (our lab: 26.1 and 28.5 name
    an id that is not the target, 20.10 names none). The id is `<namespace>/<id or target>`."""
    return [m for m in mounts if (mount_id(m.description) or "").startswith(NAMESPACE)]


def empty_mounts_command(host: HostSettings, dockerfile: Dockerfile, namespace: str) -> str | None:
    """Empty the namespace's cache mounts of this Dockerfile, None when it has none.

    The mounts are emptied before the RUN begins, which then fails: there is nothing in
    `scratch` to run. The options of a mount are part of what it is, so they stay as they are;
    one that needs a variable or a stage of its own is left.
    """
    return empty_flags_command(host, mount_flags(dockerfile), namespace)


def mount_flags(dockerfile: Dockerfile) -> set[str]:
    """The `--mount` options of the cache mounts that `empty_mounts_command` empties."""
    return {
        f"--mount={','.join(f'{name}={value}' for name, value in mount.options)}"
        for instruction in dockerfile.instructions
        for mount in instruction.cache_mounts
        if not mount.from_ and not any("$" in value for _, value in mount.options)
    }


def empty_mount_command(host: HostSettings, mount: CacheMount) -> str | None:
    """Empty a mount of an audit, None where its record does not say enough."""
    identity = mount_id(mount.description) or ""
    namespace, _, rest = identity.partition("/")
    target = _TARGET.match(mount.description)
    if not rest or target is None or not namespace.startswith(NAMESPACE) or "," in identity:
        return None
    return empty_flags_command(
        host, [f"--mount=type=cache,id={rest},target={target[1]}"], namespace
    )


def empty_flags_command(host: HostSettings, flags: Collection[str], namespace: str) -> str | None:
    """Empty the cache mounts of these `--mount` options in a namespace, None without any."""
    if not flags:
        return None
    lines = "\n".join(f'RUN {flag} ["/cachetui"]' for flag in sorted(flags))
    options = f"--network=none --no-cache --build-arg BUILDKIT_CACHE_MOUNT_NS={namespace}"
    # The target is what the engine calls the build in its records.
    options += f" --target {namespace}"
    first = f"FROM scratch AS {namespace}"
    builds = " ".join(shlex.quote(f"{first}\n{line}\n") for line in lines.split("\n"))
    build = f"{client(host.docker, host.env, BUILDKIT.environment)} build {options} -"
    return f'for i in {builds}; do printf %s "$i" | {build} >/dev/null 2>&1; done; true'


def our_tags_command(host: HostSettings) -> str:
    """List the images that carry a tag of ours, as `ID TAG` lines."""
    docker = client(host.docker, host.env)
    return (
        f"{docker} image ls --no-trunc --format '{{{{.ID}}}} {{{{.Repository}}}}:{{{{.Tag}}}}' "
        f"{REPOSITORY}"
    )
