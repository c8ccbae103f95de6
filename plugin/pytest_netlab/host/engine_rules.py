"""Which rules a Docker engine writes, by their shape, and which every engine writes.

Knows no host, and not what rules do to packets.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_netlab.host import engine_shapes
from pytest_netlab.host.firewall.ruleset import among, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_netlab.host.engine_shapes import Shape
    from pytest_netlab.host.facts import Fact

NATIVE = "nftables"


def written_by_engine(fact: Fact) -> bool:
    """Return whether a rule or chain is one that a Docker engine writes.

    Its shape says so, whichever engine wrote it and for which network. What users add
    to DOCKER-USER is theirs; the chain, and what leads into it, is Docker's. A built-in
    chain that accepts counts too: the kernel made it so. Routes and links are no rules.
    """
    return engine_shapes.is_known(fact.text)


def bridge_of(fact: Fact) -> str:
    """Return the bridge that an engine's rule is for; "" for none, or another rule."""
    return engine_shapes.bridge(fact.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Essential:
    """A rule that every engine of a backend writes for docker0, and for `web`.

    Attributes:
        rule: as most engines write it, in symbols; to cite where a host lacks it.
        shapes: other forms in which engines write it.
        given: a chain without which it is not essential; "" for none.
        without: a chain with which it is not; "" for none.

    """

    rule: Fact
    shapes: tuple[Shape, ...] = field(default=(), repr=False)
    given: str = ""
    without: str = ""

    def __call__(self, fact: Fact) -> bool:
        """Return whether a fact is this rule."""
        line = _bare(fact)
        return line == self.rule.text or any(x.fullmatch(line) for x in self.shapes)


def essentials(backend: str) -> Sequence[Essential]:
    """Return what every engine of a backend writes.

    Args:
        backend: `nftables` for tables of the engine's own, as `docker info` says;
            anything else is iptables.

    """
    return _ESSENTIAL_NATIVE if backend == NATIVE else _ESSENTIAL


def lacking(facts: Iterable[Fact], backend: str) -> tuple[Fact, ...]:
    """Return the rules that a host with these facts lacks, and any engine writes."""
    found = tuple(facts)
    chains = set(map(_bare, found))
    return tuple(
        one.rule
        for one in essentials(backend)
        if (not one.given or one.given in chains)
        and one.without not in chains
        and not any(map(one, found))
    )


def _bare(fact: Fact) -> str:
    """Return a rule's line, whichever iptables has it."""
    return fact.text.removeprefix("legacy ")


def _essential(
    rule: str, *others: str, given: str = "", without: str = ""
) -> Essential:
    """Return an essential rule; `others` are shapes that do as well."""
    shapes = tuple(map(engine_shapes.pattern, others))
    return Essential(rule=read(rule), shapes=shapes, given=given, without=without)


_LOCAL = "-m addrtype --dst-type LOCAL -j DOCKER"
_ESTABLISHED = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
_JUMPED, _CT, _BRIDGE = (
    f"filter :DOCKER-{name} -" for name in ("FORWARD", "CT", "BRIDGE")
)
_DNAT = "-p tcp -m tcp --dport 81 -j DNAT --to-destination web:80"
_OPENED = "-p tcp -m tcp --dport 80 -j ACCEPT"
_ESSENTIAL = (
    _essential(f"nat -A PREROUTING {_LOCAL}"),
    _essential(f"nat -A OUTPUT ! -d 127.0.0.0/8 {_LOCAL}", f"nat -A OUTPUT {_LOCAL}"),
    _essential(
        "nat -A POSTROUTING -s net ! -o docker0 -j MASQUERADE",
        "nat -A POSTROUTING -s {net} ! -o docker0 -j MASQUERADE",
        "nat -A POSTROUTING -s {net} ! -o docker0 -j SNAT --to-source {any}",
    ),
    _essential(
        f"nat -A DOCKER -d host ! -i docker0 {_DNAT}",
        "nat -A DOCKER {before}{published} -j DNAT --to-destination web:{port2}",
    ),
    _essential("filter -A FORWARD -j DOCKER-USER"),
    _essential("filter -A FORWARD -j DOCKER-FORWARD", given=_JUMPED),
    _essential("filter -A DOCKER-FORWARD -j DOCKER-CT", given=_CT),
    _essential("filter -A DOCKER-FORWARD -j DOCKER-BRIDGE", given=_BRIDGE),
    _essential(f"filter -A DOCKER-CT -o docker0 {_ESTABLISHED}", given=_CT),
    _essential(
        f"filter -A FORWARD -o docker0 {_ESTABLISHED}",
        "filter -A FORWARD {bridges} {established}",
        without=_CT,
    ),
    _essential("filter -A DOCKER-BRIDGE -o docker0 -j DOCKER", given=_BRIDGE),
    _essential(
        "filter -A FORWARD -o docker0 -j DOCKER",
        "filter -A FORWARD {bridges} -j DOCKER",
        without=_BRIDGE,
    ),
    _essential(
        "filter -A DOCKER-FORWARD -i docker0 -j ACCEPT",
        "filter -A DOCKER-FORWARD -i docker0 ! -o docker0 -j ACCEPT",
        given=_JUMPED,
    ),
    _essential("filter -A FORWARD -i docker0 ! -o docker0 -j ACCEPT", without=_JUMPED),
    _essential(
        f"filter -A DOCKER -d web ! -i docker0 -o docker0 {_OPENED}",
        "filter -A DOCKER -d web ! -i docker0 -o docker0 {published} -j ACCEPT",
    ),
)


def _own(rule: str, *others: str) -> Essential:
    """Return an essential rule of the engine's own table."""
    return _essential(*(f"nft ip docker-bridges {one}" for one in (rule, *others)))


def _jump(name: str) -> Essential:
    """Return docker0's element of a verdict map."""
    return _own(f'@{name}-jumps "docker0" : jump {name}__docker0')


def _connected(*rules: Essential) -> tuple[Essential, ...]:
    """Return the rules of one table, each with the hooks that lead to it."""
    hooks = [
        f"nft ip docker-bridges {one} priority 0; policy accept;" for one in _HOOKS
    ]
    texts = [one.rule.text for one in rules]
    known = among([*hooks, *texts], texts)
    return tuple(
        replace(one, rule=rule) for one, rule in zip(rules, known, strict=True)
    )


_IN, _OUT = "filter-forward-in", "filter-forward-out"
_NAT_OUT, _BOTH = "nat-postrouting-out", "nat-prerouting-and-output"
_TRACKED = "ct state established,related counter accept"
_PUBLISHED = 'iifname != "docker0" ip daddr host tcp dport 81 counter dnat to web:80'
_MASQUERADED = 'oifname != "docker0" ip saddr net counter masquerade'
_HOOKS = (
    "nat-PREROUTING type nat hook prerouting",
    "nat-OUTPUT type nat hook output",
    "nat-POSTROUTING type nat hook postrouting",
    "filter-FORWARD type filter hook forward",
)
_ESSENTIAL_NATIVE = _connected(
    _own(
        f"nat-PREROUTING fib daddr type local counter jump {_BOTH}",
        f"nat-PREROUTING {{conditions}}jump {_BOTH}",
    ),
    _own(
        f"nat-OUTPUT ip daddr != 127.0.0.0/8 fib daddr type local counter jump {_BOTH}",
        f"nat-OUTPUT {{conditions}}jump {_BOTH}",
    ),
    _own(
        f'{_BOTH} {_PUBLISHED} comment "DNAT"',
        f'{_BOTH} {{conditions}}dnat to web:{{port}} comment "DNAT"',
    ),
    _own("filter-FORWARD oifname vmap @filter-forward-in-jumps"),
    _own("filter-FORWARD iifname vmap @filter-forward-out-jumps"),
    _own("nat-POSTROUTING iifname vmap @nat-postrouting-out-jumps"),
    *map(_jump, (_IN, _OUT, _NAT_OUT)),
    _own(f"{_IN}__docker0 {_TRACKED}"),
    _own(
        f"{_IN}__docker0 ip daddr web tcp dport 80 counter accept",
        f"{_IN}__docker0 ip daddr web {{proto}} dport {{port}} counter accept",
    ),
    _own(f"{_OUT}__docker0 {_TRACKED}"),
    _own(
        f'{_OUT}__docker0 counter accept comment "OUTGOING"',
        f'{_OUT}__docker0 {{conditions}}accept comment "OUTGOING"',
    ),
    _own(
        f'{_NAT_OUT}__docker0 {_MASQUERADED} comment "MASQUERADE"',
        f'{_NAT_OUT}__docker0 {{conditions}}masquerade comment "MASQUERADE"',
        f'{_NAT_OUT}__docker0 {{conditions}}snat to {{any}} comment "SNAT"',
    ),
)
