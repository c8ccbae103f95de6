"""A live capture that proves that it missed nothing: rings, canaries, drop counters.

Knows AF_PACKET, and when a TCP connection is closed; refuses to know what else packets
mean.
"""
