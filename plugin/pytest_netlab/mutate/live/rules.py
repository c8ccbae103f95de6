"""Docker's own rules: deleted, flushed, reordered, retargeted, overruled."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_netlab.errors import LabUnavailableError
from pytest_netlab.mutate.live.fault import (
    ALL,
    CLOSED,
    COUNTED,
    DIRECT,
    PING_BEYOND,
    WEB,
    Fault,
)
from pytest_netlab.mutate.live.inject import addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.mutate.live.fault import Inject

    Edit = Callable[[DockerLab], object]


def edited(*edits: Edit) -> Inject:
    """Return an `inject` that edits the rules, and restores them in their order.

    An engine that writes rules of nft has chains of iptables that nothing goes by.
    """

    @contextmanager
    def inject(lab: DockerLab) -> Iterator[None]:
        host = lab.nodes["host"]
        rules = host.run("iptables-save").stdout
        if "\n:DOCKER " not in rules:
            raise LabUnavailableError("this engine writes no rules of iptables")
        with tempfile.NamedTemporaryFile("w", suffix=".rules") as saved:
            saved.write(rules)
            saved.flush()
            try:
                for edit in edits:
                    edit(lab)
                yield
            finally:
                host.run("sh", "-c", f"iptables-restore < {saved.name}")

    return inject


def replaced(table: str, *rules: str, by: tuple[str, str] = ("", "")) -> Edit:
    """Return an edit that replaces text in a rule; without any, it deletes the rule.

    The rule is the first with all the words of one of `rules`: engines have the same
    rule in different chains.
    """

    def edit(lab: DockerLab) -> None:
        host, line = lab.nodes["host"], _found(lab, table, *rules)
        host.run("iptables", "-t", table, "-D", *line.split()[1:])
        if by[1]:
            old, new = (text.format(**addresses(lab)) for text in by)
            host.run("iptables", "-t", table, *line.replace(old, new).split())

    return edit


def run(arguments: str) -> Edit:
    """Return an edit that runs iptables with these arguments; {c1} is an address."""
    return lambda lab: lab.nodes["host"].run(
        "iptables", *arguments.format(**addresses(lab)).split()
    )


def _found(lab: DockerLab, table: str, *rules: str) -> str:
    listed = lab.nodes["host"].run("iptables", "-t", table, "-S").stdout.splitlines()
    places = addresses(lab)
    for rule in rules:
        tokens = rule.format(**places).split()
        for line in listed:
            if line.startswith("-A") and all(word in line for word in tokens):
                return line
    raise LabUnavailableError(f"this engine has no such rule in {table}: {rules[0]}")


@contextmanager
def _flushed(lab: DockerLab) -> Iterator[None]:
    """Delete every rule and chain, of both families and of nft; then restore them."""
    host = lab.nodes["host"]
    saved = [host.run(f"{tool}-save").stdout for tool in _TOOLS]
    if "\n:DOCKER " not in saved[0]:
        raise LabUnavailableError("this engine writes no rules of iptables")
    host.run("sh", "-c", "nft flush ruleset || true")  # or these are iptables-legacy
    for table in ("raw", "mangle", "nat", "filter"):
        for verb in ("-F", "-X"):
            host.run("iptables", "-t", table, verb)
    host.run("iptables", "-P", "FORWARD", "ACCEPT")
    try:
        yield
    finally:
        for tool, rules in zip(_TOOLS, saved, strict=True):
            host.run("sh", "-c", f"{tool}-restore <<'E'\n{rules}E")


_TOOLS = ("iptables", "ip6tables")
_DNAT, _MASQUERADE = "DOCKER DNAT", "POSTROUTING MASQUERADE ! -o"
_NOT, _REJECTED = ("not forwarded",), ("rejected",)
_FORWARDED = (PING_BEYOND, WEB, DIRECT)
FAULTS = (
    Fault(
        name="masquerade-deleted",
        about="the MASQUERADE rule is deleted",
        inject=edited(replaced("nat", _MASQUERADE)),
        red={PING_BEYOND: ("leaked",)},
        cites={ALL: ("! -o docker0 -j MASQUERADE",)},
    ),
    Fault(
        name="postrouting-flushed",
        about="nat/POSTROUTING is flushed",
        inject=edited(run("-t nat -F POSTROUTING")),
        red={PING_BEYOND: ("leaked",)},
        cites={ALL: ("! -o docker0 -j MASQUERADE",)},
    ),
    Fault(
        name="nat-flushed",
        about="the whole nat table is flushed",
        inject=edited(run("-t nat -F")),
        red={PING_BEYOND: ("leaked",), WEB: ("proxied",)},
        cites={
            PING_BEYOND: ("! -o docker0 -j MASQUERADE",),
            WEB: ("PREROUTING -m addrtype | DNAT --to-destination {web}:80",),
        },
    ),
    Fault(
        name="ruleset-flushed",
        about="no rule of anybody is left, as with --iptables=false",
        inject=_flushed,
        red={
            PING_BEYOND: ("leaked",),
            WEB: ("proxied",),
            CLOSED: ("let through",),
        },
        cites={ALL: ("rule of Docker's is left",)},
    ),
    Fault(
        name="masquerade-retargeted",
        about="another address stands for the containers' (SNAT)",
        inject=edited(
            replaced("nat", _MASQUERADE, by=("MASQUERADE", "SNAT --to-source {host02}"))
        ),
        red={PING_BEYOND: ("wrong source",)},
        cites={ALL: ("SNAT --to-source {host02}",)},
    ),
    Fault(
        name="masquerade-random",
        about="the MASQUERADE rule asks for any port and id",
        inject=edited(
            replaced("nat", _MASQUERADE, by=("MASQUERADE", "MASQUERADE --random-fully"))
        ),
    ),
    Fault(
        name="return-before-masquerade",
        about="a rule before MASQUERADE returns what goes to the neighbours",
        inject=edited(run("-t nat -I POSTROUTING -d {host01} -j RETURN")),
        red={PING_BEYOND: ("leaked",)},
        cites={ALL: ("nat -A POSTROUTING -d {host01} -j RETURN",)},
    ),
    Fault(
        name="prerouting-jump-deleted",
        about="nat/PREROUTING no longer jumps to DOCKER",
        inject=edited(replaced("nat", "PREROUTING DOCKER")),
        red={WEB: ("proxied",)},
        cites={ALL: ("PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",)},
    ),
    Fault(
        name="nat-docker-flushed",
        about="nat/DOCKER is flushed",
        inject=edited(run("-t nat -F DOCKER")),
        red={WEB: ("proxied",)},
        cites={ALL: ("DNAT --to-destination {web}:80",)},
    ),
    Fault(
        name="dnat-deleted",
        about="the DNAT rule is deleted",
        inject=edited(replaced("nat", _DNAT)),
        red={WEB: ("proxied",)},
        cites={ALL: ("DNAT --to-destination {web}:80",)},
    ),
    Fault(
        name="dnat-other-container",
        about="the DNAT rule names another container",
        inject=edited(replaced("nat", _DNAT, by=("{web}:80", "{c2}:80"))),
        red={WEB: ("wrong target",)},
        cites={ALL: ("DNAT --to-destination {c2}:80",)},
    ),
    Fault(
        name="dnat-other-port",
        about="the DNAT rule names another port of the container",
        inject=edited(replaced("nat", _DNAT, by=("{web}:80", "{web}:8080"))),
        red={WEB: ("wrong port",)},
        cites={ALL: ("DNAT --to-destination {web}:8080",)},
    ),
    Fault(
        name="dnat-other-published-port",
        about="another port is published",
        inject=edited(replaced("nat", _DNAT, by=("--dport 81", "--dport 82"))),
        red={WEB: ("wrong port", "proxied")},
        cites={ALL: ("--dport 82 -j DNAT",)},
    ),
    Fault(
        name="dnat-beyond",
        about="the published port leads to a neighbour",
        inject=edited(
            run("-t nat -I PREROUTING -p tcp --dport 81 -j DNAT --to {host02}:80")
        ),
        red={WEB: ("wrong target",)},
        cites={ALL: ("DNAT --to-destination {host02}:80",)},
    ),
    Fault(
        name="forward-flushed",
        about="filter/FORWARD is flushed, and its policy is DROP",
        inject=edited(run("-F FORWARD"), run("-P FORWARD DROP")),
        red=dict.fromkeys(_FORWARDED, _NOT),
        cites={ALL: ("filter -A FORWARD | FORWARD DROP",)},
    ),
    Fault(
        name="outbound-accept-deleted",
        about="FORWARD no longer accepts what leaves docker0",
        inject=edited(
            replaced(
                "filter",
                "FORWARD -i docker0 ! -o docker0 ACCEPT",
                "FORWARD -i docker0 -j ACCEPT",
            )
        ),
        red={
            PING_BEYOND: _NOT,
            WEB: ("reply not forwarded",),
            DIRECT: ("reply not forwarded",),
        },
        cites={ALL: ("-i docker0 ! -o docker0 -j ACCEPT | -i docker0 -j ACCEPT",)},
    ),
    Fault(
        name="established-deleted",
        about="FORWARD no longer accepts replies to containers",
        inject=edited(replaced("filter", "-o docker0 ESTABLISHED")),
        red={PING_BEYOND: ("reply not forwarded",)},
        cites={ALL: ("--ctstate RELATED,ESTABLISHED -j ACCEPT",)},
    ),
    Fault(
        name="published-accept-deleted",
        about="filter/DOCKER no longer accepts the published port",
        inject=edited(replaced("filter", "DOCKER --dport 80 ACCEPT")),
        red={WEB: _NOT, DIRECT: _NOT},
        cites={ALL: ("--dport 80 -j ACCEPT",)},
    ),
    Fault(
        name="isolation-first",
        about="DOCKER-ISOLATION-STAGE-2 comes before all else in FORWARD",
        inject=edited(run("-I FORWARD -j DOCKER-ISOLATION-STAGE-2")),
        red={
            PING_BEYOND: ("reply not forwarded",),
            WEB: _NOT,
            DIRECT: _NOT,
        },
        cites={ALL: ("FORWARD -j DOCKER-ISOLATION-STAGE-2", COUNTED)},
    ),
    Fault(
        name="direct-drop-deleted",
        about="raw/PREROUTING no longer drops what is routed to a container",
        inject=edited(replaced("raw", "PREROUTING {web}/32 DROP")),
        red={CLOSED: ("let through",)},
        cites={ALL: ("raw -A PREROUTING -d {web} ! -i docker0 -j DROP",)},
    ),
    Fault(
        name="user-drop",
        about="DOCKER-USER drops all",
        inject=edited(run("-I DOCKER-USER -j DROP")),
        red=dict.fromkeys(_FORWARDED, _NOT),
        cites={ALL: ("filter -A DOCKER-USER -j DROP", COUNTED)},
    ),
    Fault(
        name="user-reject",
        about="DOCKER-USER rejects ICMP",
        inject=edited(
            run("-I DOCKER-USER -p icmp -j REJECT --reject-with icmp-admin-prohibited")
        ),
        red={PING_BEYOND: _REJECTED},
        cites={ALL: ("DOCKER-USER -p icmp -j REJECT", COUNTED)},
    ),
    Fault(
        name="user-reset",
        about="DOCKER-USER resets connections",
        inject=edited(run("-I DOCKER-USER -p tcp -j REJECT --reject-with tcp-reset")),
        red={WEB: _REJECTED, DIRECT: _REJECTED},
        cites={ALL: ("DOCKER-USER -p tcp -j REJECT", COUNTED)},
    ),
    Fault(
        name="user-first-only",
        about="DOCKER-USER drops the first ping of an hour",
        inject=edited(
            run(
                "-I DOCKER-USER -p icmp -m limit --limit 1/hour --limit-burst 1 -j DROP"
            )
        ),
        red={PING_BEYOND: _NOT},
        cites={ALL: ("DOCKER-USER -p icmp -m limit", COUNTED)},
    ),
)
