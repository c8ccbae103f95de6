"""Why a Docker engine refused something, with a next step. Knows its messages."""

from __future__ import annotations

import re
import sys

# What dockerd says (moby: libnetwork/portallocator, distribution, daemon/create.go).
_TAKEN = r"port is already allocated|address already in use"
_SILENT = (
    r"i/o timeout|no such host|connection refused|network is unreachable|"
    r"server misbehaving|deadline exceeded|Client\.Timeout|TLS handshake timeout"
)
_UNREACHABLE = rf"(lookup|dial tcp|Get ).*({_SILENT})"
_ABSENT = (
    r"pull access denied|manifest unknown|manifest for .* not found|"
    r"repository does not exist|No such image"
)
_MISNAMED = r"invalid reference format|must be lowercase"
_NAMED = r"The container name .* is already in use"
# In a user's words, and what to do.
_TEXTS = {
    _TAKEN: """a port that it should publish is taken. Next: `docker ps` and `ss -ltnup`
        show by whom; end that, or publish another port""",
    _UNREACHABLE: """the registry cannot be reached from here. Next: pull the image
        elsewhere, write it to a file with `docker save`, and load that""",
    _ABSENT: """there is no such image. Next: look at its name, or load a file that
        `docker save` wrote""",
    _MISNAMED: """that is no name of an image. Next: names are lower case, as in
        `name:tag`""",
    _NAMED: """a container has that name. Next: `docker rm` it, or choose another
        name""",
}


def is_refusal(error: BaseException | None) -> bool:
    """Return whether the docker SDK raised an error; without it, nobody has."""
    sdk = sys.modules.get("docker.errors")
    return sdk is not None and isinstance(error, sdk.DockerException)


def explained(error: BaseException) -> str:
    """Return why the engine refused, and its own words; these alone if not known."""
    words = " ".join(str(getattr(error, "explanation", None) or error).split())
    for pattern, text in _TEXTS.items():
        if re.search(pattern, words):
            return f"{' '.join(text.split())} (the engine: {words})"
    return words
