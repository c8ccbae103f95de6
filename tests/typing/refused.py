"""What a user may get wrong: each line that ends in `# refused` is an error to both."""

from __future__ import annotations

from pytest_netlab import Netlab, Policy, canonicalize, compare, learn, read


def test_wrong(netlab: Netlab) -> None:
    """A scenario with slips."""
    with netlab.capture("docker0", 5) as trace:  # refused
        netlab.c1.run("ping", timeout="soon")  # refused
    netlab.check(trace.capture)  # refused
    trace.rewrites(17)  # refused
    netlab.replay("web.pcapng", client="c1")  # refused
    netlab.facts["engine"] = "29"  # refused
    trace.captured()  # refused


def wrong() -> None:
    """Two captures, confused."""
    learn(read("inside.pcap"))  # refused
    compare(read("inside.pcap"), canonicalize(read("outside.pcap")))  # refused
    Policy(ttl=64)  # refused
    read(5.0)  # refused
