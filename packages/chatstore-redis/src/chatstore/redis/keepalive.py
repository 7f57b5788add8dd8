"""With which the system finds connections that a firewall dropped without notice."""

from __future__ import annotations

import socket

_SECONDS = {
    "TCP_KEEPIDLE": 30,  # without traffic until the system checks a connection
    "TCP_KEEPINTVL": 5,  # between checks
    "TCP_KEEPCNT": 4,  # checks without an answer until the connection is closed
}
KEEPALIVE_OPTIONS = {
    getattr(socket, name): value for name, value in _SECONDS.items() if hasattr(socket, name)
}
"""Options of a socket, and their values; empty where the system has none."""
