"""Writers and readers of one conversation: their calls are cancelled, fail and are repeated."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from soak_ledger import SIZES, CallName, Ledger, State, from_first_call

from chatstore.core import ChatMemoryBuffer, ChatMessage, ChatStore, StoreUnavailableError
from chatstore.core.testing.provider_rules import provider_violations

_CANCELLED = 0.2  # of the calls, at a random moment
_ABANDONED = 0.2  # of the calls that were cancelled or failed; the others are repeated
_LONGEST = 0.02  # seconds until a call is cancelled
_MOST_ROUNDS = 12  # of the event loop, until a call is cancelled
_NEWEST = 20

Wait = Callable[["asyncio.Future[Any]"], Awaitable[object]]


@dataclass
class Work:
    """What writers and readers share.

    Attributes:
        store: The store.
        threads: Run sync calls.
        report: Called after each call.
        outcomes: How calls ended.
        violations: What readers saw that must not be.

    """

    store: ChatStore
    threads: Executor
    report: Callable[[], None]
    outcomes: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


async def by_task(work: Work, dice: random.Random, name: str, *args: Any, **kwargs: Any) -> Any:
    """Call an async method, and sometimes cancel it."""
    call = asyncio.ensure_future(getattr(work.store, f"async_{name}")(*args, **kwargs))
    if dice.random() < _CANCELLED:
        await _cancel(call, dice)
    return await call


async def by_thread(work: Work, dice: random.Random, name: str, *args: Any, **kwargs: Any) -> Any:
    """Call a sync method in a thread."""
    loop = asyncio.get_running_loop()
    method = getattr(work.store, name)
    return await loop.run_in_executor(work.threads, lambda: method(*args, **kwargs))


async def by_loop(work: Work, dice: random.Random, name: str, *args: Any, **kwargs: Any) -> Any:
    """Call an async method on an event loop of its own, which ends with the call."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(
        work.threads, lambda: asyncio.run(by_task(work, dice, name, *args, **kwargs))
    )


async def _cancel(call: asyncio.Future[Any], dice: random.Random) -> None:
    """Cancel a call after some rounds of the event loop, or some milliseconds; at times twice."""
    if dice.random() < 0.5:
        for _ in range(dice.randrange(_MOST_ROUNDS)):
            await asyncio.sleep(0)
    else:
        await asyncio.wait([call], timeout=dice.uniform(0, _LONGEST))
    call.cancel()
    await asyncio.sleep(0)
    if dice.random() < 0.2:
        call.cancel()


KINDS = {"task": by_task, "thread": by_thread, "loop": by_loop}


async def write(work: Work, ledger: Ledger, writer: str, kind: str, calls: int) -> None:
    """Make calls, one after the other."""
    dice = random.Random(f"{ledger.key} {writer}")
    for _ in range(calls):
        name = ledger.start(writer, dice.choice(SIZES))
        while True:
            if await _append(work, ledger, name, kind, dice):
                ledger.end(name, State.ANSWERED)
                break
            if dice.random() < _ABANDONED:
                ledger.end(name, State.ABANDONED)
                break


async def _append(
    work: Work, ledger: Ledger, name: CallName, kind: str, dice: random.Random
) -> bool:
    """Append the messages of a call; return whether it was answered."""
    messages = ledger.messages(name)
    method, value = "add_messages", messages if len(messages) > 1 else messages[0]
    if len(messages) == 1:
        method = "add_message"
    outcome = await _outcome(work, KINDS[kind](work, dice, method, ledger.key, value))
    return outcome == "answered"


async def _outcome(work: Work, call: Awaitable[Any]) -> str:
    """Wait for a call, and count how it ended."""
    try:
        await call
    except asyncio.CancelledError:
        outcome = "cancelled"
    except StoreUnavailableError as error:
        outcome = type(error).__name__
        work.outcomes[outcome] += 1
        work.report()
        await asyncio.sleep(0.01)  # a program would pause, too
        return outcome
    except Exception as error:
        outcome = type(error).__name__
        work.violations.append(f"a call failed with {outcome}: {error}")
    else:
        outcome = "answered"
    work.outcomes[outcome] += 1
    work.report()
    return outcome


async def read(work: Work, ledger: Ledger, kind: str, ended: asyncio.Event) -> None:
    """Read all messages, the newest ones and windows until all writers have ended."""
    dice = random.Random(f"{ledger.key} reader")
    reader = _Reader(work, ledger, kind, dice)
    while not ended.is_set():
        await _outcome(work, dice.choice([reader.read_all, reader.read_newest, reader.window])())
        await asyncio.sleep(dice.uniform(0.005, 0.05))


class _Reader:
    """Reads a conversation to which messages are appended, and checks what it reads."""

    def __init__(self, work: Work, ledger: Ledger, kind: str, dice: random.Random) -> None:
        self._work = work
        self._ledger = ledger
        self._call = KINDS[kind]
        self._dice = dice
        self._before: list[ChatMessage] = []

    async def read_all(self) -> None:
        required = self._ledger.ended()
        messages = await self._get()
        self._check("a read", self._ledger.violations(messages, required))
        if messages[: len(self._before)] != self._before:
            self._check("a read", ["it changed what an earlier read returned"])
        self._before = messages

    async def read_newest(self) -> None:
        messages = await self._get(last=_NEWEST)
        self._check("a read of the newest", self._ledger.violations(from_first_call(messages), {}))

    async def window(self) -> None:
        memory = ChatMemoryBuffer(2000, self._work.store, self._ledger.key, tokenizer_fn=str.split)
        window = await memory.async_get()
        unknown = [one.id for one in window if self._ledger.state_of(one) is None]
        self._check("a window", [*provider_violations(window), *map(str, unknown)])

    async def _get(self, **options: Any) -> list[ChatMessage]:
        call = self._call(self._work, self._dice, "get_messages", self._ledger.key, **options)
        messages: list[ChatMessage] = await call
        return messages

    def _check(self, what: str, violations: Sequence[str]) -> None:
        self._work.violations += [f"{what} of {self._ledger.key}: {one}" for one in violations]
