"""What Docker promises a bridge network: masquerade out, published ports in.

A connection-tracking NAT in memory, with Linux's port rules. Knows no packet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_address
from typing import TYPE_CHECKING

from pytest_netlab.flows import ICMP, WITH_PORTS, Tuple5
from pytest_netlab.nat.ports import class_of

if TYPE_CHECKING:
    from collections.abc import Mapping

# Not 0: the kernel may choose it, but in a key it stands for "no id".
_IDS = range(1, 65536)


@dataclass(slots=True, kw_only=True)
class Nat:
    """One host's NAT: its rules, and the mappings of its flows.

    Attributes:
        subnet: of the bridge network.
        address: of the host on the uplink.
        published: port of the host -> (address, port) of a container.
        masquerade: packets from `subnet` leave with the host's address.

    """

    subnet: IPv4Network
    address: str
    published: Mapping[int, tuple[str, int]] = field(default_factory=dict)
    masquerade: bool = True
    _out: dict[Tuple5, Tuple5] = field(default_factory=dict)

    def outbound(self, key: Tuple5) -> Tuple5:
        """Return the key with which a packet from docker0 leaves on the uplink."""
        if key not in self._out:
            self._track(key, self._masquerade(key))
        return self._out[key]

    def inbound(self, key: Tuple5) -> Tuple5 | None:
        """Return the key on docker0 of an uplink's packet; None if not forwarded."""
        if key not in self._out:
            target = self.published.get(key.dport)
            if key.proto not in WITH_PORTS or key.dst != self.address or not target:
                return None
            self._track(key, self._free(key._replace(dst=target[0], dport=target[1])))
        return self._out[key]

    def flush(self) -> None:
        """Forget every mapping, as `conntrack -F` does."""
        self._out.clear()

    def _track(self, original: Tuple5, translated: Tuple5) -> None:
        self._out[original] = translated
        self._out[translated.reply] = original.reply

    def _masquerade(self, key: Tuple5) -> Tuple5:
        if not self.masquerade or ip_address(key.src) not in self.subnet:
            return key
        return self._free(key._replace(src=self.address))

    def _free(self, wanted: Tuple5) -> Tuple5:
        """Return the key with the first source port whose reply tuple is not in use."""
        others = _IDS if wanted.proto == ICMP else class_of(wanted.sport)
        for port in (wanted.sport, *others):
            key = wanted._replace(sport=port)
            if key.proto == ICMP:
                key = key._replace(dport=port)
            if key.reply not in self._out:
                return key
        raise LookupError(f"no free port for {wanted}")
