"""Sessions can be copied and pickled, for programs that send work to other processes."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any

import pytest
from agents import RunConfig, SessionSettings

from chatstore.core import SimpleChatStore, StoreUnavailableError, open_store
from chatstore.openai_agents import ChatStoreSession, InputWindow

ITEMS: list[Any] = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_uses_the_same_store(store_url: str, duplicate: Any) -> None:
    async def main() -> None:
        async with ChatStoreSession.from_url(
            "s", store_url, session_settings={"limit": 1}
        ) as session:
            copied = duplicate(session)
            await copied.add_items(ITEMS)
            assert copied.session_settings == SessionSettings(limit=1)
            await copied.close()
            assert await session.get_items() == ITEMS  # the copy does not close the store

    asyncio.run(main())


def test_a_copy_of_a_session_in_memory_is_the_same_conversation() -> None:
    async def main() -> None:
        session = ChatStoreSession("s", SimpleChatStore())
        copied = copy.deepcopy({"sessions": [session]})["sessions"][0]
        await copied.add_items(ITEMS)
        assert await session.get_items() == ITEMS

    asyncio.run(main())


@pytest.mark.parametrize("from_url", [True, False])
def test_a_pickled_session_is_on_the_same_database(store_url: str, from_url: bool) -> None:
    async def main() -> None:
        async with open_store(store_url) as store:
            session = (
                ChatStoreSession.from_url("s", store_url)
                if from_url
                else ChatStoreSession("s", store)
            )
            await session.add_items(ITEMS)
            restored = pickle.loads(pickle.dumps(session))
            assert await restored.get_items() == ITEMS
            await restored.add_items(ITEMS)
            assert await session.get_items() == ITEMS * 2
            for opened in (session, restored):
                await opened.close()
            if not from_url:
                await restored._store.async_close()

    asyncio.run(main())


class Failing(SimpleChatStore):
    async def async_run(self, operation: str, build: Any, *args: Any, **kwargs: Any) -> Any:
        raise StoreUnavailableError("no answer")


def test_a_copy_does_not_repeat_the_originals_append() -> None:
    async def main() -> None:
        session = ChatStoreSession("s", Failing())
        with pytest.raises(StoreUnavailableError):
            await session.add_items(ITEMS)
        for copied in (copy.copy(session), pickle.loads(pickle.dumps(session))):
            assert copied._failed_append is None

    asyncio.run(main())


def test_a_window_is_copied_with_its_configuration_and_pickled() -> None:
    window = InputWindow(100, tokenizer_fn=str.split)
    config = copy.deepcopy(RunConfig(call_model_input_filter=window))
    copied_window: Any = config.call_model_input_filter
    assert copied_window.token_limit == 100
    assert pickle.loads(pickle.dumps(window)).token_limit == 100
