"""How far the clocks of two captures are apart, and how long packets took.

Knows times of pairs; refuses to know packets.
"""
