"""What the stacks of a lab's nodes remember: connections, and the MTUs of paths.

After a failure a connection's end repeats itself for a minute, and a path's MTU is
remembered for ten: either would be seen in the scenario that follows.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# SOCK_DESTROY (sock_diag.c, since Linux 4.5); a kernel without it ends nothing.
_END = "ss --kill --tcp state connected"
_FORGET = "echo 1 >/proc/sys/net/ipv4/route/flush"
_ALL = f"""
exec >/dev/null 2>&1
for path; do nsenter --net="$path" sh -c '{_END}; {_FORGET}' & done
wait
"""


def forget(netns: Iterable[str]) -> None:
    """End every TCP connection of some namespaces, and forget what paths take."""
    subprocess.run(["sh", "-c", _ALL, "sh", *netns], check=False)


def end(netns: str, peers: Sequence[str]) -> None:
    """End the connections to some addresses in a namespace that others use as well."""
    plain = (f"[{one}]" if ":" in one else one for one in peers)
    ours = [word for address in plain for word in ("or", "dst", address)][1:]
    command = ["nsenter", f"--net={netns}", *_END.split(), "(", *ours, ")"]
    subprocess.run(command, check=False, capture_output=True)
