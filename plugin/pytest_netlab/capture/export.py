"""A capture as another library's object: Arrow, pandas, scapy. All are optional."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_netlab.wire import ADDRESS_BYTES, COLUMNS, address_text, ipv6, mac_text
from pytest_netlab.wire.address import as_ipv6

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.capture.values import Rows

ADDRESSES = tuple(column.name for column in COLUMNS if column.width == ADDRESS_BYTES)
MACS = ("eth_src", "eth_dst")


def to_arrow(capture: Rows) -> Any:
    """Return a capture as a pyarrow.Table: `interface`, then every column as it is.

    Addresses are fixed_size_binary(16). Columns share the capture's memory.

    Raises:
        ImportError: pyarrow is missing; names the extra to install.

    """
    arrow = _optional("pyarrow", "arrow", "to_arrow")
    index = _array(arrow, capture.point)
    names = arrow.array([known.name for known in capture.interfaces], arrow.string())
    arrays = [arrow.DictionaryArray.from_arrays(index, names)]
    arrays += [_array(arrow, capture.column(column.name)) for column in COLUMNS]
    return arrow.Table.from_arrays(
        arrays, names=["interface", *(column.name for column in COLUMNS)]
    )


def to_pandas(capture: Rows) -> Any:
    """Return a capture as a pandas.DataFrame: `interface`, then every column.

    Addresses are text, "" where a packet has none; anything else is as in the capture.

    Raises:
        ImportError: pandas is missing; names the extra to install.

    """
    pandas = _optional("pandas", "pandas", "to_pandas")
    table: dict[str, object] = {"interface": interfaces(capture)}
    for column in COLUMNS:
        table[column.name] = capture.column(column.name)
    table.update({name: addresses(capture, name) for name in ADDRESSES})
    table.update({name: macs(capture, name) for name in MACS})
    return pandas.DataFrame(table)


def to_scapy(capture: Rows, row: int) -> Any:
    """Return one packet of a capture, dissected by scapy.

    Raises:
        ImportError: scapy is missing; names the extra to install.
        IndexError: there is no such packet.

    """
    packet = capture[row]
    _optional("scapy", "craft", "to_scapy")
    import_module("scapy.layers.inet6")  # binds IP and IPv6 to Ether
    return packet.to_scapy()


def interfaces(capture: Rows) -> list[str]:
    """Return the name of the interface of each packet."""
    names = [known.name for known in capture.interfaces]
    return [names[point] for point in capture.point.tolist()]


def addresses(capture: Rows, name: str) -> list[str]:
    """Return a column of IP addresses as text; "" where a packet has none."""
    column = capture.column(name)
    packed = column.tobytes()
    texts = [
        _address(packed[at : at + ADDRESS_BYTES])
        for at in range(0, len(packed), ADDRESS_BYTES)
    ]
    six = capture.column("ip_version") == ipv6.VERSION
    if six.any():
        for row in np.flatnonzero(six).tolist():
            texts[row] = as_ipv6(texts[row])
    for row in np.flatnonzero(~capture.valid(name)).tolist():
        texts[row] = ""
    return texts


def macs(capture: Rows, name: str) -> list[str]:
    """Return a column of Ethernet addresses as text; "" where a packet has none."""
    valid = capture.valid(name).tolist()
    pairs = zip(capture.column(name).tolist(), valid, strict=True)
    return [_mac(number) if there else "" for number, there in pairs]


_address = lru_cache(maxsize=1 << 16)(address_text)
_mac = lru_cache(maxsize=1 << 12)(mac_text)


def _array(arrow: Any, column: npt.NDArray[np.generic]) -> Any:
    """Return a column as an Arrow array over the same memory."""
    kind = arrow.from_numpy_dtype(column.dtype)
    if column.ndim > 1:
        kind = arrow.binary(ADDRESS_BYTES)
    buffer = arrow.py_buffer(np.ascontiguousarray(column))
    return arrow.Array.from_buffers(kind, len(column), [None, buffer])


def _optional(module: str, extra: str, name: str) -> Any:
    """Return an optional module; without it, raise an error that says how to get it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{name} needs {module}, which is not installed: "
            f"pip install 'pytest-netlab[{extra}]'",
            name=module,
        ) from error
