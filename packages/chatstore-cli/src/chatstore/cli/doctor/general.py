"""What can be examined with any store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from statistics import median
from typing import TYPE_CHECKING
from uuid import uuid4

from chatstore.cli.doctor.findings import Finding, fail, guarded, ok, warn
from chatstore.cli.errors import sentence_of
from chatstore.cli.stores import open_existing
from chatstore.cli.throwaway import throwaway
from chatstore.core import (
    ChatMessage,
    ChatStoreError,
    SchemaVersionError,
    StoreAccessError,
    StoreSetupError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from chatstore.core import ChatStore

_ROUND_TRIPS = 5
_SLOW_SECONDS = 0.05
_MOST_SKEW = 5.0  # seconds
_TTL = 3600.0
_TEXT = "a\0b \x7f \u00e9 e\u0301 \u05d0 \u6f22 \U0001f44d\U0001f3fd \u200d \ufffe \\u0000 ' \" %s"


def access(store: ChatStore) -> Finding:
    """Prove that the store can read and write."""
    started = time.perf_counter()
    try:
        store.check()
    except ChatStoreError as error:
        return fail(_failed_part(error), sentence_of(error), _advice(error))
    seconds = time.perf_counter() - started
    return ok("access", f"{store.server} answers and can be read and written ({_time(seconds)})")


def _failed_part(error: ChatStoreError) -> str:
    for kind, name in (
        (StoreUnavailableError, "server"),
        (StoreAccessError, "rights"),
        (StoreSetupError, "setup"),
        (SchemaVersionError, "schema"),
    ):
        if isinstance(error, kind):
            return name
    return "access"


def _advice(error: ChatStoreError) -> str:
    if isinstance(error, StoreUnavailableError):
        return "check the host and the port, and whether a firewall is in between"
    if isinstance(error, StoreAccessError):
        return "check the user and the password, and grant the user what is missing"
    if isinstance(error, StoreSetupError):
        return "let your application write once, which creates what is missing, or check the URL"
    if isinstance(error, SchemaVersionError):
        return "upgrade the store's package here"
    return "see the documentation of the store's package"


def examine(store: ChatStore, url: str) -> Iterator[Finding]:
    """Yield what can be measured by calls of the store."""
    yield from guarded("round trip", lambda: _round_trip(store))
    yield from guarded("encoding", lambda: _written(store))
    yield from guarded("expiry", lambda: _expiry(store, url))


def _round_trip(store: ChatStore) -> Iterator[Finding]:
    measured = []
    for _ in range(_ROUND_TRIPS):
        started = time.perf_counter()
        store.get_conversation(f"doctor-{uuid4().hex}")
        measured.append(time.perf_counter() - started)
    seconds = median(measured)
    message = f"{_time(seconds)} for reading a record, the median of {_ROUND_TRIPS}"
    if seconds > _SLOW_SECONDS:
        yield warn("round trip", message, "run the application near the database")
    else:
        yield ok("round trip", message)


def _written(store: ChatStore) -> Iterator[Finding]:
    """Write a conversation under a throw-away prefix, and compare it and its times."""
    message = ChatMessage(role="user", content=_TEXT, metadata={"text": _TEXT})
    with throwaway(store) as temporary:
        before = datetime.now(timezone.utc)
        created = temporary.create_conversation(_TEXT, title=_TEXT, owner=_TEXT)
        after = datetime.now(timezone.utc)
        temporary.add_message(_TEXT, message)
        [stored] = temporary.get_messages(_TEXT)
        [listed] = temporary.list_conversations(owner=_TEXT).conversations
    same = (stored.content, stored.metadata.get("text"), listed.key, listed.title) == (_TEXT,) * 4
    if same:
        yield ok("encoding", "text in all scripts, with NUL and emoji, is read as it was written")
    else:
        yield fail(
            "encoding",
            "text is changed by the database or by what is between",
            "use UTF-8 for the database, and no proxy that changes content",
        )
    yield skew(created.created_at, before, after)


def skew(time_of_server: datetime, before: datetime, after: datetime) -> Finding:
    """Compare a time of the store with this machine's times before and after it."""
    early, late = (
        (before - time_of_server).total_seconds(),
        (time_of_server - after).total_seconds(),
    )
    seconds = max(early, late, 0.0)
    if seconds > _MOST_SKEW:
        direction = "behind" if early > late else "ahead of"
        return warn(
            "clock",
            f"the store's clock is {seconds:,.0f} seconds {direction} this machine's",
            "let both be set by NTP",
        )
    return ok(
        "clock", f"the store's clock and this machine's differ by less than {_MOST_SKEW:.0f} s"
    )


def _expiry(store: ChatStore, url: str) -> Iterator[Finding]:
    with open_existing(url, ttl=_TTL) as expiring, throwaway(expiring) as temporary:
        conversation = temporary.create_conversation("expiry")
    if conversation.expires_at is None:
        yield fail(
            "expiry", "conversations with a ttl do not expire", "upgrade the store's package"
        )
        return
    with throwaway(store) as temporary:
        own = temporary.create_conversation("expiry")
    if own.expires_at is None:
        yield ok("expiry", "supported; this URL has no ttl, so conversations stay")
    else:
        left = own.expires_at - own.updated_at
        yield ok("expiry", f"conversations expire {left} after their last write")


def _time(seconds: float) -> str:
    return f"{seconds * 1000:,.2f} ms"
