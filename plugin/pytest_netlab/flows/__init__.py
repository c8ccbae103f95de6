"""Flow keys, direction, TCP roles and grouping packets into conversations.

Knows one capture, and nothing of NAT: a conversation that is rewritten is two of them.
"""

from pytest_netlab.flows.keys import (
    ECHO_REPLIES,
    ECHO_REQUESTS,
    PROTOCOL_NAMES,
    WITH_PORTS,
    Tuple5,
    is_error,
    key_of,
    quoted_key,
    uniflow_of,
)
from pytest_netlab.flows.roles import Role, role_of
from pytest_netlab.flows.streams import Streams
from pytest_netlab.flows.table import (
    NO_UNIFLOW,
    Conversation,
    FlowTable,
    conversations,
)
from pytest_netlab.wire.assigned import ICMP, ICMP6, TCP, UDP

__all__ = [
    "ECHO_REPLIES",
    "ECHO_REQUESTS",
    "ICMP",
    "ICMP6",
    "NO_UNIFLOW",
    "PROTOCOL_NAMES",
    "TCP",
    "UDP",
    "WITH_PORTS",
    "Conversation",
    "FlowTable",
    "Role",
    "Streams",
    "Tuple5",
    "conversations",
    "is_error",
    "key_of",
    "quoted_key",
    "role_of",
    "uniflow_of",
]
