"""One run of a scenario as verdict.json, and back: all that its text is made of.

Traces, and what connection tracking held, are written for others to read; what is told
of a verdict is made of its differences, so they are not read back.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from pytest_netlab import documents, nat
from pytest_netlab.causes import Cause
from pytest_netlab.diff import Difference
from pytest_netlab.errors import GoldenError
from pytest_netlab.flows import WITH_PORTS
from pytest_netlab.host.conntrack import NAMES as PROTOCOLS
from pytest_netlab.host.conntrack import Connection
from pytest_netlab.judge import Verdict
from pytest_netlab.lab import stored
from pytest_netlab.nat import HostChange, translations
from pytest_netlab.trace import CanonicalTrace, refusal_text, value_text, what_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_netlab.checks import Violation
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.trace import FlowFact, Packet, PortTranslation

# What annotations name that their modules import for type checkers only.
NAMES = {
    **{name: getattr(nat, name) for name in nat.__all__},
    **{one.__name__: one for one in (Cause, CanonicalTrace, Connection, Difference)},
    "Kind": translations.Kind,
    "Fate": translations.Fate,
    "Mapping": Mapping,
    "Sequence": Sequence,
}
UNREAD: dict[type, set[str]] = {HostChange: {"tracked"}}

# Where verdict.json has text that others wrote; `*` is any key or place. All else are
# words of the format, by which it is read: one that is a secret's too has to stay.
_WORDS = ("want", "got", "cause.text")
FREE = frozenset(
    {
        *("test", "error", "verdict.recorded_on.*", "verdict.twin.about.*"),
        *(f"verdict.host.{name}.*" for name in ("missing", "extra", "moved")),
        *("verdict.host.settings.*.*", "verdict.host.full"),
        *(f"differences.*.{name}" for name in _WORDS),
        *(f"verdict.differences.*.{name}" for name in _WORDS),
        *(
            f"verdict.{trace}.{where}.*.{name}"
            for trace in ("observed", "expected")
            for where in ("told.*.broken", "never")
            for name in ("want", "got")
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A run: which test, how it ended, on which host, and its verdict if it has one.

    `error` is what it ended by beside its packets, "" for nothing.
    """

    scenario: str
    test: str
    outcome: str
    error: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    verdict: Verdict | None = None


def dumps(record: Record) -> str:
    """Return the text of verdict.json."""
    verdict = record.verdict
    flat = {name: getattr(record, name) for name in ("scenario", "test", "outcome")}
    table = {
        "format": stored.FORMAT,
        **flat,
        "cause": verdict.cause if verdict else "",
        "error": documents.storable(record.error),
        "differences": [d.plain() for d in verdict.differences] if verdict else [],
        "flows": [_plain_fact(fact) for fact in verdict.observed.facts]
        if verdict
        else [],
        "facts": dict(record.facts),
        "verdict": _plain(verdict),
    }
    return json.dumps(table, indent=2, default=int) + "\n"


def masked(text: str, hide: Callable[[str], str]) -> str:
    """Return the text of verdict.json with its free texts as `hide` returns them."""
    table = json.loads(text)
    shown = _hidden(table, [place.split(".") for place in FREE], hide)
    return text if shown == table else json.dumps(shown, indent=2) + "\n"


def _hidden(
    node: Any,
    places: Sequence[Sequence[str]],
    hide: Callable[[str], str],
) -> Any:
    """Return a node; `places` are those of free text below it, and [] it is one."""
    if isinstance(node, str):
        return hide(node) if [] in places else node

    def below(key: str) -> list[Sequence[str]]:
        return [place[1:] for place in places if place and place[0] in ("*", key)]

    if isinstance(node, dict):
        return {key: _hidden(one, below(key), hide) for key, one in node.items()}
    if isinstance(node, list):
        return [_hidden(one, below("*"), hide) for one in node]
    return node


