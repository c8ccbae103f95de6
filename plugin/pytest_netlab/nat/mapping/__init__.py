"""What flows were translated to, when mappings end, and which pairs break an invariant.

Knows pairs; refuses to know how they were found.
"""
