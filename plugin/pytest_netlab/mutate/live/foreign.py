"""A table of nft beside the engine's: its sets and maps, policies, and translation."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_netlab.mutate.live.fault import (
    ALL,
    COUNTED,
    DIRECT,
    PING_BEYOND,
    WEB,
    Fault,
)
from pytest_netlab.mutate.live.inject import addresses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.mutate.live.fault import Inject

TABLE = "ip site"
_FORWARD = "chain f {{ type filter hook forward priority 10 ; policy accept ; }}"
_FIRST = "chain p {{ type nat hook prerouting priority -110 ; }}"
_NOT = ("not forwarded",)


def beside(*added: str) -> Inject:
    """Return an `inject` that adds a table of these; {c1} stands for an address."""

    @contextmanager
    def inject(lab: DockerLab) -> Iterator[None]:
        host, names = lab.nodes["host"], addresses(lab)
        host.run("nft", "add", "table", *TABLE.split())
        try:
            for one in added:
                kind, _, rest = one.format(**names).partition(" ")
                host.run("nft", "add", kind, *TABLE.split(), *rest.split())
            yield
        finally:
            host.run("nft", "delete", "table", *TABLE.split())

    return inject


FAULTS = (
    Fault(
        name="foreign-set",
        about="an address is in a set of those who may not pass",
        inject=beside(
            _FORWARD,
            "set bad {{ type ipv4_addr ; elements = {{ {c1} }} ; }}",
            "rule f ip saddr @bad counter drop",
        ),
        red={PING_BEYOND: _NOT},
        cites={ALL: ("nft ip site f ip saddr @bad counter drop", COUNTED)},
    ),
    Fault(
        name="foreign-set-uncounted",
        about="an address is in such a set, and no rule counts",
        inject=beside(
            _FORWARD,
            "set bad {{ type ipv4_addr ; elements = {{ {c1} }} ; }}",
            "rule f ip saddr @bad drop",
        ),
        red={PING_BEYOND: _NOT},
        cites={ALL: ("nft ip site f ip saddr @bad drop",)},
    ),
    Fault(
        name="foreign-map",
        about="a verdict map drops what comes from docker0",
        inject=beside(
            _FORWARD,
            'map by {{ type ifname : verdict ; elements = {{ "docker0" : drop }} ; }}',
            "rule f iifname vmap @by",
        ),
        red={
            PING_BEYOND: _NOT,
            WEB: ("reply not forwarded",),
            DIRECT: ("reply not forwarded",),
        },
        cites={ALL: ('nft ip site @by "docker0" : drop',)},
    ),
    Fault(
        name="foreign-policy",
        about="another chain of FORWARD drops by policy",
        inject=beside(_FORWARD.replace("accept", "drop")),
        red={PING_BEYOND: _NOT, WEB: _NOT, DIRECT: _NOT},
        cites={ALL: ("nft ip site f", "policy drop")},
    ),
    Fault(
        name="foreign-dnat-map",
        about="a map translates the published port to another container",
        inject=beside(
            _FIRST,
            "map ports {{ type inet_service : ipv4_addr . inet_service ; elements ="
            " {{ 81 : {c2} . 80 }} ; }}",
            "rule p dnat ip to tcp dport map @ports",
        ),
        red={WEB: ("wrong target",)},
        cites={ALL: ("nft ip site @ports 81 : {c2} . 80",)},
    ),
)
