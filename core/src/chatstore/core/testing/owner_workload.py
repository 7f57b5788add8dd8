"""Processes that create, append to, rename, re-own and delete the same conversations.

At the end, the list of every owner must equal what exists.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from chatstore.core import (
    ChatStore,
    ConversationExistsError,
    ConversationNotFoundError,
    MessageNotFoundError,
    StoreUnavailableError,
)
from chatstore.core.testing.interruptions import LosesReplies
from chatstore.core.testing.messages import message

OWNERS = [f"owner {number}" for number in range(8)]
_KEYS = [f"shared {number}" for number in range(24)]
_ATTEMPTS = 100  # a call of many requests often loses one of the replies
_REFUSALS = (ConversationExistsError, ConversationNotFoundError, MessageNotFoundError)
_CALLS = {"create": 6, "append": 6, "rename": 3, "re-own": 5, "fork": 1, "delete": 4, "own": 3}


def work(
    opener: Callable[[], ChatStore],
    number: int,
    *,
    calls: int | None = None,
    seconds: float = 0,
    share: float = 0,
) -> None:
    """Make random calls, and repeat each call that fails.

    Args:
        opener: Opens a store.
        number: The number of this process.
        calls: How many calls to make; ``None``: as many as `seconds` allow.
        seconds: For how long to make calls.
        share: The share of the replies to writes that are lost, between 0 and 1; a relay may lose
            more.

    """
    chance = random.Random(number)
    deadline = time.monotonic() + seconds
    with opener() as inner:
        store = ChatStore(LosesReplies(inner.backend, share, number)) if share else inner
        made = 0
        while made < calls if calls is not None else time.monotonic() < deadline:
            [name] = chance.choices([*_CALLS], [*_CALLS.values()])
            if name == "own":
                _check_own(store, inner, chance, f"own {number}.{made}")
            else:
                _make(store, chance, name, number)
            made += 1


def check_lists(store: ChatStore) -> int:
    """Check that each owner's list equals what exists, and return the number of conversations."""
    existing = _repeat(lambda: list(store.iter_conversations()))
    assert len({one.key for one in existing}) == len(existing)
    for owner in OWNERS:
        listed = _list(store, owner)
        expected = {one.key for one in existing if one.owner == owner}
        assert set(listed) == expected, f"{owner}: {set(listed) ^ expected}"
        assert len(listed) == len(expected), f"{owner}: a conversation is listed twice"
    return len(existing)


def _make(store: ChatStore, chance: random.Random, name: str, number: int) -> None:
    key, owner = chance.choice(_KEYS), chance.choice(OWNERS)
    text = f"{number} {chance.random()}"
    calls: dict[str, Callable[[], Any]] = {
        "create": lambda: store.create_conversation(key, owner=owner),
        "append": lambda: store.add_message(key, message(text, id=text)),
        "rename": lambda: store.update_conversation(key, title=text),
        "re-own": lambda: store.update_conversation(
            key, owner=owner if number % 4 or chance.random() < 0.8 else None
        ),
        "fork": lambda: store.fork(key, chance.choice([one for one in _KEYS if one != key])),
        "delete": lambda: store.delete_messages(key),
    }
    with suppress(*_REFUSALS):  # another process created or deleted the conversation
        _repeat(calls[name])


def _check_own(store: ChatStore, reader: ChatStore, chance: random.Random, key: str) -> None:
    """Create a conversation that no other process changes: its owner's list has it at once."""
    owner, other = chance.sample(OWNERS, 2)
    with suppress(ConversationExistsError):  # a reply was lost, and the call was repeated
        _repeat(lambda: store.create_conversation(key, owner=owner))
    assert key in _list(reader, owner), "a new conversation is missing"
    _repeat(lambda: store.update_conversation(key, owner=other))
    assert key in _list(reader, other), "a conversation with a new owner is missing"
    if chance.random() < 0.8:
        _repeat(lambda: store.delete_messages(key))


def _list(store: ChatStore, owner: str) -> list[str]:
    return [one.key for one in _repeat(lambda: list(store.iter_conversations(owner=owner)))]


def _repeat(call: Callable[[], Any]) -> Any:
    """Make a call until it is answered."""
    for attempt in range(_ATTEMPTS):
        try:
            return call()
        except StoreUnavailableError:
            if attempt + 1 == _ATTEMPTS:
                raise
            time.sleep(min(0.05, 0.002 * attempt))
    raise AssertionError("unreachable")
