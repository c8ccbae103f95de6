"""Fill a connection table, and keep datagrams going from many ports of many containers.

A program of its own, so that it takes no time from the one that captures. Reads a plan
as JSON from standard input, and ends when that is closed.
"""

from __future__ import annotations

import json
import select
import socket
import sys
from itertools import cycle

from pytest_netlab.lab.net.netns import inside

ECHO, DISCARD = 7, 2000  # from DISCARD on a port a sender: a NAT has 64,512 for each
FIRST = 1024
BATCH = 20
PAUSE = 0.02  # seconds


def main() -> None:
    """Fill, say so, and send until standard input ends.

    The plan: `senders` and `at` are namespaces, `to` is the address of the last,
    `fill` how many ports each sender uses once, `ports` how many it goes on with.
    """
    plan = json.loads(sys.stdin.readline())
    with inside(plan["at"]):
        echo = _bound(plan["to"], ECHO)
        sinks = [_bound(plan["to"], DISCARD + n) for n, _ in enumerate(plan["senders"])]
    senders = []
    for number, path in enumerate(plan["senders"]):
        with inside(path):
            for port in range(FIRST, FIRST + plan["fill"]):
                with _bound("", port) as once:
                    once.sendto(b"fill", (plan["to"], DISCARD + number))
            senders += [_bound("", 0) for _ in range(plan["ports"])]
    turn = cycle(senders)
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        for _ in range(BATCH):
            next(turn).sendto(b"load", (plan["to"], ECHO))
        _answer(echo)
    del sinks  # held until here, so that nobody refuses what fills the table


def _bound(address: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((address, port))
    opened.settimeout(0)
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
