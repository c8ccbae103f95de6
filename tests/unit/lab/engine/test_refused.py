"""What an engine refuses, in one sentence."""

from __future__ import annotations

import pytest
from docker.errors import APIError, DockerException

from pytest_netlab.lab.engine.refused import explained, is_refusal

TAKEN = (
    "driver failed programming external connectivity on endpoint shop (c0ffee): Bind "
    "for 0.0.0.0:8080 failed: port is already allocated"
)
PROXY = (
    "driver failed programming external connectivity on endpoint shop (c0ffee): Error "
    "starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use"
)
TIMEOUT = (
    'Get "https://registry.example/v2/": dial tcp: lookup registry.example: i/o timeout'
)
REFUSED = (
    'Get "https://127.0.0.1:5000/v2/": dial tcp 127.0.0.1:5000: connection refused'
)
DENIED = (
    "pull access denied for nosuch, repository does not exist or may require 'docker "
    "login'"
)


@pytest.mark.parametrize(
    ("said", "start"),
    [
        (TAKEN, "a port that it should publish is taken. Next: `docker ps`"),
        (PROXY, "a port that it should publish is taken. Next: `docker ps`"),
        (TIMEOUT, "the registry cannot be reached from here. Next: "),
        (REFUSED, "the registry cannot be reached from here. Next: "),
        (DENIED, "there is no such image. Next: "),
        ("manifest for busybox:nosuch not found: manifest unknown", "there is no such"),
        ("invalid reference format", "that is no name of an image. Next: "),
        (
            'Conflict. The container name "/shop" is already in use by container "1"',
            "a container has that name. Next: ",
        ),
    ],
)
def test_known(said: str, start: str) -> None:
    """Each has a next step, and what the engine said behind it."""
    found = explained(APIError("500 Server Error", explanation=said))

    assert found.startswith(start)
    assert found.endswith(f"(the engine: {said})")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (APIError("500 Server Error", explanation="no space left"), "no space left"),
        (DockerException("odd\n thing"), "odd thing"),
        (OSError("gone"), "gone"),
    ],
)
def test_unknown(error: Exception, text: str) -> None:
    """Of anything else the engine's words are all there is, in one line."""
    assert explained(error) == text


def test_whose_error_it_is() -> None:
    """Errors of the SDK are an engine's refusals, no others."""
    assert is_refusal(APIError("no"))
    assert not is_refusal(OSError("no"))
    assert not is_refusal(None)
