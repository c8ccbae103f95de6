"""Connections that a host tracks: as the kernel and as tools tell of them.

Refuses to know which of them were expected.
"""
