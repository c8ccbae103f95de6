"""Links of a namespace: pairs, addresses, offloads. One netlink socket a call."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_netlab.lab.netns import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

# In this order: the kernel switches TSO off with checksumming, and says so.
OFFLOADS = (
    "tx-checksumming",
    "rx-checksumming",
    "tcp-segmentation-offload",
    "generic-segmentation-offload",
    "generic-receive-offload",
)


@contextmanager
def netlink(netns: str | None) -> Iterator[Any]:
    """Open pyroute2 in a namespace (None: this thread's); its link() and addr() work."""
    from pyroute2 import IPRoute  # noqa: PLC0415 - 0.4 s that a run without lab saves

    if netns is None:
        with IPRoute() as ip:
            yield ip
        return
    with inside(netns), IPRoute() as ip:
        yield ip


def bring_up(netns: str, interface: str) -> None:
    """Set a link up."""
    with netlink(netns) as ip:
        ip.link("set", index=index_of(ip, interface), state="up")


def index_of(ip: Any, interface: str) -> int:
    """Return a link's index."""
    return int(ip.link_lookup(ifname=interface)[0])


def veth_peer(container: str, host: str, interface: str = "eth0") -> str | None:
    """Return the host's end of a container's link: the peer's index names it."""
    with netlink(container) as ip:
        found = ip.link("get", ifname=interface)
        index = found[0].get("link") if found else None
    with netlink(host) as ip:
        names = [
            link.get("ifname") for link in ip.get_links() if link["index"] == index
        ]
    return names[0] if names else None


def has_address(netns: str | None, interface: str, address: str) -> bool:
    """Tell whether a link of that name has that address in a namespace."""
    with netlink(netns) as ip:
        indexes = ip.link_lookup(ifname=interface)
        found = ip.get_addr(index=indexes[0]) if indexes else []
        return any(item.get("address") == address for item in found)


def stop_offloads(netns: str, *interfaces: str) -> None:
    """Make what is captured what a wire would carry: checksums, and no super-frames."""
    from pyroute2 import Ethtool  # noqa: PLC0415 - see netlink
    from pyroute2.ethtool.ioctl import NotSupportedError  # noqa: PLC0415

    with inside(netns):
        tool = Ethtool()
        try:
            for interface in interfaces:
                for offload in OFFLOADS:
                    try:
                        tool.set_offload_flag(interface, offload, data=False)
                    except NotSupportedError:
                        continue  # what a link cannot do needs no switching off
        finally:
            tool.close()


def offloads(netns: str, interface: str) -> str:
    """Return the offloads that are on, or `off`."""
    from pyroute2 import Ethtool  # noqa: PLC0415 - see netlink

    with inside(netns):
        tool = Ethtool()
        try:
            flags = tool.get_offload_flags(interface)
        finally:
            tool.close()
    return " ".join(name for name in OFFLOADS if flags.get(name)) or "off"
