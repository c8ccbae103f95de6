"""A stand-in for an engine that is known to live, and answers nothing else.

Run as a program it listens on the socket it is given, as a hanging dockerd would.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

VERSION = {"ApiVersion": "1.41", "Version": "20.10.24", "KernelVersion": "6"}
CONTAINER = {"Id": "c1", "Config": {"Tty": False}, "ExecID": "e1"}
ANSWERS: dict[str, object] = {
    "/version": VERSION,
    "/_ping": "OK",
    "/containers/c1/json": CONTAINER,
    "/containers/c1/exec": {"Id": "e1"},
}
# These begin to answer, as an engine does that has nothing to say yet.
BEGUN = ("/events", "/containers/c1/logs", "/exec/e1/start", "/images/get")


class _Asked(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        server: Any = self.server
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        path = path.partition("/v1.41")[2] or path
        if path in ANSWERS:
            self._say(json.dumps(ANSWERS[path]).encode())
            return
        if path in BEGUN:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
        server.over.wait(server.patience)
        if server.patience is not None:
            self._say(b"{}")

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - http.server's

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class SilentEngine(ThreadingMixIn, UnixStreamServer):
    """Answers /version and /_ping; all else never, or after `patience` seconds."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, path: Path, patience: float | None = None) -> None:
        """Listen."""
        super().__init__(str(path), _Asked)
        self.patience, self.over = patience, Event()

    def __enter__(self) -> Self:
        """Serve in a thread."""
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """End; whoever waits is answered nothing."""
        self.over.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hung up."""


if __name__ == "__main__":
    SilentEngine(sys.argv[1]).serve_forever()  # type: ignore[arg-type] # of no matter
