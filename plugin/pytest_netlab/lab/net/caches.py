"""Sockets and caches of a lab's nodes, which outlive a scenario.

After a failure a TCP endpoint retransmits for a minute, a path MTU is cached for ten,
and packets wait for a neighbour that has not answered: each would show in the next
scenario.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# SOCK_DESTROY (sock_diag.c, since Linux 4.5); a kernel without it ends nothing.
_END = "ss --kill --tcp state connected"
_FORGET = "echo 1 >/proc/sys/net/ipv4/route/flush"
# The kernel drops what waits for a neighbour with its entry (net/core/neighbour.c).
_DROP = "ip neigh flush nud incomplete nud failed"
_ALL = f"""
exec >/dev/null 2>&1
for path; do nsenter --net="$path" sh -c '{_END}; {_FORGET}; {_DROP}' & done
wait
"""


def forget(netns: Iterable[str]) -> None:
    """End every TCP connection of some namespaces; forget path MTUs and neighbours.

    Neighbours that have answered stay.
    """
    subprocess.run(["sh", "-c", _ALL, "sh", *netns], check=False)


def end(netns: str, peers: Sequence[str]) -> None:
    """End the TCP connections to some addresses, in a namespace that is shared."""
    plain = (f"[{one}]" if ":" in one else one for one in peers)
    ours = [word for address in plain for word in ("or", "dst", address)][1:]
    command = ["nsenter", f"--net={netns}", *_END.split(), "(", *ours, ")"]
    subprocess.run(command, check=False, capture_output=True)
