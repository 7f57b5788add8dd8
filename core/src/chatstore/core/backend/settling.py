"""Cancellation of tasks whose call is run by another thread or task."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


class CallCancelledError(Exception):
    """The task that waits for this call was cancelled before the call changed anything."""


async def settle(waiter: asyncio.Future[Any]) -> None:
    """Wait until a future is done, whatever its outcome and however often the task is cancelled."""
    import asyncio  # it is loaded if there is a future

    with _shielded():
        while not waiter.done():
            try:
                await asyncio.wait([waiter])
            except asyncio.CancelledError:
                continue
    if not waiter.cancelled():
        waiter.exception()  # mark as retrieved: the caller gets the cancellation instead


def _shielded() -> AbstractContextManager[Any]:
    """Keep anyio from cancelling the task again in each round of the event loop.

    It does so for as long as a task of a cancelled scope exists, which keeps the processor busy:
    https://anyio.readthedocs.io/en/stable/cancellation.html
    """
    anyio = sys.modules.get("anyio")
    return nullcontext() if anyio is None else anyio.CancelScope(shield=True)
