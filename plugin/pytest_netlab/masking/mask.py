"""Learn what is secret, and mask it in texts. Knows no engine."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pytest_netlab.masking.forms import forms, fragments, widened
from pytest_netlab.masking.names import (
    IN_WORDS,
    LONG,
    SHORTEST,
    is_secret,
    is_telling,
)
from pytest_netlab.masking.patterns import credentials, passwords

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_netlab.masking.forms import Span

HIDDEN = "***"
# Keys under which Docker's API and OCI's configurations have an environment.
ENVIRONMENT = ("env", "environment")
_ESCAPES = ("\\n", "\\t", "\\r")


class Mask:
    """Learns secret values, from any thread, and replaces them in texts by `***`."""

    def __init__(
        self, environ: Mapping[str, str] | None = None, *, hides: bool = True
    ) -> None:
        """Learn the secrets of an environment, this process's by default.

        With `hides` false every text stays as it is.
        """
        self.hides = hides
        self._forms: dict[str, int] = {}
        self._values: dict[str, None] = {}
        for name, value in (os.environ if environ is None else environ).items():
            if is_secret(name):
                self.learn(name, value)
            else:
                self._learn_passwords(value)

    def learn(self, name: str, value: str) -> None:
        """Learn the value of a container's variable, and the passwords in it."""
        secret = is_secret(name)
        self._add(value, secret=secret)
        lines = value.splitlines()
        for line in lines if len(lines) > 1 else ():
            if len(line.strip()) >= SHORTEST and not line.startswith("-----"):
                self._add(line, secret=secret)
        self._learn_passwords(value)
        if value.lstrip()[:1] in ("{", "["):
            with suppress(ValueError, RecursionError):
                self.learn_from(json.loads(value))

    def learn_from(self, node: Any, name: str = "") -> None:
        """Learn values in environments and under secret names in Docker's JSON.

        Raises:
            RecursionError: it is nested too deeply.

        """
        if isinstance(node, str):
            if is_secret(name):
                self.learn(name, node)
            if name == "auth":  # of config.json: user and password in base64
                with suppress(ValueError):
                    self._add(b64decode(node).decode().partition(":")[2], secret=True)
        elif isinstance(node, list):
            for item in node:
                self.learn_from(item, name)
        elif isinstance(node, dict):
            self._learn_table(node)

    def text(self, text: str) -> str:
        """Return a text with known secrets, and credentials of any value, masked."""
        return _without(text, self._spans(text)) if self.hides else text

    def value(self, node: Any, name: str = "") -> Any:
        """Return JSON with masked texts; environments keep only their names.

        Raises:
            RecursionError: it is nested too deeply.

        """
        if not self.hides:
            return node
        if isinstance(node, str):
            telling = is_secret(name) and is_telling(node, secret=True)
            return HIDDEN if telling else self.text(node)
        if isinstance(node, list):
            return [self.value(item, name) for item in node]
        if isinstance(node, dict):
            return self._table(node)
        return node

    def file(self, name: str, text: str) -> str:
        """Return the text of a file; JSON stays JSON."""
        if not name.endswith(".json") or not self.hides:
            return self.text(text)
        try:
            node = json.loads(text)
            masked = self.value(node)
        except (ValueError, RecursionError):
            return self.text(text)
        return text if masked == node else json.dumps(masked, indent=2) + "\n"

    def _table(self, table: Mapping[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        named = _named(table)
        for key, item in table.items():
            if _is_environment(key, item):
                one = self._names(item)
            else:
                one = self.value(item, named if key.lower() == "value" else key)
            shown[_free(self._key(key), shown)] = one
        return shown

    def _key(self, key: str) -> str:
        """Return a key masked; a short word stays, it may be the document's own."""
        return key if key.isalpha() and len(key) < IN_WORDS else self.text(key)

    def _names(self, env: Any) -> Any:
        """Return an environment with its values masked."""
        if isinstance(env, dict):
            return {name: HIDDEN if value else value for name, value in env.items()}
        return [self._name(item) for item in env]

    def _name(self, item: Any) -> Any:
        if isinstance(item, str):
            name, equals, value = item.partition("=")
            return f"{name}{equals}{HIDDEN if value else ''}"
        if not isinstance(item, dict) or not _named(item):
            return self.value(item)
        hidden = {key: HIDDEN for key in item if key.lower() == "value" and item[key]}
        return {**self._table(item), **hidden}

    def _learn_table(self, table: Mapping[str, Any]) -> None:
        named = _named(table)
        for key, item in table.items():
            if _is_environment(key, item):
                self._learn_environment(item)
            else:
                self.learn_from(item, named if key.lower() == "value" else key)

    def _learn_environment(self, env: Any) -> None:
        """Learn from {"NAME": "value"}, or from a list of "NAME=value" or of tables."""
        if isinstance(env, dict):
            env = [f"{name}={value}" for name, value in env.items()]
        for item in env:
            if isinstance(item, str):
                name, _, value = item.partition("=")
                self.learn(name, value)
            elif isinstance(item, dict) and (name := _named(item)):
                value = next(item[key] for key in item if key.lower() == "value")
                self.learn(name, f"{value}")
            else:
                self.learn_from(item)

    def _learn_passwords(self, value: str) -> None:
        for password in passwords(value):
            self._add(password, secret=True)

    def _add(self, value: str, *, secret: bool) -> None:
        for one in (value, value.strip()):
            if one not in self._values and is_telling(one, secret=secret):
                self._values[one] = None
                self._forms |= forms(one)

    def _spans(self, text: str) -> Iterator[Span]:
        for form, margin in list(self._forms.items()):
            first = text.find(form)
            while first >= 0:
                span = first, first + len(form)
                if margin or len(form) >= IN_WORDS or _is_separate(text, span):
                    yield widened(text, span, margin)
                first = text.find(form, first + 1)
        yield from credentials(text)
        yield from fragments(text, [v for v in list(self._values) if len(v) >= LONG])


def _is_separate(text: str, span: Span) -> bool:
    """Return whether no letter or digit is beside it: words contain short values."""
    first, last = span
    before, after = text[max(first - 2, 0) : first], text[last : last + 1]
    return not after.isalnum() and (before in _ESCAPES or not before[-1:].isalnum())


def _without(text: str, spans: Iterable[Span]) -> str:
    """Return a text with each span, or several that overlap, as `***`."""
    kept, done = [], 0
    for first, last in sorted(spans):
        if first >= done:
            kept += [text[done:first], HIDDEN]
        done = max(done, last)
    return "".join([*kept, text[done:]])


def _is_environment(key: str, node: Any) -> bool:
    return key.lower() in ENVIRONMENT and isinstance(node, dict | list)


def _named(table: Mapping[str, Any]) -> str:
    """Return the name in a table of a name and its value; "" for any other."""
    found = {key.lower(): item for key, item in table.items()}
    name = found.get("name", found.get("key")) if "value" in found else None
    return name if isinstance(name, str) else ""


def _free(key: str, used: Mapping[str, Any]) -> str:
    """Return a key that is not in use: two may be equal once they are masked."""
    number = 2
    shown = key
    while shown in used:
        shown, number = f"{key} ({number})", number + 1
    return shown
