"""What is known of a host, as values: of what kernels send and what tools print.

Knows netlink's bytes and the tools' words, which it reads and writes. Refuses to know
how a host is asked, what is wanted of it, and why a packet went astray.
"""
