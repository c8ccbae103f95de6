"""Which packet of one side is which of the other: what NAT may not change, and time.

Knows observations and what flows became; refuses to know whether a mapping is right.
"""
