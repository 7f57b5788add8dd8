"""Async calls that wait for a server do not block the event loop."""

from __future__ import annotations

import asyncio

from chatstore.core.testing.healing.base import HANG, HealingBase, RelayedHarness
from chatstore.core.testing.messages import message

_DELAY = 0.25  # seconds in each direction


class Waiting(HealingBase):
    def test_async_calls_do_not_block_the_event_loop(self, relayed: RelayedHarness) -> None:
        store = relayed.open(timeout=30.0)

        async def ticks_during(name: str, *args: object) -> int:
            ticks = 0
            task = asyncio.create_task(getattr(store, f"async_{name}")(*args))
            await asyncio.sleep(0)  # the call begins
            while not task.done():
                await asyncio.sleep(_DELAY / 10)
                ticks += 1
            await task
            return ticks

        async def scenario() -> None:
            await store.async_add_message("k", message("a"))
            relayed.relay.delay(_DELAY)
            for name, args in (
                ("add_message", (message("b"),)),
                ("get_messages", ()),
                ("count_messages", ()),
            ):
                # A call that blocks ends before the first tick does.
                assert await ticks_during(name, "k", *args) >= 3, f"async_{name} blocks"
            relayed.relay.delay(0)
            await store.async_close()

        try:
            asyncio.run(asyncio.wait_for(scenario(), HANG))
        finally:
            relayed.relay.delay(0)
