"""One page of a query, from a sync or an async client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Entity = Mapping[str, Any]


class Found(NamedTuple):
    """Entities in any order, and the token of the next page (``None``: there is none)."""

    entities: list[Entity]
    token: Any | None


def next_page(
    client: Any, query: str, *, select: list[str] | None, size: int, token: Any = None
) -> Any:
    """Return a `Found`, or an awaitable of one. A page may be empty and not the last.

    https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination: at most
    1,000 entities; fewer where a page crosses partitions or takes more than five seconds.
    """
    found = client.query_entities(query, results_per_page=size, select=select, retry_total=0)
    pager = found.by_page(token)
    return _async_next(pager) if hasattr(pager, "__anext__") else _next(pager)


def _next(pager: Any) -> Found:
    page = next(pager, ())
    return Found(list(page), pager.continuation_token)


async def _async_next(pager: Any) -> Found:
    try:
        page = await pager.__anext__()
    except StopAsyncIteration:
        return Found([], None)
    return Found([entity async for entity in page], pager.continuation_token)
