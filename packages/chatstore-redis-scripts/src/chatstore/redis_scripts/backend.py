"""``ScriptBackend``: a backend over scripts, one script and one round trip for each operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any, TypeVar

from chatstore.core import ChatStoreError
from chatstore.core.backend import (
    Append,
    Backend,
    ConversationRecord,
    Create,
    Delete,
    Existing,
    Insert,
    KeyPage,
    Newest,
    Oldest,
    OwnedPage,
    Page,
    Plan,
    Put,
    Record,
    Remove,
    Replace,
    StoredConversation,
    StoredRecord,
    Truncate,
    Update,
    async_run,
    check_ttl,
    run,
)
from chatstore.redis_scripts import scripts
from chatstore.redis_scripts.client import ScriptClient
from chatstore.redis_scripts.clients import Clients
from chatstore.redis_scripts.conversations import (
    conversation_of,
    read_conversation,
    record_arguments,
)
from chatstore.redis_scripts.layout import KeySpace, check_namespace, slot_of, unseal
from chatstore.redis_scripts.owners import OwnerLists
from chatstore.redis_scripts.reading import Limits, Reader
from chatstore.redis_scripts.scripts import Script
from chatstore.redis_scripts.sending import Sender
from chatstore.redis_scripts.writing import Writer

T = TypeVar("T")
M = TypeVar("M")
_MAX_TTL = 1e12  # seconds; Redis does not accept later deadlines
_MIN_SCAN = 10  # keys; shorter steps cost more requests than they save
_MAX_BATCH = 200  # conversations that one script reads; their records may have 17 KB each
_OWNERS = "owned:"  # the section of the owners' lists
# What the bodies begin with that need no check before they are removed.
_MESSAGE, _ENTRY = '{"v":1,', "{"


class ScriptBackend(Backend[ScriptClient]):
    """Keeps conversations in Redis.

    Attributes:
        clients: The clients of sync and async calls.
        limits: The sizes of requests and replies.
        writer: Runs the writing scripts.

    """

    system = "redis"
    max_combined_records = 100

    def __init__(
        self,
        clients: Clients,
        sender: Sender,
        *,
        namespace: str = "chatstore",
        ttl: float | None = None,
        limits: Limits = Limits(),  # noqa: B008 - it cannot be changed
        is_cluster: bool = False,
        section: str = "",
    ) -> None:
        """Use clients; nothing is sent before the first call.

        Args:
            clients: The clients of sync and async calls.
            sender: Retries commands where that is safe, and translates errors.
            namespace: The beginning of all keys of this store in Redis.
            ttl: Seconds after its last write until a conversation expires; ``None``: it stays.
            limits: The sizes of requests and replies.
            is_cluster: Whether the keys of a script must have one slot.
            section: Precedes the names of the parts of conversations.

        Raises:
            InvalidArgumentError: ``namespace`` or ``ttl`` is not valid.

        """
        self.clients = clients
        self.limits = limits
        self._sender = sender
        self._is_cluster = is_cluster
        self._space = KeySpace(check_namespace(namespace), section)
        self._readable = _ENTRY if section == _OWNERS else _MESSAGE
        seconds = check_ttl(ttl)
        milliseconds = None if seconds is None else round(min(seconds, _MAX_TTL) * 1000)
        self.writer = Writer(
            sender,
            self._space,
            "" if milliseconds is None else str(max(1, milliseconds)),
            limits,
        )

    @cached_property
    def _owners(self) -> OwnerLists:
        """The owners' lists, which are conversations in a section of their own."""
        lists = ScriptBackend(
            self.clients,
            self._sender,
            namespace=self._space.namespace,
            limits=self.limits,
            is_cluster=self._is_cluster,
            section=_OWNERS,
        )
        return OwnerLists(lists, self)

    # ------------------------------------------------------------------ running plans

    def run(self, plan: Plan[ScriptClient, T]) -> T:
        """Run a plan with the client that all threads share."""
        return run(plan, self.clients.for_threads())

    async def async_run(self, plan: Plan[ScriptClient, T]) -> T:
        """Run a plan with the client of the running event loop."""
        return await async_run(plan, await self.clients.for_loop())

    def translate(self, error: Exception) -> ChatStoreError | None:
        """See `Backend.translate`."""
        return self._sender.translate(error)

    def close(self) -> None:
        """Close the clients that this store opened."""
        self.clients.close()

    async def async_close(self) -> None:
        """Like `close`, and wait until the client of the running event loop is closed."""
        await self.clients.async_close()

    # ------------------------------------------------------------------ writing messages

    def append(self, key: str, write: Append) -> Plan[ScriptClient, list[Existing]]:
        """See `Backend.append`."""
        revision = write.expected_revision
        reply = yield from self._write(scripts.APPEND, key, revision, records=write.records)
        return _existing(reply)

    def insert(self, key: str, write: Insert) -> Plan[ScriptClient, list[Existing]]:
        """See `Backend.insert`."""
        reply = yield from self._write(
            scripts.INSERT,
            key,
            write.expected_revision,
            [str(write.index)],
            [write.record],
        )
        return _existing(reply)

    def put(self, key: str, write: Put) -> Plan[ScriptClient, None]:
        """See `Backend.put`."""
        place = ["end" if write.moves_to_end else ""]
        yield from self._write(scripts.PUT, key, write.expected_revision, place, [write.record])

    def replace(self, key: str, write: Replace) -> Plan[ScriptClient, None]:
        """See `Backend.replace`."""
        revision = write.expected_revision
        yield from self._write(scripts.REPLACE, key, revision, records=write.records)

    def remove(self, key: str, write: Remove) -> Plan[ScriptClient, StoredRecord | None]:
        """See `Backend.remove`; only a record whose checksum does not match is checked."""
        target = ["index" if isinstance(write.target, int) else "id", str(write.target)]
        checked = ""
        while True:
            arguments = [*target, checked, self._readable]
            reply = yield from self._write(scripts.REMOVE, key, write.expected_revision, arguments)
            if not reply:
                return None
            outcome, position, stored = reply
            record = StoredRecord(int(position), unseal(stored))
            if outcome == "removed":
                return record
            write.check(record)
            checked = stored

    def truncate(self, key: str, write: Truncate) -> Plan[ScriptClient, int]:
        """See `Backend.truncate`."""
        arguments = [write.from_id]
        [count] = yield from self._write(scripts.TRUNCATE, key, write.expected_revision, arguments)
        return int(count)

    # ------------------------------------------------------------------ writing conversations

    def create(self, key: str, write: Create) -> Plan[ScriptClient, StoredConversation | None]:
        """See `Backend.create`; a conversation with an owner takes a second request."""
        return self._owners.create(key, write, partial(self._create, key))

    def update(self, key: str, write: Update) -> Plan[ScriptClient, StoredConversation | None]:
        """See `Backend.update`; a change of the owner takes up to two more requests."""
        return self._owners.update(key, write, partial(self._update, key))

    def delete(self, key: str, write: Delete) -> Plan[ScriptClient, None]:
        """See `Backend.delete`; a conversation with an owner takes a second request."""
        reply = yield from self._write(scripts.DELETE, key, write.expected_revision)
        if reply:
            entry, owner = reply
            yield from self._owners.forget(ConversationRecord(owner, index_entry=entry))

    def _create(self, key: str, write: Create) -> Plan[ScriptClient, StoredConversation | None]:
        arguments = record_arguments(write.record)
        reply = yield from self._write(scripts.CREATE, key, None, arguments, write.records)
        return conversation_of(reply[0], write.record) if reply else None

    def _update(self, key: str, write: Update) -> Plan[ScriptClient, StoredConversation | None]:
        arguments = [*record_arguments(write.before), *record_arguments(write.after)]
        reply = yield from self._write(scripts.UPDATE, key, write.expected_revision, arguments)
        return conversation_of(reply[0], write.after) if reply else None

    def _write(
        self,
        script: Script,
        key: str,
        expected_revision: str | None,
        arguments: Sequence[str] = (),
        records: Sequence[Record] = (),
    ) -> Plan[ScriptClient, Sequence[str]]:
        """Run a writing script, and refresh the entry in the owner's list if it is due."""
        written = yield from self.writer.run(script, key, arguments, records, expected_revision)
        if written.due is not None:
            yield from self._owners.refresh(key, written.due)
        return written.reply

    # ------------------------------------------------------------------ reading messages

    def count(self, key: str) -> Plan[ScriptClient, int]:
        """See `Backend.count`."""
        return int((yield from self._sender.run(scripts.COUNT, self._space.keys(key)[:3], [])))

    def read_newest(self, key: str, read: Newest) -> Plan[ScriptClient, Page]:
        """See `Backend.read_newest`."""
        return self._reader(key).newest(read)

    def read_oldest(self, key: str, read: Oldest) -> Plan[ScriptClient, Page]:
        """See `Backend.read_oldest`."""
        return self._reader(key).oldest(read)

    def find(self, key: str, message_id: str) -> Plan[ScriptClient, Page]:
        """See `Backend.find`."""
        return self._reader(key).find(message_id)

    def read_all(
        self, key: str, decode: Callable[[Sequence[StoredRecord]], list[M]]
    ) -> Plan[ScriptClient, list[M]]:
        """See `Backend.read_all`; each page is decoded while the server reads the next."""
        return self._reader(key).decode_all(decode)

    def _reader(self, key: str) -> Reader:
        return Reader(self._sender, self._space.keys(key)[:3], self.limits)

    # ------------------------------------------------------------------ reading conversations

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[ScriptClient, Sequence[StoredConversation | None]]:
        """See `Backend.read_conversations`; a cluster reads each slot by itself, at once."""
        batches = list(self._batches(keys))
        names = [[name for key in batch for name in self._space.keys(key)[:3]] for batch in batches]
        replies = yield from self._sender.run_all(scripts.CONVERSATIONS, names)
        stored: dict[str, StoredConversation | None] = {}
        for batch, reply in zip(batches, replies, strict=True):
            stored.update(zip(batch, map(read_conversation, reply), strict=True))
        return [stored[key] for key in keys]

    def _batches(self, keys: Sequence[str]) -> Iterator[Sequence[str]]:
        """Return keys that one script can read."""
        slots: dict[int, list[str]] = {}
        for key in keys:
            slots.setdefault(slot_of(key) if self._is_cluster else 0, []).append(key)
        for slot in slots.values():
            for start in range(0, len(slot), _MAX_BATCH):
                yield slot[start : start + _MAX_BATCH]

    def list_owned(
        self, owner: str, limit: int, cursor: Any | None
    ) -> Plan[ScriptClient, OwnedPage]:
        """See `Backend.list_owned`; the order may lag by a minute."""
        return self._owners.list_owned(owner, limit, cursor)

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[ScriptClient, KeyPage]:
        """See `Backend.list_keys`; a key may be listed again while the database is resized."""
        pattern = self._space.heads_pattern(prefix)
        keys: dict[str, None] = {}  # SCAN may list a key twice
        while True:
            page = yield from self._sender.scan(cursor, pattern, max(limit, _MIN_SCAN))
            cursor = page.cursor
            listed = map(self._space.key_of_head, page.names)
            keys.update((key, None) for key in listed if key is not None)
            if cursor is None or len(keys) >= limit:
                return KeyPage(list(keys), cursor)

    # ------------------------------------------------------------------ maintenance

    def check(self, key: str) -> Plan[ScriptClient, None]:
        """See `Backend.check`; one script calls each command, and a step of SCAN lists keys."""
        yield from self._sender.run(scripts.CHECK, self._space.keys(key)[:3], [])
        yield from self._sender.scan(None, self._space.heads_pattern(key), 1)


def _existing(reply: Sequence[str]) -> list[Existing]:
    return [Existing(id_, unseal(body)) for id_, body in zip(reply[::2], reply[1::2], strict=True)]
