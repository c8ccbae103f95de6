"""`Capture` -> pcapng: little endian, in ns; equal captures give equal bytes."""

from __future__ import annotations

import os
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from pathlib import Path
from struct import pack
from typing import IO, TYPE_CHECKING

from pytest_netlab.capture import blocks
from pytest_netlab.files.owners import opened
from pytest_netlab.wire import (
    ADDRESS_BYTES,
    Status,
    address_bytes,
    is_mac,
    mac_bytes,
)
from pytest_netlab.wire.address import MAPPED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_netlab.capture.model import Capture
    from pytest_netlab.capture.values import Frame, Interface

_NANOSECONDS = 9
_SECOND = 1_000_000_000
_NO_LENGTH = -1
_MAX_TICKS = (1 << 64) - 1
_MAX_NAME = blocks.MAX_OPTION - ADDRESS_BYTES - 1  # beside an address and a zero


def write(
    target: str | os.PathLike[str] | IO[bytes],
    capture: Capture,
    *,
    comments: Mapping[int, str] | None = None,
) -> None:
    """Write a capture as pcapng; comments replace those of their packets."""
    if isinstance(target, str | os.PathLike):
        with opened(Path(target)) as file:
            file.writelines(_blocks(capture, comments or {}))
    else:
        for block in _blocks(capture, comments or {}):
            target.write(block)


def _blocks(capture: Capture, comments: Mapping[int, str]) -> Iterator[bytes]:
    """Yield every block of the file in order."""
    offsets = _offsets(capture)
    yield _section(capture.comment)
    for interface, offset in zip(capture.interfaces, offsets, strict=True):
        yield _interface(interface, offset)
    if capture.names:
        yield _names(capture.names)
    for row, frame in enumerate(capture.frames()):
        note = comments.get(row, frame.comment)
        yield _packet(frame._replace(comment=note), offsets[frame.interface])
    for index, interface in enumerate(capture.interfaces):
        if interface.received is not None or interface.dropped is not None:
            yield _statistics(index, interface)


def _offsets(capture: Capture) -> list[int]:
    """Return the seconds to add for each interface: timestamps have no sign."""
    offsets = [0] * len(capture.interfaces)
    for row in (capture.ts < 0).nonzero()[0].tolist():
        seconds = int(capture.ts[row]) // _SECOND
        point = int(capture.point[row])
        offsets[point] = min(offsets[point], seconds)
    return offsets


def _section(comment: str) -> bytes:
    """Return the section header."""
    fixed = pack("<IHHq", blocks.MAGIC, 1, 0, _NO_LENGTH)
    return _block(blocks.SECTION, fixed + _options(_comment(comment)))


def _interface(interface: Interface, offset: int) -> bytes:
    """Return an interface description."""
    options = _comment(interface.comment)
    if interface.name:
        options += _option(blocks.IF_NAME, _truncated(interface.name))
    for address in map(ip_interface, interface.addresses):
        options += _address(address)
    options += _option(blocks.IF_TSRESOL, bytes((_NANOSECONDS,)))
    if offset:
        options += _option(blocks.IF_TSOFFSET, pack("<q", offset))
    fixed = pack("<HHI", interface.linktype, 0, interface.snaplen)
    return _block(blocks.INTERFACE, fixed + _options(options))


def _address(own: IPv4Interface | IPv6Interface) -> bytes:
    """Return one address of an interface: with its netmask, or its prefix length."""
    if isinstance(own, IPv4Interface):
        return _option(blocks.IF_IPV4, own.ip.packed + own.netmask.packed)
    return _option(blocks.IF_IPV6, own.ip.packed + bytes((own.network.prefixlen,)))


def _names(names: Mapping[str, str]) -> bytes:
    """Return the name-resolution block, sorted by address."""
    macs = sorted((mac_bytes(a), symbol) for a, symbol in names.items() if is_mac(a))
    parsed = sorted(
        (address_bytes(a), symbol) for a, symbol in names.items() if not is_mac(a)
    )
    records = b"".join(_name(*item) for item in (*parsed, *macs))
    return _block(blocks.NAMES, records + pack("<HH", blocks.NAME_END, 0))


def _name(packed: bytes, symbol: str) -> bytes:
    """Return one record of the name-resolution block."""
    text = _truncated(symbol, _MAX_NAME) + b"\0"
    if len(packed) < ADDRESS_BYTES:
        return _option(blocks.NAME_MAC, packed + text)
    if packed.startswith(MAPPED):
        return _option(blocks.NAME_IPV4, packed[len(MAPPED) :] + text)
    return _option(blocks.NAME_IPV6, packed + text)


def _packet(frame: Frame, offset: int) -> bytes:
    """Return an enhanced packet block, with options only if there are any.

    A time that is further from the offset than 64 bits of ns reach is clamped.
    """
    ticks = min(frame.ts - offset * _SECOND, _MAX_TICKS)
    caplen = len(frame.data)
    fixed = pack(
        "<IIIII",
        frame.interface,
        ticks >> 32,
        ticks & 0xFFFFFFFF,
        caplen,
        frame.wirelen,
    )
    options = _comment(frame.comment)
    if flags := _flags(frame):
        options += _option(blocks.FLAGS, pack("<I", flags))
    data = frame.data + bytes(blocks.padding(caplen))
    return _block(blocks.PACKET, fixed + data + _options(options))


def _flags(frame: Frame) -> int:
    """Return the packet flags."""
    not_ready = frame.status & Status.CHECKSUM_NOT_READY
    return frame.direction | (blocks.CHECKSUM_NOT_READY if not_ready else 0)


def _statistics(index: int, interface: Interface) -> bytes:
    """Return what an interface counted; no time: equal captures give equal bytes."""
    options = b""
    if interface.received is not None:
        options += _option(blocks.ISB_IFRECV, pack("<Q", interface.received))
    if interface.dropped is not None:
        options += _option(blocks.ISB_IFDROP, pack("<Q", interface.dropped))
    return _block(blocks.STATISTICS, pack("<III", index, 0, 0) + _options(options))


def _block(kind: int, body: bytes) -> bytes:
    """Return a block with its two lengths."""
    size = pack("<I", len(body) + 12)
    return pack("<I", kind) + size + body + size


def _comment(text: str) -> bytes:
    """Return a comment option, nothing for no comment."""
    return _option(blocks.COMMENT, _truncated(text)) if text else b""


def _truncated(text: str, most: int = blocks.MAX_OPTION) -> bytes:
    """Return the text as an option's value, cut to the longest possible."""
    value = text.encode("utf-8", "replace")[:most]
    return value.decode("utf-8", "ignore").encode()


def _option(code: int, value: bytes) -> bytes:
    """Return one option, padded."""
    return pack("<HH", code, len(value)) + value + bytes(blocks.padding(len(value)))


def _options(options: bytes) -> bytes:
    """Return options with their end, nothing where there are none."""
    return options + pack("<HH", blocks.END_OF_OPTIONS, 0) if options else b""
