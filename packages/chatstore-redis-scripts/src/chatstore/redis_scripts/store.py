"""``ScriptChatStore``: the hooks of a store, over scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import chain, repeat
from typing import Any, ClassVar, NamedTuple, TypeVar

from chatstore.core import ChatMessage, ChatStore, StoreUnavailableError, codec
from chatstore.core.backend import (
    Existing,
    KeyPage,
    Page,
    Plan,
    Record,
    StoredRecord,
    call,
    check_ttl,
)
from chatstore.redis_scripts import scripts
from chatstore.redis_scripts.call_clock import CallClock
from chatstore.redis_scripts.client import Meanwhile
from chatstore.redis_scripts.layout import (
    check_namespace,
    conversation_keys,
    heads_pattern,
    key_of_head,
    new_call_id,
    staged_key,
    unseal,
)
from chatstore.redis_scripts.replies import Part, read_reply
from chatstore.redis_scripts.scripts import Script
from chatstore.redis_scripts.staging import chunks, flat, request_bytes

T = TypeVar("T")
_PAGE = 10_000  # records that one script reads, so that it does not hold up the server
_ATTEMPTS = 50  # readings of a conversation that others keep changing
_FOR_EVER = 1e12  # seconds; deadlines beyond it are none that Redis takes
_FRAME_BYTES = 8192  # of a request, beside the records


class _Found(NamedTuple):
    """What was read at one moment; see `Part`."""

    epoch: str | None
    cut: str | None
    leading: Sequence[StoredRecord]
    records: Sequence[StoredRecord]


class ScriptChatStore(ChatStore):
    """Keeps conversations in Redis, one script and one round trip an operation.

    A subclass gives the clients: each runs scripts and lists keys as `ScriptClient` says.
    """

    max_request_bytes: ClassVar[int | None] = None
    """The largest request, in bytes of JSON; larger writes are staged. ``None``: no limit."""

    max_reply_bytes: ClassVar[int | None] = None
    """The most bytes of bodies in a reply; larger reads take several. ``None``: no limit."""

    pages: ClassVar[tuple[int, int]] = (500, 2000)
    """Messages in the first reply to a read of all, and in the largest: they double in between.

    A small page is decoded while the server reads the next, and twice as fast, since a
    processor's cache holds it. A large one saves requests.
    """

    def __init__(self, *, namespace: str = "chatstore", ttl: float | None = None) -> None:
        """Name the part of the database.

        Args:
            namespace: What begins all keys of this store in Redis.
            ttl: Seconds after its last write after which a conversation is gone.

        Raises:
            InvalidArgumentError: The namespace or the ttl makes no sense.

        """
        self._namespace = check_namespace(namespace)
        self._clock = CallClock()
        seconds = check_ttl(ttl)
        self._ttl = "" if seconds is None else str(max(1, round(min(seconds, _FOR_EVER) * 1000)))

    # ------------------------------------------------------------------ writing

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        reply = yield from self._write(scripts.APPEND, key, [], records)
        return _held(reply)

    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Existing]]:
        reply = yield from self._write(scripts.INSERT, key, [str(index)], [record])
        return _held(reply)

    def _replace(self, key: str, records: Sequence[Record]) -> Plan[None]:
        yield from self._write(scripts.REPLACE, key, [], records)

    def _delete(self, key: str) -> Plan[None]:
        yield from self._write(scripts.DELETE, key, [], [])

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        seen = ""
        while True:
            reply = yield from self._write(scripts.REMOVE, key, [str(index), seen], [])
            if not reply:
                return None
            verdict, position, stored = reply
            record = StoredRecord(int(position), unseal(stored))
            if verdict == "removed":
                return record
            if not force:
                codec.decode(key, *record)  # raises, or proves that it may go
            seen = stored

    def _write(
        self, script: Script, key: str, arguments: list[str], records: Sequence[Record]
    ) -> Plan[Any]:
        """Run a writing script under a new call id, with its records staged or not."""
        call_id = new_call_id()
        keys = conversation_keys(self._namespace, key)
        texts = flat(records)
        staged = 0
        limit = self.max_request_bytes
        if limit is not None and request_bytes(texts) > limit - _FRAME_BYTES:
            keys.append(staged_key(self._namespace, key, call_id))
            for chunk in chunks(texts, limit - _FRAME_BYTES):
                staged += 1
                yield from _run(scripts.STAGE, keys[-1:], [str(staged), chunk])
            texts = []
        return (
            yield from self._clock.sending(
                lambda sent_at: _run(
                    script, keys, [f"{call_id} {sent_at} {self._ttl} {staged}", *arguments, *texts]
                )
            )
        )

    # ------------------------------------------------------------------ reading

    def _count(self, key: str) -> Plan[int]:
        keys = conversation_keys(self._namespace, key)
        return int((yield from _run(scripts.COUNT, keys[:3], [])))

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        found = yield from self._read(key, "newest", limit, before, leading)
        return Page(found.epoch, found.records[::-1], found.leading)

    def _read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[Page]:
        found = yield from self._read(key, "oldest", limit, after, 0)
        return Page(found.epoch, found.records)

    def _getting(self, key: str, limit: int | None) -> Plan[list[ChatMessage]]:
        if limit is not None:
            return (yield from super()._getting(key, limit))
        # Where others change the conversation meanwhile, fewer scripts see more of one moment.
        pages = chain([self.pages], repeat((_PAGE, _PAGE)))
        return (yield from _unchanged(lambda: self._get_once(key, *next(pages))))

    def _get_once(self, key: str, size: int, largest: int) -> Plan[list[ChatMessage] | None]:
        """Read a whole conversation; each page is decoded while the server reads the next.

        ``None`` where records went away between two pages.
        """
        messages: list[ChatMessage] = []
        first = part = yield from self._read_part(key, "oldest", size, None)
        while (part.epoch, part.cut) == (first.epoch, first.cut):
            decoded = cache(partial(_decode, key, part))
            if part.is_all:
                return messages + decoded()
            size = min(2 * size, largest)
            part = yield from self._read_part(
                key, "oldest", size, part.places[-1], meanwhile=decoded
            )
            messages += decoded()
        return None

    def _read(
        self, key: str, direction: str, limit: int | None, bound: int | None, leading: int
    ) -> Plan[_Found]:
        """Read, at one moment, what may take several scripts."""
        return _unchanged(lambda: self._read_once(key, direction, limit, bound, leading))

    def _read_once(
        self, key: str, direction: str, limit: int | None, bound: int | None, leading: int
    ) -> Plan[_Found | None]:
        """Read; ``None`` where records went away between two scripts."""
        first = part = yield from self._read_part(key, direction, limit, bound, leading)
        led, records = part.records()
        while not part.is_all and len(records) != limit:
            if len(led) < leading:
                return (yield from self._read_apart(key, direction, limit, bound, leading))
            rest = None if limit is None else limit - len(records)
            place = records[-1].position if records else bound
            part = yield from self._read_part(key, direction, rest, place)
            if (part.epoch, part.cut) != (first.epoch, first.cut):
                return None
            records = [*records, *part.records()[1]]
        return _Found(first.epoch, first.cut, led, records)

    def _read_apart(
        self, key: str, direction: str, limit: int | None, bound: int | None, leading: int
    ) -> Plan[_Found | None]:
        """Read first records that fill a reply by themselves, and then the others."""
        start = yield from self._read_once(key, "oldest", leading, None, 0)
        found = yield from self._read_once(key, direction, limit, bound, 0)
        if start is None or found is None or (start.epoch, start.cut) != (found.epoch, found.cut):
            return None
        return found._replace(leading=start.records)

    def _read_part(
        self,
        key: str,
        direction: str,
        limit: int | None,
        bound: int | None,
        leading: int = 0,
        meanwhile: Meanwhile = None,
    ) -> Plan[Part]:
        arguments = [
            direction,
            str(_PAGE if limit is None else min(limit, _PAGE)),
            "" if bound is None else str(bound),
            str(leading),
            str(self.max_reply_bytes or 0),
        ]
        keys = conversation_keys(self._namespace, key)
        reply = yield from _run(scripts.READ, keys[:3], arguments, meanwhile)
        return read_reply(reply, -1 if direction == "newest" else 1)

    def _list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[KeyPage]:
        # SCAN may list a key twice (https://redis.io/docs/latest/commands/scan/).
        place, seen = (None, set[str]()) if cursor is None else cursor
        pattern = heads_pattern(self._namespace, prefix)
        keys: list[str] = []
        while True:
            place, heads = yield from _scan(place, pattern, max(limit, 10))
            for key in [key_of_head(self._namespace, head) for head in heads]:
                if key is not None and key not in seen:
                    seen.add(key)
                    keys.append(key)
            if place is None:
                return KeyPage(keys, None)
            if len(keys) >= limit:
                return KeyPage(keys, (place, seen))


def _decode(key: str, part: Part) -> list[ChatMessage]:
    return codec.decode_all(key, part.records()[1])


def _unchanged(reading: Callable[[], Plan[T | None]]) -> Plan[T]:
    """Read again as long as the conversation changes in between."""
    for _ in range(_ATTEMPTS):
        found = yield from reading()
        if found is not None:
            return found
    raise StoreUnavailableError("the conversation was changed again and again while it was read")


def _run(
    script: Script, keys: Sequence[str], arguments: Sequence[str], meanwhile: Meanwhile = None
) -> Plan[Any]:
    return call(lambda client: client.run(script, keys, arguments, meanwhile))


def _scan(cursor: Any | None, pattern: str, count: int) -> Plan[Any]:
    return call(lambda client: client.scan(cursor, pattern, count))


def _held(reply: Sequence[str]) -> list[Existing]:
    return [
        Existing(name, unseal(stored)) for name, stored in zip(reply[::2], reply[1::2], strict=True)
    ]
