"""Keep packets for a node from its own stack; a packet socket still gets them.

The rule is in a table owned by an nft process, which waits for its standard input to
end. However this process ends, even by SIGKILL, nft ends too, and the kernel removes
the table (NFT_TABLE_F_OWNER in nf_tables_api.c). ARP is still answered.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from pytest_netlab.errors import CommandError
from pytest_netlab.lab.lifetime.owner import PREFIX, mint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_netlab.lab.net.node import NamespaceNode

SECONDS = 5  # for nft to answer, and to end
_CHUNK, _REFUSED = 4096, b"Error"
# nft's answer to the last command, whatever it printed before.
_DONE = b"datatype mark"
_RULES = """\
add table netdev {name} {{ flags owner; }}
add chain netdev {name} in {{ type filter hook ingress device {link} priority -500; }}
add rule netdev {name} in ip daddr {address} ip protocol {{ {protocols} }} drop
describe meta mark
"""


@contextmanager
def muted(
    node: NamespaceNode, link: str, address: str, protocols: Iterable[str]
) -> Iterator[None]:
    """Drop packets of these protocols to an address, behind a link's packet sockets.

    Raises:
        CommandError: nft refuses, or is missing.

    """
    rules = _RULES.format(
        name=PREFIX + mint(),
        link=link,
        address=address,
        protocols=", ".join(sorted(protocols)),
    )
    process = subprocess.Popen(
        node.namespaces.command(("nft", "-i"), node.netns),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=node.environment(),
        start_new_session=True,
    )
    ours, theirs = process.stdin, process.stdout
    if ours is None or theirs is None:  # Popen has made both
        raise AssertionError
    with process:
        try:
            said = _answer(ours, theirs.fileno(), rules)
            if _REFUSED in said or _DONE not in said:
                lines = said.decode(errors="replace").splitlines()
                output = [line for line in lines if _DONE.decode() not in line]
                why = "\n".join(output) or f"silent for {SECONDS} s"
                raise CommandError(f"{node.name}: nft does not mute its stack: {why}")
            yield
        finally:
            _end(process, ours)


def _answer(ours: IO[bytes], theirs: int, rules: str) -> bytes:
    """Give nft its rules; return all that it prints."""
    said, end = b"", time.monotonic() + SECONDS
    with suppress(BrokenPipeError):
        ours.write(rules.encode())
        ours.flush()
    while _DONE not in said:
        left = max(0.0, end - time.monotonic())
        more = b""
        if select.select([theirs], [], [], left)[0]:
            more = os.read(theirs, _CHUNK)
        if not more:  # it has ended, or time has run out
            break
        said += more
    return said


def _end(process: subprocess.Popen[bytes], ours: IO[bytes]) -> None:
    """End nft and wait for it: then the table is gone."""
    with suppress(BrokenPipeError):
        ours.close()
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
