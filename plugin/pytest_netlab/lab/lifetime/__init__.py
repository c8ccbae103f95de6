"""Who owns a lab, and how the lab ends with its owner, however that ends.

Knows processes and namespaces; refuses to know what runs in them.
"""
