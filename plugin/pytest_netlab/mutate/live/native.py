"""The rules of an engine that writes nft itself: deleted, retargeted, overruled."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_netlab.errors import CommandError, LabUnavailableError
from pytest_netlab.mutate.live.fault import (
    ALL,
    CLOSED,
    COUNTED,
    PING_BEYOND,
    WEB,
    Fault,
)
from pytest_netlab.mutate.live.inject import addresses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.mutate.live.fault import Inject
    from pytest_netlab.mutate.live.rules import Edit

TABLE = "ip docker-bridges"  # moby's internal/nftabler
_LOST = ("proxied", "not forwarded", "rejected")


def edited(*edits: Edit) -> Inject:
    """Return an `inject` that edits the engine's table, and restores it."""

    @contextmanager
    def inject(lab: DockerLab) -> Iterator[None]:
        host = lab.nodes["host"]
        try:
            table = host.run("nft", "-s", "list", "table", *TABLE.split()).stdout
        except CommandError:
            raise LabUnavailableError("this engine writes no rules of nft") from None
        with tempfile.NamedTemporaryFile("w", suffix=".nft") as saved:
            saved.write(f"table {TABLE}\ndelete table {TABLE}\n{table}")
            saved.flush()
            try:
                for edit in edits:
                    edit(lab)
                yield
            finally:
                host.run("nft", "-f", saved.name)

    return inject


def run(command: str) -> Edit:
    """Return an edit that runs nft; `@` stands for the table, {c1} for an address."""

    def edit(lab: DockerLab) -> None:
        words = command.replace("@", TABLE).format(**addresses(lab))
        lab.nodes["host"].run("nft", *words.split())

    return edit


def replaced(chain: str, words: str, by: str = "") -> Edit:
    """Return an edit of the first rule with these words: another, or none.

    Raises:
        LabUnavailableError: the chain has no such rule.

    """

    def edit(lab: DockerLab) -> None:
        host, names = lab.nodes["host"], addresses(lab)
        listed = host.run("nft", "-a", "list", "chain", *TABLE.split(), chain).stdout
        tokens = words.format(**names).split()
        for line in listed.splitlines():
            rule, _, handle = line.partition(" # handle ")
            if all(token in rule.split() for token in tokens):
                place = (*TABLE.split(), chain, "handle", handle)
                verb = "replace" if by else "delete"
                host.run("nft", verb, "rule", *place, *by.format(**names).split())
                return
        raise LabUnavailableError(f"this engine has no such rule in {chain}: {words}")

    return edit


