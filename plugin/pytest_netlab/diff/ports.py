"""Compare what NAT did with a source port or ICMP id: kept, remapped, or wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.trace import Symbol, translation_text
from pytest_netlab.trace.values import map_symbols, without_kept_port

if TYPE_CHECKING:
    from pytest_netlab.diff.policy import FieldRule
    from pytest_netlab.trace import CanonicalFlow, Packet, PortTranslation, Rewrite


def source_texts(
    want: CanonicalFlow, got: CanonicalFlow, name: str, rule: FieldRule | None
) -> tuple[str, str] | None:
    """Return what was wanted of a source port or id and what came; None if it is right.

    Without a rule, a value is right that was kept, that was remapped because its tuple
    was in use, or that has the same violation as the golden's.
    """
    found = got.translation
    if found is not None and found.field != name:
        found = None
    text = translation_text(found) if found else ""
    known = want.translation.violation if want.translation else ""
    if rule == "preserved":
        return ("preserved", text) if found else None
    if rule == "remapped":
        used = any(one.kind == name for x in got.compared for one in x.symbols())
        if not found:
            return ("remapped", "preserved") if used and got.fact.target else None
        return None if found.in_port_range else ("remapped in its class", text)
    if rule == "any" or found is None or found.violation in ("", known):
        return None
    return ("preserved, or remapped in its class if taken", text)


def shows(packet: Packet, found: PortTranslation | None) -> bool:
    """Return whether a packet has the value that NAT chose."""
    if found is None:
        return False
    return found.mapped in (packet.src.port, packet.dst.port, packet.fields.id)


def under_original(packet: Packet, found: PortTranslation | None) -> Packet:
    """Return a packet with the original's symbol for the value that NAT chose.

    The choice itself is compared once a flow. That the value is used throughout, and
    translated back for replies, is compared in such packets.
    """
    if found is None or found.mapped not in packet.symbols():
        return packet

    def original(symbol: Symbol) -> Symbol:
        return found.original if symbol == found.mapped else symbol

    src, dst, ident, quotes, rewrite = (
        map_symbols(value, original)
        for value in (
            packet.src,
            packet.dst,
            packet.fields.id,
            packet.fields.quotes,
            packet.rewrite,
        )
    )
    fields = replace(packet.fields, id=ident, quotes=quotes)
    return replace(packet, src=src, dst=dst, fields=fields, rewrite=_rewrite(rewrite))


def _rewrite(rewrite: Rewrite | None) -> Rewrite | None:
    """Return a rewrite without ports that are equal now; None if nothing is left."""
    if rewrite is None:
        return None
    changes = [without_kept_port(*ends) for ends in rewrite.changes]
    if len(changes) == 1 and changes[0][0] == changes[0][1]:
        return None
    return replace(rewrite, changes=tuple(changes))
