"""``SimpleChatStore``: conversations in memory, and in a JSON file when asked."""

from __future__ import annotations

import itertools
import threading
import time
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, TypeVar

from typing_extensions import Self

from chatstore.core import codec, json_file
from chatstore.core.checks import check_ttl
from chatstore.core.errors import ChatStoreError, InvalidArgumentError
from chatstore.core.forks import ForkAware, watch
from chatstore.core.plans import Plan, call, run
from chatstore.core.records import Held, KeyPage, Page, Record, StoredRecord
from chatstore.core.store import ChatStore

T = TypeVar("T")
_epochs = itertools.count()


def _position(record: StoredRecord) -> int:
    return record.position


@dataclass
class _Conversation:
    """One conversation: records by growing position, bodies by id, ids by position."""

    epoch: int = field(default_factory=lambda: next(_epochs))
    next_position: int = 0
    records: list[StoredRecord] = field(default_factory=list)
    bodies: dict[str, str] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    expires_at: float | None = None

    def is_expired(self, now: float) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def held(self, records: Sequence[Record]) -> list[Held]:
        return [Held(r.id, self.bodies[r.id]) for r in records if r.id in self.bodies]

    def extend(self, records: Sequence[Record]) -> None:
        for record in records:
            self.records.append(StoredRecord(self.next_position, record.body))
            self.bodies[record.id] = record.body
            self.ids[self.next_position] = record.id
            self.next_position += 1

    def forget(self, record: StoredRecord) -> None:
        """Forget the id of a record that was removed, even if its body is damaged."""
        self.bodies.pop(self.ids.pop(record.position, ""), None)

    def move_to_end(self, record: StoredRecord) -> None:
        """Give a record a new position behind all others."""
        self.ids[self.next_position] = self.ids.pop(record.position)
        self.records.append(StoredRecord(self.next_position, record.body))
        self.next_position += 1