FAULTS = (
    Fault(
        name="nft-masquerade-deleted",
        about="the masquerade rule of nft is deleted",
        inject=edited(replaced("nat-postrouting-out__docker0", "masquerade")),
        red={PING_BEYOND: ("leaked",)},
        cites={ALL: ("gone", "masquerade")},
    ),
    Fault(
        name="nft-masquerade-unmapped",
        about="the verdict map no longer leads docker0 to its masquerading",
        inject=edited(run("delete element @ nat-postrouting-out-jumps {{ docker0 }}")),
        red={PING_BEYOND: ("leaked",)},
        cites={ALL: ("nat-postrouting-out-jumps", "docker0")},
    ),
    Fault(
        name="nft-masquerade-jump-deleted",
        about="nat-POSTROUTING no longer asks the verdict map",
        inject=edited(replaced("nat-POSTROUTING", "iifname vmap")),
        red={PING_BEYOND: ("leaked",)},
        cites={ALL: ("gone", "nat-POSTROUTING", "vmap @nat-postrouting-out-jumps")},
    ),
    Fault(
        name="nft-snat",
        about="another address stands for the containers' (snat)",
        inject=edited(
            replaced(
                "nat-postrouting-out__docker0",
                "masquerade",
                by="oifname != docker0 counter snat to {host02}",
            )
        ),
        red={PING_BEYOND: ("wrong source",)},
        cites={ALL: ("snat to {host02}",)},
    ),
    Fault(
        name="nft-dnat-deleted",
        about="the dnat rule of nft is deleted",
        inject=edited(replaced("nat-prerouting-and-output", "dnat")),
        red={WEB: _LOST},
        cites={ALL: ("gone", "dnat to {web}:80")},
    ),
    Fault(
        name="nft-dnat-jump-deleted",
        about="nat-PREROUTING no longer jumps to the dnat rules",
        inject=edited(replaced("nat-PREROUTING", "jump")),
        red={WEB: _LOST},
        cites={ALL: ("gone", "nat-PREROUTING", "jump nat-prerouting-and-output")},
    ),
    Fault(
        name="nft-dnat-other-container",
        about="the dnat rule names another container",
        inject=edited(
            replaced(
                "nat-prerouting-and-output",
                "dnat",
                by="tcp dport 81 counter dnat to {c2}:80",
            )
        ),
        red={WEB: ("wrong target",)},
        cites={ALL: ("dnat to {c2}:80",)},
    ),
    Fault(
        name="nft-dnat-other-port",
        about="the dnat rule names another port of the container",
        inject=edited(
            replaced(
                "nat-prerouting-and-output",
                "dnat",
                by="tcp dport 81 counter dnat to {web}:8080",
            )
        ),
        red={WEB: ("wrong port",)},
        cites={ALL: ("dnat to {web}:8080",)},
    ),
    Fault(
        name="nft-chain-flushed",
        about="the chain of dnat rules is flushed",
        inject=edited(run("flush chain @ nat-prerouting-and-output")),
        red={WEB: _LOST},
        cites={ALL: ("gone", "dnat to {web}:80")},
    ),
    Fault(
        name="nft-established-deleted",
        about="replies to containers are no longer accepted",
        inject=edited(replaced("filter-forward-in__docker0", "established,related")),
        red={PING_BEYOND: ("reply not forwarded",)},
        cites={ALL: ("gone", "ct state", "established", "accept")},
    ),
    Fault(
        name="nft-published-accept-deleted",
        about="the published port is no longer accepted",
        inject=edited(replaced("filter-forward-in__docker0", "dport accept")),
        red={WEB: ("not forwarded",)},
        cites={ALL: ("gone", "tcp dport 80", "accept")},
    ),
    Fault(
        name="nft-drop-first",
        about="a drop comes first in the chain of docker0",
        inject=edited(run("insert rule @ filter-forward-in__docker0 counter drop")),
        red={
            PING_BEYOND: ("reply not forwarded",),
            WEB: ("not forwarded",),
        },
        cites={ALL: ("new", "filter-forward-in__docker0", "drop")},
    ),
    Fault(
        name="nft-outgoing-dropped",
        about="what leaves docker0 is dropped instead of accepted",
        inject=edited(
            replaced("filter-forward-out__docker0", '"OUTGOING"', by="counter drop")
        ),
        red={PING_BEYOND: ("not forwarded",)},
        cites={ALL: ("filter-forward-out__docker0", "drop | OUTGOING")},
    ),
    Fault(
        name="nft-element-drops",
        about="the verdict map drops what is for docker0",
        inject=edited(
            run("delete element @ filter-forward-in-jumps {{ docker0 }}"),
            run("add element @ filter-forward-in-jumps {{ docker0 : drop }}"),
        ),
        red={
            PING_BEYOND: ("reply not forwarded",),
            WEB: ("not forwarded",),
        },
        cites={ALL: ("filter-forward-in-jumps", "docker0")},
    ),
    Fault(
        name="nft-direct-drop-deleted",
        about="raw-PREROUTING no longer drops what is routed to web",
        inject=edited(replaced("raw-PREROUTING", "{web} drop")),
        red={CLOSED: ("let through",)},
        cites={ALL: ("gone", "raw-PREROUTING", "ip daddr {web}")},
    ),
    Fault(
        name="nft-exempt",
        about="nat-PREROUTING accepts the published port before the jump",
        inject=edited(run("insert rule @ nat-PREROUTING tcp dport 81 counter accept")),
        red={WEB: _LOST},
        cites={ALL: ("new", "nat-PREROUTING tcp dport 81 counter accept", COUNTED)},
    ),
    Fault(
        name="nft-dormant",
        about="the engine's table is dormant",
        inject=edited(run("add table @ {{ flags dormant ; }}")),
        red={
            PING_BEYOND: ("leaked",),
            WEB: _LOST,
            CLOSED: ("let through",),
        },
        cites={ALL: ("dormant", "docker-bridges - flags dormant")},
    ),
    Fault(
        name="nft-table-deleted",
        about="the engine's table is deleted",
        inject=edited(run("delete table @")),
        red={
            PING_BEYOND: ("leaked",),
            WEB: _LOST,
            CLOSED: ("let through",),
        },
        cites={ALL: ("rule of Docker's is left | docker-bridges",)},
    ),
)
