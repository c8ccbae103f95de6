"""What `nft -j list ruleset` prints, as values, and back (libnftables-json(5)).

JSON shows where each statement ends; nft's text does not. Anything but a rule or chain
of a known form is kept as JSON: tables, sets, maps, and objects not known here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import DocumentError
from pytest_netlab.files import documents
from pytest_netlab.host.firewall.nft_statements import ACTIONS
from pytest_netlab.host.firewall.rules import Action, Chain, Line, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_netlab.host.firewall.rules import Item, Statement

_HOOK = ("type", "hook", "prio")
_UNNAMED = ("payload", "exthdr")  # their fields are named without them
_FIRST = {"ct": "dir", "fib": "flags"}  # what nft's text has first
# Keys that nft's text has without `meta`.
_BARE = [[f"{way}if{key}"] for way in "io" for key in ("", "name", "group", "type")]
_RAW = ("base", "offset", "len")


def parse(listed: bytes, source: object = "nft -j") -> tuple[Item, ...]:
    """Return one item an object, in order; `render` turns them back into the JSON.

    Args:
        listed: what nft printed.
        source: what an error calls it.

    Raises:
        DocumentError: it is no ruleset, or exceeds the limits of `documents`.

    """
    found = documents.json_of(listed, source)
    objects = found.get("nftables") if isinstance(found, dict) else None
    if not isinstance(objects, list):
        raise DocumentError("it is no ruleset of nft", source)
    return tuple(map(_entry, objects))


def render(items: Iterable[Item]) -> str:
    """Return the JSON that `parse` reads as these items, laid out as by nft."""
    return _dumps({"nftables": [_plain(one) for one in items]}) + "\n"


def _entry(found: Any) -> Item:
    kind, body = _only(found)
    if kind not in ("rule", "chain") or not isinstance(body, dict):
        return Line(_dumps(found))
    try:
        one = _rule(body) if kind == "rule" else _chain(body)
    except (KeyError, TypeError):
        return Line(_dumps(found))  # a key is missing, or has no such value
    # An object with a key that is not known here is kept as JSON: nothing is lost.
    return one if _plain(one) == found else Line(_dumps(found))


def _rule(body: dict[str, Any]) -> Rule:
    statements = tuple(map(_statement, body["expr"]))
    if "comment" in body:
        statements += (Action("comment", (f'"{_text(body["comment"])}"',)),)
    return Rule(
        family=_text(body["family"]),
        backend="nft",
        table=_text(body["table"]),
        chain=_text(body["chain"]),
        statements=statements,
        handle=_number(body["handle"]) if "handle" in body else None,
    )


def _chain(body: dict[str, Any]) -> Chain:
    hook = ""
    if "hook" in body:
        kind, at, priority = (body[name] for name in _HOOK)
        hook = f"type {_text(kind)} hook {_text(at)} priority {_number(priority)}"
    return Chain(
        family=_text(body["family"]),
        backend="nft",
        table=_text(body["table"]),
        name=_text(body["name"]),
        policy=_text(body["policy"]) if hook else "",
        hook=hook,
        handle=_number(body["handle"]) if "handle" in body else None,
    )


def _statement(found: Any) -> Statement:
    name, body = _only(found)
    detail = _dumps(found)
    if name == "match":
        tokens = (_text(body["op"]), *_tokens(body["right"]))
        return Match(_field(body["left"]), tokens, detail=detail)
    if name == "mangle":
        tokens = tuple(_tokens(body["value"]))
        return Action(f"{_field(body['key'])} set", tokens, detail=detail)
    if name == "set" and isinstance(body, dict):  # its elements: `add @NAME { ... }`
        return Action(_text(body.get("op")), tuple(_tokens(body)), detail=detail)
    kind = Action if name in ACTIONS else Match
    # In a verdict map, text in quotes is a key, even if it reads like a verdict.
    spell = _dumps if name == "vmap" else str
    return kind(name, tuple(_tokens(body, spell)), detail=detail)


def _field(key: Any) -> str:
    """Return the name of a key in nft's text; of a masked key, without the mask."""
    if not isinstance(key, dict):
        return " ".join(_tokens(key))
    name, body = _only(key)
    if isinstance(body, dict) and tuple(body) == _RAW:
        return "@{},{},{}".format(*body.values())
    if isinstance(body, list) and body:
        return " . ".join(map(_field, body)) if name == "concat" else _field(body[0])
    words = list(_tokens(_in_order(name, body)))
    if name == "fib":
        words = [" . ".join(words[:-1]), *words[-1:]]
    is_named = name not in _UNNAMED and (name != "meta" or words[:1] not in _BARE)
    return " ".join((*(name,) * is_named, *words))


def _in_order(name: str, body: Any) -> Any:
    """Return what names a field, in the order of nft's text."""
    first = _FIRST.get(name, "")
    if not isinstance(body, dict) or first not in body:
        return body
    return {first: body[first], **body}


def _tokens(value: Any, spell: Callable[[Any], str] = str) -> Iterator[str]:
    """Yield the words in a value; for a null, its key's name (`{"drop": null}`)."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from (key,) if one is None else _tokens(one, spell)
    elif isinstance(value, list):
        for one in value:
            yield from _tokens(one, spell)
    elif value is not None:
        yield spell(value)


def _plain(one: Item) -> Any:
    if isinstance(one, Line):
        return json.loads(one.text)
    head = {"family": one.family, "table": one.table}
    if isinstance(one, Chain):
        return {
            "chain": {**head, "name": one.name, **_numbered(one), **_plain_hook(one)}
        }
    comment = {"comment": one.comment} if _is_commented(one) else {}
    known = [json.loads(part.detail) for part in one.statements if part.detail]
    own = {"chain": one.chain, **_numbered(one), **comment, "expr": known}
    return {"rule": {**head, **own}}


def _numbered(one: Rule | Chain) -> dict[str, Any]:
    return {} if one.handle is None else {"handle": one.handle}


def _is_commented(rule: Rule) -> bool:
    return any(not part.detail for part in rule.statements)


def _plain_hook(chain: Chain) -> dict[str, Any]:
    if not chain.hook:
        return {}
    kind, hook, priority = chain.hook.split(" ")[1::2]
    found = dict(zip(_HOOK, (kind, hook, int(priority)), strict=True))
    return {**found, "policy": chain.policy}


def _only(found: Any) -> tuple[str, Any]:
    """Return the only key of an object, and its value; ("", None) for any other."""
    if isinstance(found, dict) and len(found) == 1:
        return next(iter(found.items()))
    return "", None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
