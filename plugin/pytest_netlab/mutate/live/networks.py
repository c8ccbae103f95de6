"""The network beyond the uplink: loss, duplication, delay, reordering, corruption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_netlab.mutate.live.fault import CLOSED, DIRECT, PING_BEYOND, WEB, Fault
from pytest_netlab.mutate.live.impair import impaired

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.mutate.live.fault import Inject


def relay(**what: Any) -> Inject:
    """Return an `inject` that impairs the uplink."""

    def inject(lab: DockerLab) -> AbstractContextManager[object]:
        return impaired(lab, **what)

    return inject


FAULTS = (
    Fault(
        name="uplink-loss",
        about="the network beyond the uplink loses all",
        inject=relay(loss=1.0),
        red={
            PING_BEYOND: ("not answered", "not forwarded"),  # ARP is lost, too
            **dict.fromkeys((WEB, DIRECT, CLOSED), ("no traffic",)),
        },
    ),
    Fault(
        name="uplink-corrupt",
        about="the network beyond the uplink flips a bit of every packet",
        inject=relay(corrupt=1.0, seed=1),
        red={
            PING_BEYOND: ("corrupted checksum", "not answered"),
            **dict.fromkeys(
                (WEB, DIRECT, CLOSED), ("corrupted checksum", "no traffic")
            ),
        },
    ),
    Fault(
        name="uplink-duplicate",
        about="the network beyond the uplink delivers all twice",
        inject=relay(duplicate=1.0),
    ),
    Fault(
        name="uplink-delay",
        about="the network beyond the uplink takes 30 ms each way, 10 more or less",
        inject=relay(delay=0.03, jitter=0.01),
    ),
    Fault(
        name="uplink-reorder",
        about="the network beyond the uplink reorders every third packet",
        inject=relay(reorder=0.33, seed=1),
    ),
)
