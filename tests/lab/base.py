"""Base images without a registry: made here, imported by one engine, loaded by the others."""

import io
import tarfile
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.lab.engine import SYSTEM_PATH, Engine
from tests.lab.errors import LabError, run
from tests.lab.packages import cache_folder, find_source, fresh, install, locked

BASE = "base:1"
DEBIAN = "debian:lab"
DEBIAN_SUITE = "bookworm"
DEBIAN_PACKAGES = "python3,python3-pip,ca-certificates"

FOLDERS = {"bin": 0o755, "etc": 0o755, "root": 0o700, "home": 0o755, "var": 0o755}
FOLDERS |= {"usr": 0o755, "usr/bin": 0o755, "usr/sbin": 0o755, "sbin": 0o755, "usr/local": 0o755}
FOLDERS |= {"usr/local/bin": 0o755, "srv": 0o755, "tmp": 0o1777, "var/tmp": 0o1777}

FILES = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
    "etc/os-release": b'ID=cachetui-lab\nPRETTY_NAME="cachetui lab base"\n',
}


def _member(name: str, mode: int, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode, info.type = mode, kind
    return info


def busybox_layer(busybox: Path, extra: Mapping[str, bytes] | None = None) -> bytes:
    """A root file system as a tar: static busybox with a link per applet, users, /tmp.

    `extra` adds files (path without the leading slash to bytes). The same arguments give the same
    bytes: every time stamp is 0.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, mode in sorted(FOLDERS.items()):
            tar.addfile(_member(name, mode, tarfile.DIRTYPE))
        program = busybox.read_bytes()
        info = _member("bin/busybox", 0o755, tarfile.REGTYPE)
        info.size = len(program)
        tar.addfile(info, io.BytesIO(program))
        for applet in sorted(set(run([busybox, "--list-full"]).split()) - {"bin/busybox"}):
            link = _member(applet, 0o777, tarfile.SYMTYPE)
            link.linkname = "/bin/busybox"
            tar.addfile(link)
        for name, data in sorted({**FILES, **(extra or {})}.items()):
            info = _member(name, 0o644, tarfile.REGTYPE)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def import_layer(engine: Engine, tag: str, layer: bytes | Path) -> str:
    """Make the image `tag` of one layer (a tar, or its path) on one engine; the image's id.

    The image holds the time of the import: the same layer imported twice gives two ids.
    """
    source = str(layer) if isinstance(layer, Path) else "-"
    data = layer if isinstance(layer, bytes) else None
    changes = ["--change", f"ENV PATH={SYSTEM_PATH}", "--change", 'CMD ["/bin/sh"]']
    done = engine.docker("import", *changes, source, tag, input=data, timeout=300)
    return done.stdout.decode().strip()


def share_image(tag: str, source: Engine, others: list[Engine]) -> None:
    """Copy the image `tag` from one engine to others, layers and configuration unchanged."""
    with tempfile.NamedTemporaryFile(dir=source.folder, suffix=".tar") as archive:
        source.docker("save", "--output", archive.name, tag, timeout=300)
        with ThreadPoolExecutor() as pool:
            load = ("load", "--quiet", "--input", archive.name)
            for done in [pool.submit(engine.docker, *load, timeout=300) for engine in others]:
                done.result()


def debian_layer() -> Path:
    """A Debian with Python and pip as a tar, made once by debootstrap and kept in the cache.

    It trusts the certificates that this machine trusts, and has this machine's apt source, so that
    RUN steps with `--network=host` reach the registries that this machine reaches.
    """
    target = cache_folder() / f"{DEBIAN_SUITE}-python"
    with locked(target.with_suffix(".lock")):
        if not target.is_dir():
            install(["debootstrap"])
            with fresh(target) as partial:
                _debootstrap(partial)
    return target / "root.tar"


def _debootstrap(into: Path) -> None:
    """Fill `into` with `root.tar`."""
    source = find_source()
    keyring = source.signed_by
    verify = ["--no-check-gpg"] if source.trusted else []
    if keyring and keyring.startswith("/"):
        verify = [f"--keyring={keyring}"]
    with tempfile.TemporaryDirectory(dir=into) as work:
        root = Path(work) / "root"
        run(
            [
                *("debootstrap", "--variant=minbase", f"--include={DEBIAN_PACKAGES}", *verify),
                *(DEBIAN_SUITE, root, source.uri),
            ],
            timeout=900,
        )
        _localise(root)
        skipped = [f"--exclude=./{path}" for path in ("var/cache/apt/archives/*.deb", "proc/*")]
        run(["tar", "-C", root, "--numeric-owner", *skipped, "-cf", into / "root.tar", "."])


def _localise(root: Path) -> None:
    """Give a new Debian the certificates and the pip settings of this machine, where it has any."""
    for name in ("etc/ssl/certs/ca-certificates.crt", "etc/pip.conf"):
        ours = Path("/") / name
        if ours.is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(ours.read_bytes())
    (root / "etc/resolv.conf").unlink(missing_ok=True)


def busybox_in(tree: Path) -> Path:
    """The static busybox of an unpacked suite."""
    for name in ("bin/busybox", "usr/bin/busybox"):
        if (tree / name).is_file():
            return tree / name
    raise LabError(f"no busybox under {tree}")