class SimpleChatStore(ChatStore, ForkAware):
    """Keeps conversations in memory, for tests and small programs.

    It is shared by threads and tasks, not by processes. `persist` writes a JSON file, replaced
    atomically, which `from_persist_path` reads.
    """

    def __init__(self, *, ttl: float | None = None, clock: Callable[[], float] = time.time) -> None:
        """Make an empty store.

        Args:
            ttl: Seconds after its last write after which a conversation is gone.
            clock: Returns the time in seconds since 1970.

        Raises:
            InvalidArgumentError: ``ttl`` is no positive number.

        """
        self._ttl = check_ttl(ttl)
        self._clock = clock
        self._lock = threading.RLock()
        # With a ttl, in the order of the last writes: what expires first stands first.
        self._conversations: OrderedDict[str, _Conversation] = OrderedDict()
        watch(self)
        self._file: json_file.BoundFile | None = None
        self._saves_on_close = False

    # ------------------------------------------------------------------ JSON

    def persist(self, persist_path: str | PathLike[str] | None = None) -> None:
        """Write all conversations to a JSON file, atomically.

        Without a path, it is the file that `from_persist_path` read.

        Raises:
            InvalidArgumentError: There is no path.
            StoreAccessError: The file cannot be written.
            StoreFullError: The disk is full; the old file is whole.
            ConversationChangedError: Somebody else changed the file since this store read it.

        """
        with self._lock:
            if persist_path is not None:
                path = json_file.check_path(persist_path)
                if self._file is None or self._file.path != path:
                    self._file = json_file.BoundFile(path, signature=None, is_read=False)
            if self._file is None:
                message = "persist() needs a path: this store was not read from a file"
                raise InvalidArgumentError(message)
            self._file = json_file.write(self._file, self.json())

    @classmethod
    def from_persist_path(
        cls,
        persist_path: str | PathLike[str],
        *,
        ttl: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Read a file that `persist`, or LlamaIndex's ``SimpleChatStore``, wrote.

        A missing file is an empty store.

        Raises:
            CorruptStoreError: The file is no such file.
            StoreAccessError: It cannot be read.
            SchemaVersionError: A later version wrote it.

        """
        store = cls(ttl=ttl, clock=clock)
        bound, text = json_file.read(json_file.check_path(persist_path))
        store._file = bound
        if text is not None:
            store._load(text)
        return store

    def json(self) -> str:
        """Return all conversations as JSON text."""
        with self._lock:
            now = self._clock()
            return json_file.dump(
                {
                    key: (conversation.expires_at, [r.body for r in conversation.records])
                    for key, conversation in self._conversations.items()
                    if not conversation.is_expired(now)
                }
            )

    @classmethod
    def parse_raw(cls, text: str) -> Self:
        """Return a store of what `json` returned.

        Raises:
            CorruptStoreError: The text is no such text.
            SchemaVersionError: A later version wrote it.

        """
        store = cls()
        store._load(text)
        return store

    def _load(self, text: str) -> None:
        loaded = json_file.load(text)
        for key in sorted(loaded, key=lambda key: loaded[key][0] or 0.0):
            expires_at, records = loaded[key]
            conversation = _Conversation(expires_at=expires_at)
            conversation.extend(records)
            self._conversations[key] = conversation

    # ------------------------------------------------------------------ copying

    def __reduce__(self) -> Any:
        """Pickle the conversations too, which exist nowhere else."""
        construct, arguments = super().__reduce__()
        state = (self.json(), self._file, self._saves_on_close)
        return _restored, (construct, arguments, state)

    def __copy__(self) -> Self:
        """Return the store itself."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a store of its own with the same conversations."""
        args, kwargs = self._constructed_with
        state = (self.json(), self._file, self._saves_on_close)
        copied: Any = _restored(lambda: type(self)(*args, **kwargs), (), state)
        return copied  # type: ignore[no-any-return]

    def restore(self, text: str, file: json_file.BoundFile | None, saves_on_close: bool) -> None:
        """Take the conversations of a copy, as `json` returned them, and its file."""
        self._load(text)
        self._file = file
        self._saves_on_close = saves_on_close

    # ------------------------------------------------------------------ forks

    def before_fork(self) -> None:
        """Let calls end before a fork, so that the child sees none of them half done."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Go on."""
        self._lock.release()

    # ------------------------------------------------------------------ drivers

    def _execute(self, plan: Plan[T]) -> T:
        with self._lock:
            return run(plan, self._conversations)

    async def _async_execute(self, plan: Plan[T]) -> T:
        return self._execute(plan)  # nothing in it waits

    def _translate(self, error: Exception) -> ChatStoreError | None:  # noqa: ARG002 - no driver
        return None

    def _close(self) -> None:
        if self._saves_on_close:
            self.persist()

    async def _async_close(self) -> None:
        self._close()

    # ------------------------------------------------------------------ hooks

    def _find(self, key: str) -> Plan[_Conversation | None]:
        """Return a living conversation; an expired one is dropped."""
        conversations = yield from call(lambda all_of_them: all_of_them)
        found: _Conversation | None = conversations.get(key)
        if found is None or not found.is_expired(self._clock()):
            return found
        del conversations[key]
        return None

    def _written(self, key: str, conversation: _Conversation) -> Plan[None]:
        """Keep a conversation that was changed; an empty one is none."""
        now = self._clock()
        conversations = yield from call(lambda all_of_them: all_of_them)
        if not conversation.records:
            conversations.pop(key, None)
            return
        conversations[key] = conversation
        if self._ttl is not None:
            conversation.expires_at = now + self._ttl
            conversations.move_to_end(key)
            while next(iter(conversations.values())).is_expired(now):
                conversations.popitem(last=False)

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Held]]:
        conversation = (yield from self._find(key)) or _Conversation()
        held = conversation.held(records)
        if not held:
            conversation.extend(records)
            yield from self._written(key, conversation)
        return held

    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Held]]:
        conversation = (yield from self._find(key)) or _Conversation()
        held = conversation.held([record])
        if not held:
            # Positions only grow: what follows the new message gets new ones.
            place = slice(index, None).indices(len(conversation.records))[0]
            tail = conversation.records[place:]
            del conversation.records[place:]
            conversation.extend([record])
            for moved in tail:
                conversation.move_to_end(moved)
            if tail:
                conversation.epoch = next(_epochs)
            yield from self._written(key, conversation)
        return held

    def _replace(self, key: str, records: Sequence[Record]) -> Plan[None]:
        conversation = _Conversation()
        conversation.extend(records)
        yield from self._written(key, conversation)

    def _delete(self, key: str) -> Plan[None]:
        yield from call(lambda conversations: conversations.pop(key, None))

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        conversation = yield from self._find(key)
        if conversation is None:
            return None
        count = len(conversation.records)
        if not -count <= index < count:
            return None
        record = conversation.records[index]
        if not force:
            codec.decode(key, record.position, record.body)
        del conversation.records[index]
        conversation.forget(record)
        yield from self._written(key, conversation)
        return record

    def _count(self, key: str) -> Plan[int]:
        conversation = yield from self._find(key)
        return 0 if conversation is None else len(conversation.records)

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        conversation = yield from self._find(key)
        if conversation is None:
            return Page(None, [])
        records = conversation.records
        end = len(records) if before is None else bisect_left(records, before, key=_position)
        start = 0 if limit is None else max(0, end - limit)
        return Page(conversation.epoch, records[start:end], records[:leading])

    def _read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[Page]:
        conversation = yield from self._find(key)
        if conversation is None:
            return Page(None, [])
        records = conversation.records
        start = 0 if after is None else bisect_right(records, after, key=_position)
        return Page(conversation.epoch, records[start : start + limit])

    def _list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[KeyPage]:
        conversations = yield from call(lambda all_of_them: all_of_them)
        now = self._clock()
        keys = sorted(
            key
            for key, conversation in conversations.items()
            if key.startswith(prefix)
            and (cursor is None or key > cursor)
            and not conversation.is_expired(now)
        )
        page = keys[:limit]
        return KeyPage(page, page[-1] if len(keys) > limit else None)


def _restored(
    construct: Callable[..., SimpleChatStore],
    arguments: tuple[Any, ...],
    state: tuple[str, json_file.BoundFile | None, bool],
) -> SimpleChatStore:
    """Return the store that a `SimpleChatStore` was pickled as."""
    store = construct(*arguments)
    store.restore(*state)
    return store
