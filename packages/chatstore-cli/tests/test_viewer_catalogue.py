"""The list of conversations: read in the background, sorted, filtered, and kept up to date."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

from pages import viewing

from chatstore.cli.viewer.catalogue import Catalogue, Query
from chatstore.core import ChatStore, ConversationPage, SimpleChatStore, open_store


def filled() -> ChatStore:
    store = SimpleChatStore()
    for key, owner, title in (("a", "U1", None), ("b", "u2", "Straße"), ("c", None, "x")):
        store.create_conversation(key, owner=owner, title=title)
    return store


async def finished(catalogue: Catalogue) -> None:
    while catalogue.is_reading:  # noqa: ASYNC110 - the catalogue has no event
        await asyncio.sleep(0)


def run(check: Callable[[Catalogue, ChatStore], Awaitable[None]]) -> None:
    async def main() -> None:
        store = filled()
        catalogue = Catalogue(store)
        catalogue.refresh()
        await finished(catalogue)
        await check(catalogue, store)
        await catalogue.close()

    asyncio.run(main())


def keys(catalogue: Catalogue, query: Query = Query()) -> list[str]:  # noqa: B008 - immutable
    return [entry.key for entry in catalogue.find(query)]


def test_queries() -> None:
    async def check(catalogue: Catalogue, _: ChatStore) -> None:
        assert keys(catalogue) == ["c", "b", "a"]
        assert keys(catalogue, Query("STRASSE".casefold())) == ["b"]
        assert keys(catalogue, Query("u1")) == ["a"]
        assert keys(catalogue, Query(owner="U1")) == ["a"]
        assert keys(catalogue, Query(owner="u1")) == []
        assert keys(catalogue, Query(is_unowned=True)) == ["c"]
        assert [owner.name for owner in catalogue.owners("")] == [None, "u2", "U1"]
        assert [owner.name for owner in catalogue.owners("u1")] == ["U1"]

    run(check)


def test_changes() -> None:
    async def check(catalogue: Catalogue, store: ChatStore) -> None:
        catalogue.update(await store.async_update_conversation("a", title="new"))
        assert catalogue.find(Query())[0].title == "new"
        catalogue.update(await store.async_create_conversation("of another list"))
        assert keys(catalogue) == ["a", "c", "b"]
        await store.async_delete_messages("b")
        catalogue.refresh()
        assert keys(catalogue) == ["a", "c", "b"]  # until all is read
        await finished(catalogue)
        assert keys(catalogue) == ["of another list", "a", "c"]

    run(check)


class GatedStore(SimpleChatStore):
    """A store whose pages arrive later than they are read."""

    def __init__(self) -> None:
        super().__init__()
        self.was_read = asyncio.Event()
        self.may_return = asyncio.Event()

    async def async_list_conversations(
        self, *, owner: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> ConversationPage:
        page = await super().async_list_conversations(owner=owner, limit=limit, cursor=cursor)
        self.was_read.set()
        await self.may_return.wait()
        return page


def test_what_is_removed_while_all_is_read_does_not_return() -> None:
    async def main() -> None:
        store = GatedStore()
        for key in ("a", "b"):
            store.create_conversation(key)
        catalogue = Catalogue(store)
        catalogue.refresh()
        await store.was_read.wait()
        catalogue.remove("b")
        store.may_return.set()
        await finished(catalogue)
        assert keys(catalogue) == ["a"]

    asyncio.run(main())


def test_only_the_conversations_of_an_owner() -> None:
    async def main() -> None:
        catalogue = Catalogue(filled(), "u2")
        catalogue.refresh()
        await finished(catalogue)
        assert keys(catalogue) == ["b"]

    asyncio.run(main())


def test_an_error_is_reported_with_the_list(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/chat.db") as store:
        store.create_conversation("k")
        with sqlite3.connect(f"{tmp_path}/chat.db") as db:
            db.execute("UPDATE chatstore_conversations SET length = 'damaged'")
        db.close()
        with viewing(store) as viewer:
            answers = iter(lambda: viewer.get("/api/conversations").json(), None)
            answer = next(one for one in answers if not one["is_reading"])
            assert answer["rows"] == []
            assert answer["error"].endswith("restore a backup, or delete the conversation")
            assert not answer["error"].startswith("list_conversations")
