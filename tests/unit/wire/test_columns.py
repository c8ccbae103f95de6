"""The table that packets are decoded into."""

from __future__ import annotations

from pytest_netlab.wire import COLUMNS, UNTAGGED, Columns, Status


def test_every_column_has_a_view_of_its_array() -> None:
    """A store into a view is a store into the column."""
    columns = Columns(2)
    for column in COLUMNS:
        getattr(columns, column.name)[column.width] = 1

    assert all(columns.arrays[column.name][1].any() for column in COLUMNS)


def test_no_packet_is_tagged_at_first() -> None:
    """VLAN 0 exists (priority tags), so untagged is another number."""
    assert Columns(3).arrays["vlan"].tolist() == [UNTAGGED] * 3


def test_a_missing_header_is_malformed_only_if_nothing_was_cut() -> None:
    """A snapped packet is not blamed for what the capture left out."""
    columns = Columns(2)
    columns.status[1] = int(Status.TRUNCATED)
    columns.short(0)
    columns.short(1)

    assert columns.arrays["status"].tolist() == [Status.MALFORMED, Status.TRUNCATED]
