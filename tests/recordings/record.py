"""Make the recordings again, on the lab's engines: `python -m tests.recordings.record [CASE…]`.

Wants the lab running (`make lab`), its folder in `--lab`. Cold is `--no-cache`; BuildKit's runs
have an extra host name of their own, so that nothing of another recording is found; warm is the
same once more. Serves a file, an image and a registry for caches on loopback for the cases that
fetch something. Images are removed afterwards; build cache stays in the lab, but for the cases that
import one: they empty it first.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.recordings.cases import CASES, FILE_SERVER, REGISTRY, Case, Recording
from tests.recordings.shared_cache import cache_registry, export_cache, import_options

TAG = "cachetui-recording"
ONBUILD = "cachetui-onbuild:1"


class Server(BaseHTTPRequestHandler):
    """Serves what `pages` holds: path → (content type, body)."""

    pages: dict[str, tuple[str, bytes]]

    def do_GET(self) -> None:
        self._answer(True)

    def do_HEAD(self) -> None:
        self._answer(False)

    def _answer(self, with_body: bool) -> None:
        kind, body = self.pages.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(body).hexdigest()}")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def send_error(self, *args: object) -> None:  # noqa: ARG002
        """To a client that tries TLS first: words by which it sees that this is plain HTTP."""
        self.wfile.write(b"HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\n")
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def serve(address: str, pages: dict[str, tuple[str, bytes]]) -> ThreadingHTTPServer:
    host, _, port = address.partition(":")
    handler = type("Pages", (Server,), {"pages": pages})
    server = ThreadingHTTPServer((host, int(port)), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def new_image(busybox: bytes) -> dict[str, tuple[str, bytes]]:
    """An image that no engine has: busybox and a file of random text, as a registry serves it."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for name, data, mode in (
            ("bin/busybox", busybox, 0o755),
            ("pulled", uuid.uuid4().hex.encode() + b"\n", 0o644),
        ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
        for name in ("sh", "cat"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    raw = layer.getvalue()
    packed = gzip.compress(raw)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(raw)]},
        }
    ).encode()
    docker = "application/vnd.docker"
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": f"{docker}.distribution.manifest.v2+json",
            "config": {
                "mediaType": f"{docker}.container.image.v1+json",
                "size": len(config),
                "digest": _digest(config),
            },
            "layers": [
                {
                    "mediaType": f"{docker}.image.rootfs.diff.tar.gzip",
                    "size": len(packed),
                    "digest": _digest(packed),
                }
            ],
        }
    ).encode()
    kind = f"{docker}.distribution.manifest.v2+json"
    return {
        "/v2/": ("application/json", b"{}"),
        "/v2/pulled/manifests/1": (kind, manifest),
        f"/v2/pulled/manifests/{_digest(manifest)}": (kind, manifest),
        f"/v2/pulled/blobs/{_digest(config)}": ("application/octet-stream", config),
        f"/v2/pulled/blobs/{_digest(packed)}": ("application/octet-stream", packed),
    }


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Host:
    """One of the lab's hosts, reached by its socket."""

    def __init__(self, lab: Path, name: str) -> None:
        folder = lab / name
        self.env = {
            "PATH": f"{folder / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(folder / "home"),
            "DOCKER_HOST": f"unix://{folder / 'docker.sock'}",
            "DOCKER_CONFIG": str(folder / "cfg"),
        }

    def docker(self, *words: str, buildkit: bool = False) -> tuple[int, bytes]:
        done = subprocess.run(
            ["docker", *words],
            env={**self.env, "DOCKER_BUILDKIT": str(int(buildkit))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout


def record(host: Host, recording: Recording, context: Path, unique: str) -> None:
    """Run one build and keep what it prints, standard error merged in."""
    case = recording.case
    words = ["build", "--network=none", "-t", f"{TAG}:{case.name}", *case.options]
    if case.imports:
        words += import_options(case, recording.host)
    elif recording.temperature == "cold":
        words.append("--no-cache")
    if case.target:
        words += ["--target", case.target]
    for name, value in case.build_args.items():
        words += ["--build-arg", f"{name}={value}"]
    if recording.output != "legacy":
        words += [f"--progress={recording.output}", "--add-host", f"{unique}.invalid:127.0.0.1"]
    beside = _start_beside(host, case, context, words)
    status, text = host.docker(*words, str(context), buildkit=recording.output != "legacy")
    if beside is not None:
        beside.wait(timeout=60)
    if (status != 0) != case.fails:
        raise SystemExit(f"{recording.id}: exit {status}\n{text.decode(errors='replace')}")
    recording.path.parent.mkdir(exist_ok=True)
    recording.path.write_bytes(text)
    print(f"{recording.id}: {len(text)} bytes")


def _start_beside(
    host: Host, case: Case, context: Path, words: list[str]
) -> subprocess.Popen[bytes] | None:
    """Start the other build, if there is one, and let it get to work."""
    if case.beside is None:
        return None
    (context / "Beside").write_text(case.beside)
    build = subprocess.Popen(
        ["docker", *words, "--no-cache", "-f", str(context / "Beside"), str(context)],
        env={**host.env, "DOCKER_BUILDKIT": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(3)
    return build


def run_case(case: Case, hosts: dict[str, Host], busybox: bytes) -> None:
    pages: dict[str, tuple[str, bytes]] = {"/v2/": ("application/json", b"{}")}
    servers = [
        serve(FILE_SERVER, {"/file.txt": ("text/plain", b"a remote file\n")}),
        serve(REGISTRY, pages),
    ]
    with tempfile.TemporaryDirectory() as folder, cache_registry(case):
        context = Path(folder)
        for name, text in case.files.items():
            (context / name).write_text(text)
        try:
            unique = uuid.uuid4().hex[:12]
            pages.update(new_image(busybox))
            if case.imports:
                export_cache(hosts["ctd"], case, context, unique, f"{TAG}:{case.name}")
                for name, text in case.edits.items():
                    (context / name).write_text(text)
            for recording in case.recordings():
                host = hosts[recording.host]
                if case.imports:
                    host.docker("rmi", "-f", f"{TAG}:{case.name}", f"{REGISTRY}/pulled:1")
                    host.docker("builder", "prune", "-af")
                elif recording.temperature == "cold":
                    unique = uuid.uuid4().hex[:12]
                    pages.update(new_image(busybox))
                    host.docker("rmi", f"{REGISTRY}/pulled:1")
                _base_with_triggers(host, case)
                record(host, recording, context, unique)
        finally:
            for server in servers:
                server.shutdown()
                server.server_close()
            for host in hosts.values():
                host.docker("rmi", "-f", f"{TAG}:{case.name}", ONBUILD, f"{REGISTRY}/pulled:1")


def _base_with_triggers(host: Host, case: Case) -> None:
    """The image whose triggers the case has; nothing when it is there."""
    for reference, triggers in case.triggers.items():
        if host.docker("image", "inspect", reference)[0] == 0:
            continue
        with tempfile.TemporaryDirectory() as folder:
            text = "FROM base:1\n" + "".join(f"ONBUILD {trigger}\n" for trigger in triggers)
            (Path(folder) / "Dockerfile").write_text(text)
            host.docker("build", "-q", "-t", reference, folder)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("cases", nargs="*", choices=[[], *CASES], help="default: all")
    words.add_argument("--lab", type=Path, default=Path("/tmp/cachetui-lab"))
    chosen = words.parse_args()
    names = {recording.host for case in CASES.values() for recording in case.recordings()}
    hosts = {name: Host(chosen.lab, name) for name in sorted(names)}
    busybox = (chosen.lab / "busybox").read_bytes()
    for name in chosen.cases or CASES:
        run_case(CASES[name], hosts, busybox)


if __name__ == "__main__":
    main()
