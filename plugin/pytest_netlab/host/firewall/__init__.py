"""Rules of a host's firewall: what tools print as values, and what the rules do.

Words are read in `tokens`, `iptables`, `nftables` and `nft_json`; `ruleset` has all
rules of a host, `chains` connects them, `conditions` and `effects` say which packets
meet them and what then happens. Refuses to know who wrote them.
"""
