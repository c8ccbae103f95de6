"""Captures as Arrow tables, pandas frames and scapy packets."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.unit.capture.conftest import A6, B6, A, B

from pytest_netlab.capture import Capture, open_capture, write
from pytest_netlab.capture.export import to_arrow, to_pandas, to_scapy
from pytest_netlab.wire import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ["interface", *(column.name for column in COLUMNS)]


@pytest.fixture
def arrow() -> Any:
    """Return pyarrow, or skip."""
    return pytest.importorskip("pyarrow")


@pytest.fixture
def pandas() -> Any:
    """Return pandas, or skip."""
    return pytest.importorskip("pandas")


def test_arrow_has_every_column(arrow: Any, capture: Capture) -> None:
    """Names, types and values are the capture's; addresses are 16 bytes."""
    table = to_arrow(capture)

    assert table.schema.names == NAMES
    assert table.schema.field("src").type == arrow.binary(16)
    assert table["interface"].to_pylist() == [packet.interface for packet in capture]
    for column in COLUMNS:
        values = capture.column(column.name)
        if column.width == 1:
            assert table[column.name].to_pylist() == values.tolist()
            assert table[column.name].type == arrow.from_numpy_dtype(values.dtype)
        else:
            assert table[column.name].to_pylist() == [row.tobytes() for row in values]
    table.validate(full=True)


@pytest.mark.usefixtures("arrow")
def test_arrow_copies_nothing(capture: Capture) -> None:
    """Columns are the capture's own memory."""
    table = to_arrow(capture)

    for name in ("ts", "src", "payload_hash"):
        (chunk,) = table[name].chunks
        assert chunk.buffers()[1].address == capture.column(name).ctypes.data


@pytest.mark.usefixtures("arrow")
def test_arrow_outlives_its_capture(capture: Capture) -> None:
    """A table keeps its memory while later chunks of the file are read."""
    file = io.BytesIO()
    write(file, Capture.concat([capture] * 200))
    tables, wanted = [], []
    for chunk in open_capture(io.BytesIO(file.getvalue())):
        tables.append(to_arrow(chunk))
        wanted.append(chunk.ts.tolist())

    assert len(tables) > 1
    assert [table["ts"].to_pylist() for table in tables] == wanted


@pytest.mark.usefixtures("arrow")
@pytest.mark.parametrize("rows", [[], [4], [5, 0, 3]])
def test_arrow_of_a_selection(capture: Capture, rows: list[int]) -> None:
    """Any capture will do, an empty one as well."""
    some = capture.select(rows)
    table = to_arrow(some)

    assert table.num_rows == len(rows)
    assert table["src"].to_pylist() == [capture.src[row].tobytes() for row in rows]


@pytest.mark.usefixtures("arrow")
def test_arrow_of_nothing() -> None:
    """A capture without interfaces has a table without rows."""
    assert to_arrow(Capture.from_frames([], [])).schema.names == NAMES


@pytest.mark.usefixtures("pandas")
def test_pandas_has_every_column(capture: Capture) -> None:
    """Numbers are the capture's; addresses are the text that a packet's row has."""
    frame = to_pandas(capture)

    assert list(frame.columns) == NAMES
    assert frame["interface"].tolist() == [packet.interface for packet in capture]
    for column in COLUMNS:
        values = frame[column.name].tolist()
        if column.name.startswith("eth_s"):
            continue
        if column.width > 1:
            assert values == [packet.row[column.name] for packet in capture]
        elif not column.name.startswith("eth_d"):
            assert frame[column.name].dtype == capture.column(column.name).dtype
            assert values == capture.column(column.name).tolist()


@pytest.mark.usefixtures("pandas")
def test_pandas_addresses(capture: Capture) -> None:
    """Text where there is an address, empty where there is none."""
    frame = to_pandas(capture)

    assert frame["src"].tolist() == [A, A, A, B, A6, ""]
    assert frame["dst"][4] == B6
    assert frame["quoted_src"].tolist() == ["", "", "", A, "", ""]
    assert frame["eth_src"].tolist() == ["02:42:ac:11:00:02"] * 6


@pytest.mark.usefixtures("pandas")
def test_pandas_frame_is_the_users(capture: Capture) -> None:
    """Whoever changes a frame does not change the capture."""
    frame = to_pandas(capture)
    before = np.array(capture.ttl)
    frame.loc[:, "ttl"] = 1

    assert (capture.ttl == before).all()


@pytest.mark.usefixtures("pandas")
def test_pandas_of_nothing() -> None:
    """A capture without packets is a frame without rows."""
    assert list(to_pandas(Capture.from_frames([], [])).columns) == NAMES


def test_scapy(capture: Capture) -> None:
    """One packet, dissected; a row counts from the end as anywhere."""
    pytest.importorskip("scapy")

    assert to_scapy(capture, 0)["IP"].dst == B
    assert to_scapy(capture, -3)["ICMP"].type == 11


@pytest.mark.parametrize(
    ("module", "extra", "export"),
    [
        ("pyarrow", "arrow", to_arrow),
        ("pandas", "pandas", to_pandas),
        ("scapy", "craft", lambda capture: to_scapy(capture, 0)),
    ],
)
def test_missing_package(
    capture: Capture,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    extra: str,
    export: Callable[[Capture], Any],
) -> None:
    """What is not installed is named, with the extra that brings it."""
    monkeypatch.setitem(sys.modules, module, None)
    text = rf"needs {module}, .* pip install 'pytest-netlab\[{extra}\]'"

    with pytest.raises(ImportError, match=text) as caught:
        export(capture)

    assert caught.value.name == module
