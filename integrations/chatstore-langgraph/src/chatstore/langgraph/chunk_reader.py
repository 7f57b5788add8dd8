"""Reads the chunks of checkpoints, and as few other chunks as possible."""

from __future__ import annotations

from collections.abc import Iterable

from chatstore.core import ChatMessage, MessageNotFoundError, MessagePage
from chatstore.langgraph.chunks import Chunk, Entry, Reference
from chatstore.langgraph.plans import Plan, call

_BY_ID = 3  # up to this number, chunks are read one by one: a page may not contain them
_PAGE = 5000


class MissingChunkError(Exception):
    """A chunk does not exist: it expired, or was removed after its checkpoint was read."""


class ChunkReader:
    """Reads chunks of a conversation and keeps them."""

    def __init__(self, key: str) -> None:
        """Read from the conversation with a key."""
        self._key = key
        self._oldest: str | None = None
        self._is_complete = False
        self.chunks: dict[str, Chunk] = {}

    def read(self, entries: Iterable[Entry]) -> Plan[None]:
        """Read all chunks of some values.

        A list that only grew is the newest chunks of its conversation: one request.

        Raises:
            MissingChunkError: A chunk does not exist.

        """
        missing = self._missing({e.chunk: e.depth for e in entries if isinstance(e, Reference)})
        while missing:
            count = sum(missing.values())
            is_first = self._oldest is None
            if not self._is_complete and (is_first or count > _BY_ID):
                # Other chunks may lie between these, so read a longer page.
                yield from self._read_page(min(count if is_first else 2 * count, _PAGE))
            else:
                for chunk_id in missing:
                    message = yield from call("get_message", self._key, chunk_id)
                    if message is None:
                        raise MissingChunkError
                    self._keep([message])
            missing = self._missing(missing)

    def _read_page(self, limit: int) -> Plan[None]:
        try:
            page: MessagePage = yield from call(
                "page_messages", self._key, limit=limit, before=self._oldest
            )
        except MessageNotFoundError:  # the oldest chunk that was read has been removed
            self._oldest = None  # begin again at the newest one
            return
        self._keep(page.messages)
        self._is_complete = not page.has_more
        if page.messages:
            self._oldest = page.messages[0].id

    def _keep(self, messages: Iterable[ChatMessage]) -> None:
        for message in messages:
            self.chunks[str(message.id)] = Chunk.from_message(message)

    def _missing(self, depths: dict[str, int]) -> dict[str, int]:
        """Return the first missing chunk of each chain, with the number of chunks up to it."""
        missing = {}
        for first, depth in depths.items():
            chunk_id: str | None = first
            while chunk_id in self.chunks:
                chunk_id = self.chunks[chunk_id].parent
                depth -= 1  # noqa: PLW2901 - the rest of the chain
            if chunk_id is not None:
                missing[chunk_id] = depth
        return missing
