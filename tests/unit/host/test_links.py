"""Links and neighbours, as the kernel sends and as `ip` prints them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg

from pytest_netlab.host import links
from pytest_netlab.host.links import Link, Neighbour

MAC = "02:42:ac:11:00:02"
# As `ip neigh` of iproute2 6.1 prints them, without the last space.
LISTED = f"""\
172.17.0.2 dev docker0 lladdr {MAC} STALE
172.17.0.9 dev docker0 FAILED
fd00::8 dev docker0 lladdr {MAC} router PERMANENT
10.0.0.77 dev ens160 proxy
"""
NEIGHBOURS = (
    Neighbour(address="172.17.0.2", device="docker0", mac=MAC, state="STALE"),
    Neighbour(address="172.17.0.9", device="docker0", state="FAILED"),
    Neighbour(
        address="fd00::8",
        device="docker0",
        mac=MAC,
        flags=("router",),
        state="PERMANENT",
    ),
    Neighbour(address="10.0.0.77", device="ens160", flags=("proxy",)),
)


def filled(kind: type, attributes: dict[str, Any], **fields: Any) -> Any:
    """Return a message as pyroute2 decodes it."""
    found = kind()
    for name, value in fields.items():
        found[name] = value
    found["attrs"] = list(attributes.items())
    return found


@pytest.mark.parametrize(
    ("sent", "link"),
    [
        (
            filled(
                ifinfmsg,
                {"IFLA_IFNAME": "lo", "IFLA_MTU": 65536},
                index=1,
                state="up",
            ),
            Link(index=1, name="lo", mtu=65536, state="up"),
        ),
        (
            filled(
                ifinfmsg,
                {
                    "IFLA_IFNAME": "veth1",
                    "IFLA_MTU": 1500,
                    "IFLA_ADDRESS": MAC,
                    "IFLA_MASTER": 3,
                    "IFLA_LINK": 7,
                    "IFLA_LINKINFO": filled(
                        ifinfmsg.ifinfo, {"IFLA_INFO_KIND": "veth"}
                    ),
                },
                index=8,
                state="down",
            ),
            Link(
                index=8,
                name="veth1",
                mtu=1500,
                state="down",
                kind="veth",
                mac=MAC,
                master=3,
                peer=7,
            ),
        ),
        (
            filled(
                ifinfmsg,
                {
                    "IFLA_IFNAME": "veth2",
                    "IFLA_MTU": 1500,
                    "IFLA_CARRIER": 0,
                    "IFLA_LINKINFO": filled(
                        ifinfmsg.ifinfo,
                        {
                            "IFLA_INFO_KIND": "veth",
                            "IFLA_INFO_SLAVE_KIND": "bridge",
                            "IFLA_INFO_SLAVE_DATA": filled(
                                ifinfmsg.ifinfo.bridge_slave_data,
                                {"IFLA_BRPORT_STATE": 0},
                            ),
                        },
                    ),
                },
                index=9,
                state="up",
                flags=0x80,
            ),
            Link(
                index=9,
                name="veth2",
                mtu=1500,
                state="up",
                kind="veth",
                carrier=False,
                arp=False,
                forwards=False,
            ),
        ),
    ],
    ids=["loopback", "veth", "port"],
)
def test_link(sent: ifinfmsg, link: Link) -> None:
    """A message of the kernel is a link."""
    assert links.link(sent) == link


def test_neighbours() -> None:
    """Neighbours are written as `ip` writes them, and read from that."""
    assert "".join(f"{one}\n" for one in NEIGHBOURS) == LISTED
    assert links.neighbours(LISTED) == NEIGHBOURS


@given(
    st.builds(
        Neighbour,
        address=st.ip_addresses().map(str),
        device=st.text("abc019-.", min_size=1, max_size=8),
        mac=st.just("") | st.just(MAC),
        flags=st.sampled_from([(), ("proxy",), ("extern_learn", "router")]),
        state=st.sampled_from(["", "REACHABLE", "STALE", "FAILED"]),
    )
)
def test_any_neighbour(neighbour: Neighbour) -> None:
    """Any neighbour that is written is read as it was."""
    assert links.neighbours(f"{neighbour}\n") == (neighbour,)


def test_no_neighbour() -> None:
    """What is no neighbour is left out."""
    assert links.neighbours(f"\nno program 'ip'\n{LISTED}") == NEIGHBOURS


@pytest.mark.parametrize(
    ("state", "flags", "attributes", "neighbour"),
    [
        (4, 0, {"NDA_DST": "172.17.0.2", "NDA_LLADDR": MAC}, NEIGHBOURS[0]),
        (32, 0, {"NDA_DST": "172.17.0.9"}, NEIGHBOURS[1]),
        (128, 128, {"NDA_DST": "fd00::8", "NDA_LLADDR": MAC}, NEIGHBOURS[2]),
        (
            64,
            0,
            {"NDA_DST": "ff02::16", "NDA_LLADDR": MAC},
            Neighbour(address="ff02::16", device="docker0", mac=MAC),
        ),
    ],
    ids=["stale", "failed", "router", "a group"],
)
def test_neighbour(
    state: int, flags: int, attributes: dict[str, str], neighbour: Neighbour
) -> None:
    """A message of the kernel is a neighbour; what needs no resolving has no state."""
    sent = filled(ndmsg, attributes, ifindex=3, state=state, flags=flags)

    assert links.neighbour(sent, {3: "docker0"}) == neighbour


@pytest.mark.parametrize(
    ("link", "text"),
    [
        (Link(index=1, name="lo", mtu=65536, state="up"), "1: lo mtu 65536 state up"),
        (
            Link(
                index=8,
                name="veth1",
                mtu=1500,
                state="up",
                kind="veth",
                mac=MAC,
                master=3,
                peer=7,
                carrier=False,
                arp=False,
                forwards=False,
            ),
            (
                f"8: veth1 mtu 1500 state up kind veth mac {MAC} "
                "master 3 peer 7 no-carrier no-arp not-forwarding"
            ),
        ),
    ],
)
def test_link_kept(link: Link, text: str) -> None:
    """Links are read as they are written; other lines are left out."""
    assert str(link) == text
    assert links.links(f"no program\n7: x mtu y state up\n{text}\n") == (link,)
    assert link.is_up == link.carrier
