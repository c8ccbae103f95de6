"""A live capture that proves that it could see: rings, canaries, drop counters.

Knows AF_PACKET; refuses to know what packets mean.
"""
