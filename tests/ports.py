"""Ports of this machine, for servers that tests start."""

import socket


def free_port() -> int:
    """A loopback port that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
