"""Secrets in the Docker SDK's requests and the engine's answers, for a mask.

A container may be gone before its scenario fails, so its environment is read from the
request that creates it.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.masking import Mask

_DESCRIBED = ("/containers/", "/images/")
_CREDENTIALS = ("X-Registry-Auth", "X-Registry-Config")


def listen(client: Any, mask: Mask) -> None:
    """Let a mask learn from all that a client sends and inspects."""
    client.api.hooks["response"].append(partial(_learn, mask))


def _learn(mask: Mask, response: Any, **_: Any) -> None:
    for text in _said(response):
        with suppress(ValueError, RecursionError):
            mask.learn_from(json.loads(text))


def _said(response: Any) -> Iterator[str | bytes]:
    """Yield the JSON of a request, and of an answer that inspects something."""
    request = response.request
    url = urlsplit(request.url)
    if isinstance(request.body, str | bytes):  # else a stream: an archive
        yield request.body
    for name in _CREDENTIALS:
        with suppress(ValueError):
            yield urlsafe_b64decode(request.headers.get(name, ""))
    for arguments in parse_qs(url.query).get("buildargs", ()):
        yield f'{{"env": {arguments}}}'
    described = any(kind in url.path for kind in _DESCRIBED)
    if request.method == "GET" and described and url.path.endswith("/json"):
        yield response.content
