"""Shapes of an engine's lines as patterns."""

from __future__ import annotations

from pytest_netlab.host import engine_shapes


def test_a_repeated_name_is_one_word() -> None:
    """What stands in braces twice must be the same both times."""
    same = engine_shapes.pattern("-i {bridge} ! -o {bridge} -j ACCEPT")

    assert same.fullmatch("-i docker0 ! -o docker0 -j ACCEPT")
    assert not same.fullmatch("-i docker0 ! -o br-1 -j ACCEPT")


def test_a_number_tells_two_words_apart() -> None:
    """`{any}` and `{any2}` may differ, or not."""
    two = engine_shapes.pattern("-s {any} -d {any2}")

    assert two.fullmatch("-s web -d c1")
    assert two.fullmatch("-s web -d web")


def test_other_links_are_no_bridges() -> None:
    """A rule for a network card is no engine's."""
    one = engine_shapes.pattern("-o {bridge} -j DOCKER")

    assert one.fullmatch("-o br-0f5ad9 -j DOCKER")
    assert not one.fullmatch("-o ens160 -j DOCKER")


def test_a_container_is_no_network() -> None:
    """A rule for one address is not the one for its network."""
    one = engine_shapes.pattern("-s {net} -j MASQUERADE")

    assert one.fullmatch("-s 172.17.0.0/16 -j MASQUERADE")
    assert one.fullmatch("-s net -j MASQUERADE")
    assert not one.fullmatch("-s 172.17.0.2/32 -j MASQUERADE")
    assert not one.fullmatch("-s fd00::2/128 -j MASQUERADE")
