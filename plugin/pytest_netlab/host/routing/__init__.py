"""Where a host sends packets: its policy rules, routes, addresses and IPsec policies.

`decision` computes what Linux decides about a packet. Refuses to know firewalls.
"""
