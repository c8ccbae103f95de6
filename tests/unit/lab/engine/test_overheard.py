"""What the Docker SDK sends and is told of environments, its mask knows."""

from __future__ import annotations

import json
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from docker import DockerClient

from pytest_netlab.lab.engine import overheard
from pytest_netlab.masking import Mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "s3cret-of-7-words"  # noqa: S105 - a made-up one


class Engine(BaseHTTPRequestHandler):
    """Answers every request as an engine does that describes an image."""

    def do_GET(self) -> None:
        """Describe something that has a secret in its environment."""
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        told = SECRET if self.command == "GET" else ""
        answer = {"Id": "1", "Warnings": [], "Config": {"Env": [f"A={told}"]}}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """Do the same, and name no secret."""
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def client() -> Iterator[DockerClient]:
    """Return the SDK's client of an engine that answers anything."""
    with HTTPServer(("127.0.0.1", 0), Engine) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"tcp://127.0.0.1:{server.server_port}"
        with closing(DockerClient(base_url=address, version="1.41")) as made:
            yield made
        server.shutdown()
        thread.join()


CALLS: dict[str, Callable[[Any], Any]] = {
    "create": lambda api: api.create_container("i", environment={"A": SECRET}),
    "exec": lambda api: api.exec_create("1", "env", environment={"A": SECRET}),
    "login": lambda api: api.login("me", SECRET, registry="r.example"),
    "pull": lambda api: api.pull(
        "i", auth_config={"username": "me", "password": SECRET}
    ),
    "build": lambda api: list(
        api.build(path="http://r.example/", buildargs={"A": SECRET})
    ),
    "inspect": lambda api: api.inspect_container("1"),
    "inspect image": lambda api: api.inspect_image("r.example/a/b:1"),
}


@pytest.mark.parametrize("call", CALLS)
def test_values_are_learned(client: DockerClient, call: str) -> None:
    """A value is hidden from the moment the engine is told it, or tells it."""
    mask = Mask({})
    overheard.listen(client, mask)
    assert mask.text(SECRET) == SECRET

    CALLS[call](client.api)

    assert mask.text(SECRET) == "***"
