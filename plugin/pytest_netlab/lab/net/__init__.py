"""Network namespaces as machines: links, addresses, connections, the LAN beyond.

Knows netlink; refuses to know engines and containers.
"""
