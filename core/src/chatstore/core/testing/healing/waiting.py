"""Async calls that wait for a server do not block the event loop."""

from __future__ import annotations

import asyncio
import threading
import time

from typing_extensions import Self

from chatstore.core.testing.contract.modes import PATIENCE
from chatstore.core.testing.healing.base import HealingBase
from chatstore.core.testing.healing.scenario import HANG, RelayedHarness
from chatstore.core.testing.messages import message
from chatstore.core.testing.relay import Relay

_TICK = 0.01  # seconds
_TICKS = 3  # of the event loop
_LATE = 200  # ticks of a thread after which a blocked event loop must be released


class Waiting(HealingBase):
    def test_async_calls_do_not_block_the_event_loop(self, relayed: RelayedHarness) -> None:
        store = relayed.open(timeout=PATIENCE)

        async def ticks_during(name: str, *args: object) -> int:
            with _Delayed(relayed.relay) as delayed:
                task = asyncio.create_task(getattr(store, f"async_{name}")(*args))
                await asyncio.sleep(0)  # the call begins
                while delayed.ticks < _TICKS and not task.done():
                    await asyncio.sleep(_TICK)
                    delayed.ticks += not task.done()
            await task
            return delayed.ticks

        async def scenario() -> None:
            await store.async_add_message("k", message("a"))
            for name, args in (
                ("add_message", (message("b"),)),
                ("get_messages", ()),
                ("count_messages", ()),
            ):
                assert await ticks_during(name, "k", *args) == _TICKS, f"async_{name} blocks"
            await store.async_close()

        try:
            asyncio.run(asyncio.wait_for(scenario(), HANG))
        finally:
            relayed.relay.delay(0)


class _Delayed:
    """Delays all replies until the event loop has ticked, or is blocked.

    A thread counts its own ticks instead of the time: if the machine stalls, both stall.
    """

    def __init__(self, relay: Relay) -> None:
        self.ticks = 0
        self._relay = relay
        self._thread = threading.Thread(target=self._release, daemon=True)

    def _release(self) -> None:
        for _ in range(_LATE):
            if self.ticks >= _TICKS:
                break
            time.sleep(_TICK)
        self._relay.delay(0)

    def __enter__(self) -> Self:
        self._relay.delay(HANG)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
