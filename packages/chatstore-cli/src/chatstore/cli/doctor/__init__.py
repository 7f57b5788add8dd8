"""What ``chatstore doctor`` examines: `general` for every store, and a module for each database."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

from chatstore.cli.doctor.findings import Finding, Status

if TYPE_CHECKING:
    from chatstore.core import ChatStore

_MODULES = {
    "sqlite": "sqlite",
    "redis": "redis",
    "rediss": "redis",
    "upstash": "upstash",
    "upstash+http": "upstash",
    "postgres": "postgres",
    "postgresql": "postgres",
    "postgresql+psycopg": "postgres",
    "postgresql+asyncpg": "postgres",
    "dynamodb": "dynamodb",
}
"""By the scheme of the URL: the module that examines this kind of database."""


def examine(store: ChatStore, url: str) -> Iterator[Finding]:
    """Yield findings; end after the first one if the store cannot be used at all."""
    from chatstore.cli.doctor import general

    access = general.access(store)
    yield access
    if access.status is Status.FAIL:
        return
    yield from general.examine(store, url)
    module = _MODULES.get(url.partition(":")[0].lower())
    if module is not None:
        yield from import_module(f"chatstore.cli.doctor.{module}").examine(store, url)
