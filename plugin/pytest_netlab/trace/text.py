"""The text of a trace: of each value, of a packet, and story.txt. No code parses it.

Ends and symbols, which are names, have a `__str__` of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_netlab.flows import ECHO_REQUESTS, ICMP, ICMP6, UDP
from pytest_netlab.trace.values import (
    End,
    PortTranslation,
    Rewrite,
    Symbol,
    TcpFlags,
    TcpOption,
)
from pytest_netlab.wire import tcp
from pytest_netlab.wire.assigned import (
    FRAGMENTATION_NEEDED,
    TIME_EXCEEDED,
    TIME_EXCEEDED6,
    TOO_BIG6,
    UNREACHABLE,
    UNREACHABLE6,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pytest_netlab.checks import Violation
    from pytest_netlab.trace.values import CanonicalFlow, Packet, Refusal, What

# RFC 792, RFC 1812 5.2.7.1 and RFC 4443: the errors a router or host sends.
_ERRORS = {
    (ICMP, (UNREACHABLE, 0)): "net unreachable",
    (ICMP, (UNREACHABLE, 1)): "host unreachable",
    (ICMP, (UNREACHABLE, 2)): "protocol unreachable",
    (ICMP, (UNREACHABLE, 3)): "port unreachable",
    (
        ICMP,
        (UNREACHABLE, FRAGMENTATION_NEEDED),
    ): "fragmentation needed",
    (ICMP, (UNREACHABLE, 9)): "net prohibited",
    (ICMP, (UNREACHABLE, 10)): "host prohibited",
    (ICMP, (UNREACHABLE, 13)): "admin prohibited",
    (ICMP, (TIME_EXCEEDED, 0)): "time exceeded",
    (ICMP6, (UNREACHABLE6, 4)): "port unreachable",
    (ICMP6, (TOO_BIG6, 0)): "packet too big",
    (ICMP6, (TIME_EXCEEDED6, 0)): "time exceeded",
}
# As tcpdump names them (RFC 9293, RFC 7323, RFC 2018).
_OPTIONS = {
    tcp.NOP: "nop",
    tcp.MSS: "mss",
    tcp.WSCALE: "wscale",
    tcp.SACK_OK: "sackOK",
    tcp.SACK: "sack",
    tcp.TIMESTAMPS: "TS",
}


def value_text(value: object, name: str = "") -> str:
    """Return a value of a trace as text; `name` is that of its field."""
    if name in _BY_NAME:
        return _BY_NAME[name](value)
    for kind, text in _BY_TYPE.items():
        if isinstance(value, kind):
            return text(value)
    return f"{value}"


def rewrite_text(rewrite: Rewrite) -> str:
    """Return what was rewritten: snat c1 -> host."""
    changes = (f"{old} -> {new}" for old, new in rewrite.changes)
    return f"{rewrite.kind} {', '.join(changes)}"


def translation_text(found: PortTranslation) -> str:
    """Return what became of a source port or id, and what is wrong with that."""
    return f"{found.violation or 'remapped'}: {found.original} -> {found.mapped}"


def _embedded(ends: tuple[End, End]) -> str:
    return " > ".join(map(str, ends))


def _options_text(options: tuple[TcpOption, ...]) -> str:
    return ",".join(map(_option, options)) or "none"


def _option(option: TcpOption) -> str:
    name = _OPTIONS.get(option.kind, f"opt-{option.kind}")
    return name if option.value is None else f"{name} {option.value}"


_BY_TYPE: Mapping[type, Callable[[Any], str]] = {
    Rewrite: rewrite_text,
    PortTranslation: translation_text,
    TcpFlags: tcp.flag_text,
}
_BY_NAME: Mapping[str, Callable[[Any], str]] = {
    "quotes": _embedded,
    "options": _options_text,
    "fragment": lambda _: "first",
    "df": lambda _: "no",
    "ip_options": lambda kinds: ",".join(map(str, kinds)),
    "reserved": lambda bits: f"ip {bits[0]:#x}, above {bits[1]:#x}",
    "tos": "{:#04x}".format,
}


def what_text(what: What) -> str:
    """Return what a packet is: SYN, echo request, port unreachable."""
    if what.role is not None:
        return what.role
    if what.icmp is None:
        return "datagram" if what.proto == UDP else f"protocol {what.proto}"
    kind, code = what.icmp
    if what.error:
        return _ERRORS.get((what.proto, what.icmp), f"icmp error {kind}/{code}")
    if what.is_echo:
        asks = (what.proto, kind) in ECHO_REQUESTS
        return "echo request" if asks else "echo reply"
    return f"type {kind} code {code}"


def packet_text(packet: Packet) -> str:
    """Return a packet as one clause: source > destination role."""
    return f"{packet.src} > {packet.dst} {what_text(packet.what)}"


def refusal_text(refusal: Refusal | None) -> str:
    """Return what refused a flow, and who sent it; "" for nothing."""
    return f"{what_text(refusal.what)} from {refusal.by}" if refusal else ""


def render(
    points: Sequence[str],
    flows: Sequence[CanonicalFlow],
    forbidden: Sequence[Violation],
    title: str,
) -> str:
    """Return a trace as text for reviewers, one line a packet and point."""
    parts = [_paragraph(points, title, flow) for flow in flows]
    if not flows:
        parts = [f"{title}   no conversation at {', '.join(points)}\n"]
    if forbidden:
        lines = [f"  ! {one.field}: {one.got} ({one.flow})" for one in forbidden]
        parts.append("\n".join([f"{title}   never", *lines, ""]))
    return "\n".join(parts)


def _paragraph(points: Sequence[str], title: str, flow: CanonicalFlow) -> str:
    name = f"{flow.fact.protocol}   {flow.fact.initiator} -> {flow.fact.responder}"
    width = max((len(f"{one.src}") for one in flow.packets), default=0)
    rows = [_cells(one, width) for one in flow.packets]
    silent = set(points) - {one.point for one in flow.packets}
    rows += [[point, "nothing"] for point in points if point in silent]
    body = [f"  {row}" for row in _columns(rows)]
    body += [f"  ! {bad.field}: {bad.got}, not {bad.want}" for bad in flow.violations]
    return "\n".join([f"{title}   {name}", *body, ""])


def _cells(packet: Packet, width: int) -> list[str]:
    fields = (_field(*one) for one in packet.fields.named())
    rewrite = rewrite_text(packet.rewrite) if packet.rewrite else ""
    ignored = f"({packet.ignored})" if packet.ignored else ""
    return [
        packet.point,
        f"{f'{packet.src}'.ljust(width)} > {packet.dst}",
        what_text(packet.what),
        "  ".join(fields),
        " ".join(filter(None, (rewrite, ignored))),
    ]


def _field(name: str, value: object) -> str:
    """Return a field as text, without its name if a symbol has that."""
    text = value_text(value, name)
    is_said = isinstance(value, Symbol) and value.kind == name
    return text if is_said else f"{name} {text}"


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Align cells in columns two spaces apart."""
    widths: dict[int, int] = {}
    for row in rows:
        for index, cell in enumerate(row):
            widths[index] = max(widths.get(index, 0), len(cell))
    for row in rows:
        cells: Iterable[str] = (c.ljust(widths[i]) for i, c in enumerate(row))
        yield "  ".join(cells).rstrip()
