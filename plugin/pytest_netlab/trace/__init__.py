"""The canonical trace: a capture in symbols, over any number of capture points.

`values` has its types, `build` makes one of a capture, `text` renders it. Refuses to
know goldens: the same function makes the trace of a golden and of a run.
"""

from pytest_netlab.trace.build import canonicalize, translations
from pytest_netlab.trace.canonical import CanonicalTrace
from pytest_netlab.trace.points import Place, Point
from pytest_netlab.trace.port_translation import with_entries, with_random
from pytest_netlab.trace.text import (
    packet_text,
    refusal_text,
    translation_text,
    value_text,
    what_text,
)
from pytest_netlab.trace.values import (
    CanonicalFlow,
    End,
    Fields,
    FlowFact,
    Packet,
    PortTranslation,
    Refusal,
    Rewrite,
    Step,
    Symbol,
    TcpFlags,
    TcpOption,
    What,
    protocol_name,
)

__all__ = [
    "CanonicalFlow",
    "CanonicalTrace",
    "End",
    "Fields",
    "FlowFact",
    "Packet",
    "Place",
    "Point",
    "PortTranslation",
    "Refusal",
    "Rewrite",
    "Step",
    "Symbol",
    "TcpFlags",
    "TcpOption",
    "What",
    "canonicalize",
    "packet_text",
    "protocol_name",
    "refusal_text",
    "translation_text",
    "translations",
    "value_text",
    "what_text",
    "with_entries",
    "with_random",
]
