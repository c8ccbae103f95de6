"""The pytest-netlab command, one file a command. It wires; it does not think."""

from pytest_netlab.cli.group import main

__all__ = ["main"]
