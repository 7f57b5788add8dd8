"""``Stored``: the end of a conversation, with which messages that a caller passes are compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chatstore.core import ChatMessage, ChatStore
from chatstore.core.memory.summaries import without_summaries


class Stored(NamedTuple):
    """The newest messages of a conversation, without summaries.

    Attributes:
        messages: The messages, oldest first.
        is_whole: They are the whole conversation.
        revision: The revision of which this is true; ``None``: any.

    """

    messages: Sequence[ChatMessage] = ()
    is_whole: bool = True
    revision: str | None = None

    def preceded_by(self, messages: Iterable[ChatMessage]) -> Stored:
        """Return these messages, and before them the older ones of a window."""
        known = {message.id for message in self.messages}
        older = [message for message in without_summaries(messages) if message.id not in known]
        return self._replace(
            messages=[*older, *self.messages], is_whole=self.is_whole and not older
        )


async def read_stored(store: ChatStore, key: str, count: int) -> Stored:
    """Read at least ``count`` messages of a conversation, or all."""
    last = count
    while True:
        snapshot = await store.async_snapshot(key, last=last)
        if snapshot.conversation is None:
            return Stored()
        messages = without_summaries(snapshot.messages)
        is_whole = snapshot.conversation.length == len(snapshot.messages)
        if is_whole or len(messages) >= count:
            return Stored(messages, is_whole, snapshot.conversation.revision)
        last *= 2  # there are summaries among them
