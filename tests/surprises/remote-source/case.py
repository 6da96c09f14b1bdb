"""A URL whose content changes; in the near miss it stays."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.surprises.stage import Stage

_servers: list[ThreadingHTTPServer] = []


def play(stage: Stage, part: str) -> None:
    server = _serve(changing=part == "surprise")
    stage.write(
        "Dockerfile",
        (stage.build / "Dockerfile").read_text().replace("@PORT@", str(server.server_port)),
    )
    stage.settings["network"] = "host"
    stage.audit("legacy-warm", "buildkit-warm")


def undo(_stage: Stage) -> None:
    while _servers:
        _servers.pop().shutdown()


def _serve(*, changing: bool) -> ThreadingHTTPServer:
    """A server on loopback whose file is another for each request, or always the same."""
    count = [0]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            count[0] += changing
            body = f"file {self.path} {count[0]}\n".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    _servers.append(server)
    return server
