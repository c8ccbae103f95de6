"""Fill a connection table: datagrams from many ports of many containers, in turn.

A program of its own, so that it takes no time from the one that captures. Reads a plan
as JSON from standard input, and ends when that is closed.
"""

from __future__ import annotations

import json
import select
import socket
import sys
from itertools import cycle

from pytest_netlab.lab.netns import inside

ECHO = 7  # RFC 862
BATCH = 20
PAUSE = 0.02  # seconds


def main() -> None:
    """Send until standard input ends: `{"senders": [netns], "ports", "to", "at"}`."""
    plan = json.loads(sys.stdin.readline())
    with inside(plan["at"]):
        echo = _bound(plan["to"], ECHO)
    senders = []
    for path in plan["senders"]:
        with inside(path):
            senders += [_bound("0.0.0.0", 0) for _ in range(plan["ports"])]  # noqa: S104 - a container's
    turn = cycle(senders)
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        for _ in range(BATCH):
            next(turn).sendto(b"load", (plan["to"], ECHO))
        _answer(echo)


def _bound(address: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((address, port))
    opened.setblocking(False)  # noqa: FBT003 - its only argument
    return opened


def _answer(echo: socket.socket) -> None:
    while True:
        try:
            data, sender = echo.recvfrom(64)
            echo.sendto(data, sender)
        except OSError:
            return


if __name__ == "__main__":
    main()
