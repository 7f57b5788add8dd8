"""How many messages the first page of a window should have.

Web applications create a buffer for each request, so what the last window of a conversation showed
is remembered for each backend, not for each buffer. A wrong guess costs a second page.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from chatstore.core.backend.base import Backend

LARGEST_PAGE = 1000  # messages
_SMALLEST_PAGE = 8
_SLACK = 1.25  # of the first page, which should be the last
_FIRST_GUESS = 100.0  # tokens per message, until messages were counted
_MOST_CONVERSATIONS = 1000  # of a backend
_remembered: WeakKeyDictionary[Backend[Any], OrderedDict[str, float]] = WeakKeyDictionary()
"""The tokens per message of each conversation."""


def first_page_size(backend: Backend[Any], key: str, room: int) -> int:
    """Return a number of messages that probably just exceeds ``room`` tokens."""
    conversations = _remembered.get(backend)
    tokens = _FIRST_GUESS if conversations is None else conversations.get(key, _FIRST_GUESS)
    likely = int(max(0, room) / tokens * _SLACK) + 4
    return max(_SMALLEST_PAGE, min(LARGEST_PAGE, likely))


def remember(backend: Backend[Any], key: str, messages: int, tokens: int) -> None:
    """Take what the messages of a window have together."""
    if messages == 0:
        return
    conversations = _remembered.setdefault(backend, OrderedDict())
    conversations[key] = max(1.0, tokens / messages)
    if len(conversations) > _MOST_CONVERSATIONS:
        with suppress(KeyError):  # another thread was faster
            conversations.popitem(last=False)
