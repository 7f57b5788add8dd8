"""Whether a URL leads through a network."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from chatstore.cli.doctor.findings import Finding, ok, warn


def is_local(url: str) -> bool:
    """Return whether a URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    if host in {"", "localhost"}:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def encryption(url: str, *, encrypted: bool, advice: str) -> Finding:
    """Return whether what is sent is encrypted."""
    if encrypted:
        return ok("TLS", "the connection is encrypted")
    if is_local(url):
        return ok("TLS", "the connection is not encrypted, and stays on this machine")
    return warn("TLS", "messages and the password are sent without encryption", advice)
