"""Tasks append to one conversation while calls are cancelled, and replies are lost."""

from __future__ import annotations

import asyncio
import random

from chatstore.core import ChatStore, StoreUnavailableError, open_store
from chatstore.core.testing.interruptions import LosesReplies
from chatstore.core.testing.messages import message

TASKS = 32
MESSAGES = 6


async def append(store: ChatStore, text: str, chance: random.Random) -> None:
    """Append a message, and do it again until a call ends that was not cancelled and not lost."""
    while True:
        call = asyncio.ensure_future(store.async_add_message("k", message(text, id=text)))
        if chance.random() < 0.3:
            for _ in range(chance.randrange(5)):
                await asyncio.sleep(0)
            call.cancel()
        try:
            return await call
        except (asyncio.CancelledError, StoreUnavailableError):
            continue


async def append_all(store: ChatStore, number: int) -> None:
    chance = random.Random(number)
    for part in range(MESSAGES):
        await append(store, f"{number}.{part}", chance)


def test_nothing_is_lost_and_nothing_is_doubled(each_store_url: str) -> None:
    async def scenario() -> list[str]:
        async with open_store(each_store_url) as store:
            unreliable = ChatStore(LosesReplies(store.backend, 0.2, 0))
            await asyncio.gather(*(append_all(unreliable, number) for number in range(TASKS)))
            return [str(one.content) for one in await store.async_get_messages("k")]

    stored = asyncio.run(scenario())
    for number in range(TASKS):
        of_task = [text for text in stored if text.startswith(f"{number}.")]
        assert of_task == [f"{number}.{part}" for part in range(MESSAGES)]
    assert len(stored) == TASKS * MESSAGES
