"""The userland an engine runs in: the machine's, an unpacked root, a Debian suite.

Knows folders and packages; refuses to know engines.
"""
