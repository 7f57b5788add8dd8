"""Pages of a query, from a sync or an async client."""

from __future__ import annotations

from typing import Any, NamedTuple

from chatstore.azure.table import StoredEntity, Table
from chatstore.core import InvalidArgumentError
from chatstore.core.backend import MaybeAwaitable


class EntityPage(NamedTuple):
    """Entities in any order, and the token of the next page (``None`` after the last page)."""

    entities: list[StoredEntity]
    token: Any | None


def check_token(token: object) -> None:
    """Refuse what is not the token of an `EntityPage`.

    Raises:
        InvalidArgumentError: `token` is something else.

    """
    if token is None:
        return
    parts = list(token.values()) if isinstance(token, dict) else [0]
    if any(part is not None and type(part) is not str for part in parts):
        raise InvalidArgumentError("this is not a cursor: pass the cursor of the page before")


def read_page(
    table: Table, query: str, *, select: list[str] | None, size: int, token: Any | None
) -> MaybeAwaitable[EntityPage]:
    """Read a page, which may be empty although others follow.

    https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination: a page has
    at most 1,000 entities, and fewer if it crosses partitions or takes more than five seconds.
    """
    entities = table.query_entities(query, results_per_page=size, select=select, retry_total=0)
    pages = entities.by_page(token)
    return _async_next(pages) if hasattr(pages, "__anext__") else _next(pages)


def _next(pages: Any) -> EntityPage:
    page = next(pages, ())
    return EntityPage(list(page), pages.continuation_token)


async def _async_next(pages: Any) -> EntityPage:
    try:
        page = await pages.__anext__()
    except StopAsyncIteration:
        return EntityPage([], None)
    return EntityPage([entity async for entity in page], pages.continuation_token)
