"""Whether a URL leads through a network."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from chatstore.cli.doctor.findings import Finding, ok, warn


def is_local(url: str) -> bool:
    """Return whether a URL's hosts are this machine; for Postgres, options may name them."""
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    named = [text for name in ("host", "hostaddr") for text in options.get(name, ())]
    hosts = ",".join(named) or parts.hostname or ""
    return all(map(_is_local_host, hosts.split(",")))


def _is_local_host(host: str) -> bool:
    if host.startswith("/"):  # a socket
        return True
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
