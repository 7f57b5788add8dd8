"""What can be examined on Upstash: the service takes care of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chatstore.cli.doctor.findings import Finding, ok
from chatstore.cli.doctor.hosts import encryption

if TYPE_CHECKING:
    from chatstore.core import ChatStore


def examine(_: ChatStore, url: str) -> Iterator[Finding]:
    """Yield findings."""
    yield ok("scripts", "the service runs Lua scripts, which `access` has called")
    yield encryption(
        url, encrypted=not url.lower().startswith("upstash+http:"), advice="use upstash://"
    )
