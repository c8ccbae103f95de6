"""Whose a lab is, and what sees to it that it ends with its owner.

Knows processes and namespaces; refuses to know what runs in them.
"""
