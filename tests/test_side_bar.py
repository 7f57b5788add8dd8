"""The documentation's back end of a chat side bar works on three stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from programs import snippets
from scripts.workspace import ROOT

from chatstore.core import ChatMessage, RevisionConflictError, open_store
from chatstore.core.testing.messages import contents

[CODE] = snippets(ROOT / "docs" / "side-bar.md")
_MOST_LINES = 60


def _side_bar(now: list[float]) -> Any:
    """Return the page's class, with a clock that the test sets."""
    names: dict[str, Any] = {}
    exec(compile(CODE, "docs/side-bar.md", "exec"), names)
    names["monotonic"] = lambda: now[0]
    return names["SideBar"]


async def _all(pieces: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in pieces])


def test_it_is_short() -> None:
    assert len(CODE.splitlines()) <= _MOST_LINES


def test_side_bar(each_store_url: str) -> None:
    store, key = open_store(each_store_url), ""
    now = [0.0]
    class_ = _side_bar(now)
    partial: list[list[Any]] = []

    async def model(history: list[ChatMessage]) -> AsyncIterator[str]:
        for piece in ("You said: ", str(history[-1].content), "."):
            now[0] += 0.7
            yield piece
            partial.append(contents(await store.async_get_messages(key, last=1)))

    async def use() -> None:
        nonlocal key
        ann, bob = (class_(store, model, user) for user in ("ann", "bob"))
        key = (await ann.begin("Trip to Rome")).key
        other = (await ann.begin("Recipes")).key
        assert (await bob.conversations()).conversations == []
        assert await _all(ann.send(key, "Hello")) == "You said: Hello."
        assert partial == [["Hello"], ["You said: Hello"], ["You said: Hello"]]
        assert await _all(ann.send(key, "Bye")) == "You said: Bye."
        listed = (await ann.conversations()).conversations
        assert {one.key: one.title for one in listed} == {key: "Trip to Rome", other: "Recipes"}

        page = await ann.open(key)
        expected = ["Hello", "You said: Hello.", "Bye", "You said: Bye."]
        assert (contents(page.messages), page.has_more) == (expected, False)
        assert page.messages[-1].metadata == {"status": "complete"}
        assert contents((await ann.open(key, page.messages[2].id)).messages) == expected[:2]

        await _all(ann.regenerate(key, page.messages[3].id))
        assert contents((await ann.open(key)).messages) == expected
        conversation = await store.async_get_conversation(key)
        assert conversation is not None
        await _all(ann.edit(key, page.messages[2].id, "Wait", conversation.revision))
        edited = contents((await ann.open(key)).messages)
        assert edited == ["Hello", "You said: Hello.", "Wait", "You said: Wait."]
        with pytest.raises(RevisionConflictError):
            await _all(ann.edit(key, page.messages[0].id, "Again", conversation.revision))
        with pytest.raises(PermissionError):
            await bob.open(key)
        with pytest.raises(PermissionError):
            await _all(bob.send(key, "Hello"))
        assert contents((await ann.open(key)).messages) == edited
        await store.async_close()

    asyncio.run(use())
