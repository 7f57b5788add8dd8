"""Backends that set up or purge their database wrongly."""

from __future__ import annotations

import time

from chatstore.core.backend import Append, Delete, Plan, Record
from chatstore.core.errors import StoreSetupError
from chatstore.core.simple import Conversations
from chatstore.core.testing.broken.base import (
    BrokenBackend,
    BrokenStore,
    CorrectStore,
    UnlockedBackend,
)


class SetsUpOnce(BrokenBackend):
    """Creates its tables without checking whether they exist."""

    _is_set_up = False

    def setup(self) -> Plan[Conversations, None]:
        if self._is_set_up:
            raise StoreSetupError("memory: the table exists")
        self._is_set_up = True
        yield from self.inner.setup()


class DeletesWhenSetUp(BrokenBackend):
    """Creates its tables again, and loses the conversations in the old ones."""

    def setup(self) -> Plan[Conversations, None]:
        self.by_key.clear()
        return self.inner.setup()


class RacesToSetUp(UnlockedBackend):
    """Checks whether its tables exist first, and creates them later."""

    _is_set_up = False

    def setup(self) -> Plan[Conversations, None]:
        if self._is_set_up:
            return
        time.sleep(0.01)
        yield from self.inner.setup()
        if self._is_set_up:
            raise StoreSetupError("memory: the table exists")
        self._is_set_up = True


class ChecksNothing(CorrectStore):
    """Says that the database works without asking it."""

    def check(self) -> None:
        """Do nothing."""

    async def async_check(self) -> None:
        """Do nothing."""


class ChecksByReading(BrokenBackend):
    """Believes that a user who may read may also write."""

    def check(self, key: str) -> Plan[Conversations, None]:
        yield from self.inner.count(key)


class LeavesWhatItChecksWith(BrokenBackend):
    """Writes a message and leaves it."""

    def check(self, key: str) -> Plan[Conversations, None]:
        yield from self.inner.append(key, Append([Record("id", '{"v":1,"role":"user"}')]))


class PurgesEverything(BrokenBackend):
    """Deletes all conversations."""

    def purge_expired(self) -> Plan[Conversations, bool]:
        self.by_key.clear()
        return self.inner.purge_expired()


class PurgesTooEarly(BrokenBackend):
    """Deletes all conversations that have a ttl."""

    def purge_expired(self) -> Plan[Conversations, bool]:
        for key, conversation in list(self.by_key.items()):
            if conversation.expires_at is not None:
                del self.by_key[key]
        return self.inner.purge_expired()


class PurgesNothing(BrokenBackend):
    """Leaves expired conversations to later writes."""

    def purge_expired(self) -> Plan[Conversations, bool]:
        yield from ()
        return False


class PurgesOnePage(BrokenBackend):
    """Frees the storage of a few conversations and claims that there are no more."""

    def purge_expired(self) -> Plan[Conversations, bool]:
        now = self.inner.clock()
        expired = [key for key, one in self.by_key.items() if one.is_expired(now)]
        for key in expired[:10]:
            yield from self.inner.delete(key, Delete())
        return False


BROKEN = (
    BrokenStore(SetsUpOnce, ("test_setup_can_be_repeated",), reason="the table exists"),
    BrokenStore(DeletesWhenSetUp, ("test_setup_can_be_repeated",)),
    BrokenStore(RacesToSetUp, ("test_setups_at_once",), reason="the table exists"),
    BrokenStore(ChecksNothing, ("test_driver_errors_are_translated",), reason="DID NOT RAISE"),
    BrokenStore(
        ChecksByReading, ("test_check_reports_a_user_who_may_not_write",), reason="DID NOT RAISE"
    ),
    BrokenStore(
        LeavesWhatItChecksWith, ("test_check_leaves_nothing_behind",), reason="a conversation"
    ),
    BrokenStore(PurgesEverything, ("test_purging_without_a_ttl_removes_nothing",)),
    BrokenStore(PurgesTooEarly, ("test_purging_removes_only_what_is_expired",)),
    BrokenStore(PurgesNothing, ("test_purging_frees_storage",), reason="left records"),
    BrokenStore(PurgesOnePage, ("test_purging_frees_storage",), reason="left records"),
)
