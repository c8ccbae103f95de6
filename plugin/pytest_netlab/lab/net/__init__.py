"""Network namespaces as machines: links, addresses, connections, the LAN.

Knows netlink; refuses to know engines and containers.
"""
