"""A Docker engine: its daemon, its client, its image and containers, whether it lives.

Knows the Docker API; refuses to know networks beyond the host, captures and scenarios.
"""