def read(folder: Path) -> Record:
    """Read the verdict.json of a bundle.

    Raises:
        GoldenError: it is damaged, foreign, or of another format.

    """
    path = folder / stored.VERDICT
    table = stored.table(path)
    try:
        found: Record = _made(
            Record, {one.name: table[one.name] for one in fields(Record)}
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GoldenError(f"{path}: damaged, or of another version: {error}") from error
    return found


def _plain(value: Any) -> Any:
    """Return what JSON can hold of a value: dataclasses as tables, field by field."""
    if isinstance(value, CanonicalTrace):
        return _plain_trace(value)
    if isinstance(value, Difference):
        return value.plain()
    if isinstance(value, Connection):
        return _plain_connection(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _plain_trace(trace: CanonicalTrace) -> dict[str, Any]:
    """Return a trace as format 1 has it: its packets in words."""
    return {
        "points": list(trace.points),
        "told": [
            {
                "fact": _plain_fact(flow.fact),
                "lines": [_plain_packet(one) for one in flow.packets],
                "broken": [_plain_violation(one) for one in flow.violations],
                "remap": _plain_translation(flow.translation),
                "lost": flow.lost,
                "stranger": flow.unrelated,
            }
            for flow in trace.flows
        ],
        "never": [
            {**_plain_violation(one), "flow": one.flow} for one in trace.forbidden
        ],
    }


def _plain_fact(fact: FlowFact) -> dict[str, Any]:
    """Return a flow as format 1 has it: its ends in words, "" for none."""
    return {
        "proto": fact.protocol,
        "initiator": f"{fact.initiator}",
        "responder": f"{fact.responder}",
        "sender": f"{fact.sender or ''}",
        "target": f"{fact.target or ''}",
        "kind": fact.kind,
        "fate": fact.fate,
        "answered": fact.answered,
        "returned": fact.returned,
        "refusal": refusal_text(fact.refusal),
        "passed": fact.passed,
        "stuck": fact.stuck,
        "copies": fact.copies,
    }


def _plain_packet(packet: Packet) -> dict[str, Any]:
    named = [[name, value_text(one, name)] for name, one in packet.fields.named()]
    return {
        "point": packet.point,
        "reply": packet.reply,
        "src": value_text(packet.src),
        "dst": value_text(packet.dst),
        "what": what_text(packet.what),
        "fields": named,
        "note": value_text(packet.rewrite) if packet.rewrite else "",
        "aside": packet.ignored,
        "packet": packet.number,
    }


def _plain_violation(bad: Violation) -> dict[str, Any]:
    """Return a violation by its packet's number, not by rows."""
    names = ("field", "want", "got", "point", "reply", "packet")
    return {name: getattr(bad, name) for name in names}


def _plain_translation(found: PortTranslation | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "field": found.field,
        "inner": f"{found.original}",
        "outer": f"{found.mapped}",
        "taken": found.taken,
        "in_class": found.in_class,
        "wanted": _plain_tuple(found.wanted),
    }


def _plain_connection(one: Connection) -> dict[str, str]:
    return {
        "proto": one.protocol,
        "initiator": one.initiator,
        "responder": one.responder,
        "sender": one.sender,
        "target": one.target,
    }


def _plain_tuple(one: Tuple5 | None) -> str:
    """Return a tuple as format 1 has it: protocol, addresses, ports or the ICMP id."""
    if one is None:
        return ""
    ports = [one.sport, one.dport] if one.proto in WITH_PORTS else [one.sport]
    return " ".join(map(str, (PROTOCOLS[one.proto], one.src, one.dst, *ports)))


def _made(kind: Any, value: Any) -> Any:
    """Return a value of an annotated type from what JSON made of it."""
    if kind is CanonicalTrace:
        return CanonicalTrace((), ())
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise TypeError(f"{documents.brief(value)} is no {kind.__name__}")
        hints = typing.get_type_hints(kind, localns={**NAMES, "Verdict": Verdict})
        names = value.keys() - UNREAD.get(kind, set())
        return kind(**{name: _made(hints[name], value[name]) for name in names})
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        wanted = [one for one in inner if one is not types.NoneType]
        return None if value is None else _made(wanted[0], value)
    if origin is tuple:
        many = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_made(k, v) for k, v in zip(many, value, strict=True))
    if origin in (Mapping, dict):
        return {name: _made(inner[1], one) for name, one in value.items()}
    known = value in inner if origin is Literal else isinstance(value, kind)
    if not known:
        name = getattr(kind, "__name__", kind)
        raise ValueError(f"{documents.brief(value)} is no {name}")
    return value
