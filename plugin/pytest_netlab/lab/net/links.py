"""Links of a namespace: pairs, addresses, offloads. One netlink socket per call."""

from __future__ import annotations

import fcntl
import socket
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError
from pytest_netlab.host import links
from pytest_netlab.lab.lifetime.signals import deferred
from pytest_netlab.lab.net.netns import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.host.links import Link

# In this order: the kernel switches TSO off with checksumming, and reports it.
OFFLOADS = (
    "tx-checksumming",
    "rx-checksumming",
    "tcp-segmentation-offload",
    "generic-segmentation-offload",
    "generic-receive-offload",
)
_SIOCGIFHWADDR, _REQUEST, _HARDWARE = 0x8927, 40, slice(18, 24)  # struct ifreq
# No router solicitation, no duplicate address detection, no link-local address and so
# no multicast report for it.
SILENT = {
    "accept_ra": "0",
    "autoconf": "0",
    "router_solicitations": "0",
    "accept_dad": "0",
    "addr_gen_mode": "1",
}


@contextmanager
def netlink(netns: str | None) -> Iterator[Any]:
    """Open pyroute2 in a namespace; None is the one this thread is in.

    Signals are deferred until it is closed: its event loop must not be interrupted.

    Raises:
        LabError: the kernel refused what the block asked for.

    """
    from pyroute2 import IPRoute  # noqa: PLC0415 - 0.4 s that a run without lab saves
    from pyroute2.netlink.exceptions import NetlinkError  # noqa: PLC0415

    with deferred(), ExitStack() as stack:
        if netns is not None:
            stack.enter_context(inside(netns))
        ip = stack.enter_context(IPRoute())
        try:
            yield ip
        except NetlinkError as error:
            where = netns or "this network namespace"
            raise LabError(
                f"the kernel refused a change in {where}: {error}"
            ) from error


def index_of(ip: Any, interface: str) -> int:
    """Return a link's index; LabError if there is no such link."""
    found = ip.link_lookup(ifname=interface)
    if not found:
        raise LabError(f"there is no link {interface!r}")
    return int(found[0])


def listed(ip: Any) -> list[Link]:
    """Return the links of the namespace that pyroute2 was opened in."""
    return [links.link(message) for message in ip.get_links()]


def veth_peer(container: str, host: str, interface: str = "eth0") -> str | None:
    """Return the host's end of a container's link, found by the peer's index."""
    with netlink(container) as ip:
        peers = [link.peer for link in listed(ip) if link.name == interface]
    with netlink(host) as ip:
        names = [link.name for link in listed(ip) if link.index in peers]
    return names[0] if names else None


def mac(netns: str, interface: str) -> str:
    """Return a link's Ethernet address; "" where there is no such link."""
    name = interface.encode().ljust(_REQUEST, b"\0")
    with inside(netns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            return fcntl.ioctl(asked, _SIOCGIFHWADDR, name)[_HARDWARE].hex(":")
        except OSError:
            return ""


def silence(netns: str, interface: str) -> None:
    """Keep a link that is still down from sending IPv6 packets of its own.

    IPv6 stays enabled: an address that is added works.
    """
    with inside(netns):
        for key, value in SILENT.items():
            with suppress(FileNotFoundError):  # a kernel without IPv6 is silent anyway
                path = Path(f"/proc/sys/net/ipv6/conf/{interface}/{key}")
                path.write_text(value, encoding="ascii")


def stop_offloads(netns: str, *interfaces: str) -> None:
    """Switch offloads off: captures get checksums and no super-frames (TSO, GRO)."""
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
