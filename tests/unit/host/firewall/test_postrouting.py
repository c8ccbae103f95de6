"""A rule that asks for random ports excuses the packets that it applies to."""

from __future__ import annotations

import pytest

from pytest_netlab.flows import ICMP6, TCP, Tuple5
from pytest_netlab.host import Sent, asks_for_random, device, items
from pytest_netlab.host.routing.routes import routes

SENT = Sent(Tuple5(TCP, "172.17.0.2", 5000, "192.0.2.1", 80), "uplink")
SENT6 = Sent(Tuple5(ICMP6, "fd00:17::2", 7, "fd00:99::1", 7), "uplink")
BACK = "-j MASQUERADE --random-fully"
NFT = "nft inet site out "
HOOK = f"{NFT}type nat hook postrouting priority srcnat; policy accept;\n"


def rules(*lines: str) -> str:
    """Return rules of iptables' nat/POSTROUTING; others give their own chain."""
    whole = (one if " -A " in one else f"nat -A POSTROUTING {one}" for one in lines)
    return "\n".join(("nat :POSTROUTING ACCEPT", *whole))


@pytest.mark.parametrize(
    "match",
    [
        "-s 172.17.0.0/16 ! -o docker0",
        "-s 172.17.0.2/32 -d 192.0.2.0/24 -o uplink -p tcp -m tcp --dport 80",
        "-o upl+ ! -s 172.17.0.3/32 -p tcp -m multiport --dports 22,70:90",
        "-m iprange --src-range 172.17.0.1-172.17.0.9 -p 6",
        "-m mark --mark 0x1",  # which nobody knows
        "-s net ! -o docker0",  # nor this, where symbols took the place of addresses
        '-m comment --comment "-s 10.0.0.1"',
    ],
)
def test_applies(match: str) -> None:
    """One whose matches the packet meets, or may meet, asks for a random port."""
    assert asks_for_random(items(rules(f"{match} {BACK}")), SENT)


@pytest.mark.parametrize(
    "match",
    [
        *("-s 172.17.0.3/32", "-s 10.0.0.0/8", "! -s 172.17.0.0/16", "-d 192.0.2.9/32"),
        *("-o wg0", "! -o uplink", "-p udp", "! -p tcp", "-p icmp", "-o docker+"),
        *("-p tcp -m tcp --dport 443", "-p tcp -m tcp --sport 1:1024"),
        *("-m iprange --src-range 172.17.0.8-172.17.0.9", "-m mark --mark 1 -p udp"),
    ],
)
def test_does_not_apply(match: str) -> None:
    """One for another source, destination, link or protocol does not."""
    assert not asks_for_random(items(rules(f"{match} {BACK}")), SENT)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("-s 172.17.0.0/16 -j MASQUERADE", BACK), False),
        (("-s 172.17.0.0/16 -j RETURN", BACK), False),
        (("-m mark --mark 1 -j RETURN", BACK), True),
        (("-j LOG", BACK), True),
        ((f"nat -A UNUSED {BACK}",), False),
        (("-s 172.17.0.2/32 -j MINE", f"nat -A MINE {BACK}"), True),
        (("-s 172.17.0.9/32 -j MINE", f"nat -A MINE {BACK}"), False),
        (("-j MINE", "nat -A MINE -j MASQUERADE", BACK), False),
        (("-j MINE", "nat -A MINE -p tcp -j RETURN", BACK), True),
        (("-g MINE", "nat -A MINE -p udp -j ACCEPT", BACK), False),
        (("-j MINE", "nat -A MINE -j MINE", BACK), True),
        ((f"nat -A PREROUTING {BACK}", f"ip6 nat -A POSTROUTING {BACK}"), False),
        ((f"legacy nat -A POSTROUTING {BACK}",), True),
    ],
)
def test_order(lines: tuple[str, ...], *, expected: bool) -> None:
    """A rule counts where the packet arrives at it: from chain to chain, in order."""
    assert asks_for_random(items(rules(*lines)), SENT) is expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("masquerade fully-random", True),
        ("ip saddr 172.17.0.0/16 oifname != docker0 masquerade random", True),
        ('oifname "uplink" snat ip to 192.0.2.2 random', True),
        ("ip saddr { 172.17.0.2, 172.17.0.3 } counter masquerade random", True),
        ("meta mark 1 ip saddr 172.17.0.2 masquerade random", True),
        ("ip saddr 172.17.0.3 masquerade fully-random", False),
        ('oifname "wg0" masquerade fully-random', False),
        ('iifname "docker0" oifname "wg0" masquerade fully-random', False),
        ("meta l4proto { icmp, udp } masquerade fully-random", False),
        ("udp dport 80 masquerade fully-random", False),
        ("ip6 saddr fd00::/8 masquerade fully-random", False),
        (
            f"oifname vmap {{ uplink : jump more }}\n{NFT[:-4]}more masquerade random",
            True,
        ),
        (f"tcp dport 81 jump more\n{NFT[:-4]}more masquerade random", False),
        ("ip saddr 172.17.0.2 masquerade\n" + NFT + "masquerade random", False),
    ],
)
def test_nft(rule: str, *, expected: bool) -> None:
    """The same holds for tables of nft that hook in there."""
    assert asks_for_random(items(f"{HOOK}{NFT}{rule}"), SENT) is expected
    assert not asks_for_random(items(f"{NFT}{rule}"), SENT)  # without a hook


def test_ipv6() -> None:
    """IPv6 has rules of its own."""
    other = items(f"ip6 {rules(f'-s fd00:18::/64 {BACK}').splitlines()[1]}")
    assert not asks_for_random(other, SENT6)
    assert asks_for_random(
        items(f"ip6 nat -A POSTROUTING -s fd00:17::/64 {BACK}"), SENT6
    )


def test_deep() -> None:
    """Chains that call each other beyond what a kernel allows excuse nothing."""
    chains = (f"nat -A c{n} -j c{n + 1}" for n in range(5000))
    lines = rules("-j c0", *chains, f"nat -A c5000 {BACK}")

    assert not asks_for_random(items(lines), SENT)


@pytest.mark.parametrize(
    ("address", "expected"),
    [("192.0.2.1", "uplink"), ("172.17.0.2", "docker0"), ("fd00::1", "six")],
)
def test_device(address: str, expected: str) -> None:
    """The longest route to an address names the link."""
    listed = (
        "default via 10.0.0.1 dev uplink\n172.17.0.0/16 dev docker0\n"
        "local 192.0.2.1 dev lo table local\ndefault via fe80::1 dev six pref medium"
    )

    assert device(routes(listed), address) == expected
    assert device(routes(f"{listed}\ndefault dev x table 7"), address) == ""
    assert device((), address) == ""
