"""A Docker engine: its daemon, its client, its image and containers, its liveness.

Knows the Docker API; refuses to know networks beyond the host, captures and scenarios.
"""
