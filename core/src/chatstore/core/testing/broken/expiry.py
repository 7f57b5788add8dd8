"""Backends that expire conversations wrongly."""

from __future__ import annotations

from chatstore.core.backend import Append, Existing, Newest, Page, Plan
from chatstore.core.simple import Conversations
from chatstore.core.testing.broken.base import BrokenBackend, BrokenStore, CorrectBackend


class IgnoresTtl(BrokenBackend):
    """Keeps expired conversations."""

    def __init__(self, inner: CorrectBackend) -> None:
        """Replace the database by one without a ttl."""
        super().__init__(inner)
        inner.conversations = type(inner.conversations)(None, inner.clock)


class ExpiresFromTheFirstWrite(BrokenBackend):
    """Sets the expiry once and does not renew it."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        conversation = self.conversation_of(key)
        first = None if conversation is None else conversation.expires_at
        existing = yield from self.inner.append(key, write)
        if first is not None:
            self.by_key[key].expires_at = first
        return existing


class CountsExpired(BrokenBackend):
    """Counts expired messages until their storage is freed."""

    def count(self, key: str) -> Plan[Conversations, int]:
        conversation = self.by_key.get(key)
        yield from self.inner.count("another key")
        return 0 if conversation is None else len(conversation.records)


class RenewsOnReads(BrokenBackend):
    """Treats a read as a write: conversations that are read never expire."""

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        page = yield from self.inner.read_newest(key, read)
        conversation = self.conversation_of(key)
        if conversation is not None and self.inner.ttl is not None:
            conversation.expires_at = self.inner.clock() + self.inner.ttl
        return page


BROKEN = (
    BrokenStore(IgnoresTtl, ("test_expired_is_gone_from_every_method",)),
    BrokenStore(ExpiresFromTheFirstWrite, ("test_a_write_renews_the_whole_conversation",)),
    BrokenStore(CountsExpired, ("test_expired_is_gone_from_every_method",)),
    BrokenStore(RenewsOnReads, ("test_reads_do_not_renew",)),
)
