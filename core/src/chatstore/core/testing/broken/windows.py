"""Backends whose pages lead to windows that a provider refuses, or that lack messages."""

from __future__ import annotations

import time
from dataclasses import replace

from chatstore.core.backend import Newest, Page, Plan
from chatstore.core.simple import Conversations
from chatstore.core.testing.broken.base import BrokenBackend, BrokenStore, UnlockedBackend


class IgnoresLeading(BrokenBackend):
    """Never reads the first records: every window loses its system prompt."""

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        page = yield from self.inner.read_newest(key, read)
        return page._replace(leading=[])


class LeadsWithThePage(BrokenBackend):
    """Returns the page's first records instead of the conversation's."""

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        page = yield from self.inner.read_newest(key, read)
        return page._replace(leading=page.records[: read.leading])


class ReadsOneLeading(BrokenBackend):
    """Reads one first record instead of the requested number."""

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        return self.inner.read_newest(key, replace(read, leading=min(1, read.leading)))


class ReadsLeadingLater(UnlockedBackend):
    """Reads the page and the first records one after the other, while others write."""

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        page = yield from self.inner.read_newest(key, replace(read, leading=0))
        if not read.leading:
            return page
        time.sleep(0.005)
        later = yield from self.inner.read_newest(key, Newest(1, leading=read.leading))
        return page._replace(leading=later.leading)


class SkipsOneBeforeThePage(BrokenBackend):
    """Leaves out a record between two pages."""

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        end = None if read.before is None else read.before - 1
        return self.inner.read_newest(key, replace(read, before=end))


BROKEN = (
    BrokenStore(IgnoresLeading, ("test_system_prompts_are_kept",)),
    BrokenStore(IgnoresLeading, ("test_windows_keep_their_promises",), "sync 1"),
    BrokenStore(LeadsWithThePage, ("test_system_prompts_are_kept",)),
    BrokenStore(ReadsOneLeading, ("test_system_prompts_are_kept",), "sync 3"),
    BrokenStore(ReadsLeadingLater, ("test_windows_are_of_one_moment",)),
    BrokenStore(SkipsOneBeforeThePage, ("test_windows_keep_their_promises",)),
)
