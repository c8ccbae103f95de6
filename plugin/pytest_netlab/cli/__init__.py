"""The `pytest-netlab` command: one module per subcommand.

Knows options, standard streams and exit codes. Refuses to know how packets are read,
judged or rendered: subcommands call the packages that do.
"""

from pytest_netlab.cli.group import main

__all__ = ["main"]
