"""Backends that mix up keys, or list them wrongly."""

from __future__ import annotations

import fnmatch
import unicodedata
from typing import Any

from chatstore.core.backend import Append, Existing, KeyPage, Newest, Page, Plan
from chatstore.core.simple import Conversations
from chatstore.core.testing.broken.base import BrokenBackend, BrokenStore


class SharesAPartition(BrokenBackend):
    """Treats a character of the key as a separator."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        return self.inner.append(_first_part(key), write)

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        return self.inner.read_newest(_first_part(key), read)


class LowersKeys(BrokenBackend):
    """Ignores case in keys, as some collations do."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        return self.inner.append(key.lower(), write)


class StripsKeys(BrokenBackend):
    """Ignores spaces at the ends of keys."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        return self.inner.append(key.strip() or key, write)


class NormalizesKeys(BrokenBackend):
    """Compares keys after Unicode normalization."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        return self.inner.append(unicodedata.normalize("NFC", key), write)


class CutsKeys(BrokenBackend):
    """Stores the first 254 bytes of a key."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        return self.inner.append(key.encode()[:254].decode(errors="ignore"), write)


class TakesPrefixesForPatterns(BrokenBackend):
    """Uses the prefix as a pattern."""

    def list_keys(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[Conversations, KeyPage]:
        page = yield from self.inner.list_keys("", limit, cursor)
        keys = [key for key in page.keys if fnmatch.fnmatchcase(key, prefix + "*")]
        return KeyPage(keys, page.cursor)


class ListsDeletedKeys(BrokenBackend):
    """Lists every key that was ever used."""

    _ever: frozenset[str] = frozenset()

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        self._ever |= {key}
        return self.inner.append(key, write)

    def list_keys(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[Conversations, KeyPage]:
        yield from self.inner.list_keys(prefix, limit, cursor)
        return KeyPage(sorted(key for key in self._ever if key.startswith(prefix)), None)


class ListsExpired(BrokenBackend):
    """Lists expired conversations until their storage is freed."""

    def list_keys(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[Conversations, KeyPage]:
        yield from self.inner.list_keys(prefix, limit, cursor)
        return KeyPage([key for key in self.by_key if key.startswith(prefix)], None)


class SkipsAKeyBetweenPages(BrokenBackend):
    """Leaves out the first key of each page after the first one."""

    def list_keys(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[Conversations, KeyPage]:
        page = yield from self.inner.list_keys(prefix, limit, cursor)
        return page if cursor is None else KeyPage(page.keys[1:], page.cursor)


class RepeatsKeysOnPages(BrokenBackend):
    """Repeats the last key of a page on the next page."""

    def list_keys(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[Conversations, KeyPage]:
        page = yield from self.inner.list_keys(prefix, limit, cursor)
        return page if cursor is None else KeyPage([cursor, *page.keys], page.cursor)


def _first_part(key: str) -> str:
    return key.split("#", maxsplit=1)[0] or key


BROKEN = (
    BrokenStore(SharesAPartition, ("test_keys_that_hurt_are_isolated",)),
    BrokenStore(LowersKeys, ("test_keys_that_hurt_are_isolated",)),
    BrokenStore(StripsKeys, ("test_keys_that_hurt_are_isolated",)),
    BrokenStore(NormalizesKeys, ("test_keys_that_hurt_are_isolated",)),
    BrokenStore(CutsKeys, ("test_keys_that_hurt_are_isolated",)),
    BrokenStore(TakesPrefixesForPatterns, ("test_prefix_is_literal",)),
    BrokenStore(ListsDeletedKeys, ("test_delete_last_until_empty",)),
    BrokenStore(ListsExpired, ("test_expired_is_gone_from_every_method",)),
    BrokenStore(SkipsAKeyBetweenPages, ("test_iterates_over_keys",)),
    BrokenStore(RepeatsKeysOnPages, ("test_iterates_over_keys",)),
)
