"""What became of the packets that have no counterpart: lost, not captured, not sought.

Knows flows and what each side saw; refuses to know why a host dropped a packet.
"""
