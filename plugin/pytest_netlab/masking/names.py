"""Which variables are secret by their name, and which values are worth hiding in text.

To mask a value that is short, or that any text may have (a path, an address, a
version), would protect nothing and make logs and rules meaningless.
"""

from __future__ import annotations

import re

# Word in a secret's name -> expression for it. KEY only behind something (API_KEY,
# apiKey): `key` alone is a word of nft.
KEYWORDS = {
    "pass": r"pass(?!ive|thr|ed|ing)",
    "pwd": r"(?<=[a-z0-9][_.-])pwd",
    "secret": "secret",
    "token": "token",
    "credential": "credential",
    "cookie": "cookie",
    "signature": "signature",
    "webhook": "webhook",
    "auth": r"auth(?!or(?!i))",
    "key": r"(?<=[a-z0-9_.-])key",
    "dsn": r"(?<![a-z])dsn",
}
_SECRET = re.compile("|".join(KEYWORDS.values()), re.IGNORECASE)
_ADDRESS = r"[\d.:]+(?:/\d+)?|[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*(?:/\d+)?"
_VERSION = r"v?\d+(?:\.\d+)+[\w.~+-]*"
_SHAPED = re.compile(rf"{_ADDRESS}|{_VERSION}|/[\w./:@+-]*|[\w.-]+\.UTF-8")
# Not secret, even under a secret's name; others with `/` or digits first may be.
_CERTAIN = re.compile(r"\d{1,5}|\d+(?:\.\d+)+(?::\d+|/\d+)?|(?:/[a-z0-9_.-]+){2,}")
# Words of every report and ruleset, and passwords that protect nothing.
_COMMON = re.compile(
    "true|false|none|null|yes|off|auto|default|debug|info|warning|error|admin|root|user"
    "|guest|tests?|testing|pass|passw(or)?d|secret|token|postgres|mysql|redis|example"
    "|changeme|localhost|docker0?|host(0[12])?|gateway|bridge|uplink|production"
    "|development|staging|fail(ed)?|passed|skipped|recorded|original|reply|inside|outside"
    "|[sd]nat|twice-nat|nat64|nat46|hairpin|proxied|forward(ed)?|dropped|local|leaked"
    "|blind|nothing|differs"
    "|tcp|udp|sctp|icmp(v?6)?|ipv?[46]|https?|ping|accept|drop|reject|return|masquerade"
    "|nat|filter|chain|table|rule|input|output|(pre|post)routing|container|scenario"
    "|golden|packet|verdict|cause|netlab|pytest",
    re.IGNORECASE,
)
SHORTEST_SECRET, SHORTEST, LONG = 4, 8, 16
IN_WORDS = 8  # shorter ones are replaced only as whole words


def is_secret(name: str) -> bool:
    """Return whether a variable, key or label of this name is secret."""
    return _SECRET.search(name) is not None


def is_telling(value: str, *, secret: bool) -> bool:
    """Return whether a value is to be replaced wherever it appears.

    Args:
        value: of an environment variable.
        secret: whether the variable's name says that it is one.

    """
    text = value.strip()
    if _COMMON.fullmatch(text):
        return False
    if secret:
        return len(text) >= SHORTEST_SECRET and _CERTAIN.fullmatch(text) is None
    if len(text) < SHORTEST or _SHAPED.fullmatch(text):
        return False
    return len(text) >= LONG or _mixed(text)


def _mixed(text: str) -> bool:
    """Return whether it has characters of two kinds: no plain word has."""
    kinds = (str.islower, str.isupper, str.isdigit, lambda one: not one.isalnum())
    return sum(any(map(kind, text)) for kind in kinds) > 1
