"""``TracedBackend``: spans and metrics of the calls of a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from chatstore.core.backend import (
    Append,
    Backend,
    Create,
    Delete,
    Existing,
    Insert,
    Newest,
    Oldest,
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
    WrapperBackend,
    current_call,
)
from chatstore.opentelemetry.call import Call
from chatstore.opentelemetry.observer import TelemetryObserver

C = TypeVar("C")
M = TypeVar("M")


class TracedBackend(WrapperBackend[C]):
    """Makes a span and metrics of each call of a store, and changes nothing.

    ``ChatStore(TracedBackend(store.backend))`` is a traced store. Over the other layers, it counts
    messages as the program sees them; below them, as they are stored, and keys may be hashed there.
    If there are several, the outermost makes the spans.
    """

    def __init__(
        self,
        inner: Backend[C],
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        conversation_id: Callable[[str], str] | None = str,
        content: bool = False,
    ) -> None:
        """Wrap a backend, such as the ``backend`` of any store.

        Args:
            inner: The backend.
            tracer_provider: Makes the spans; by default the program's.
            meter_provider: Makes the metrics' instruments; by default the program's.
            conversation_id: Returns ``gen_ai.conversation.id`` for a conversation's key, such as a
                keyed hash of it; by default the key. ``None``: spans have no such attribute. If it
                raises, the call goes on without the attribute.
            content: Spans also contain the messages that are read and written, as they are stored
                in ``inner``.

        """
        super().__init__(inner)
        self.observer = TelemetryObserver(
            self,
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
            conversation_id=conversation_id,
            content=content,
        )

    # ------------------------------------------------------------------ writing

    def append(self, key: str, write: Append) -> Plan[C, list[Existing]]:
        """See `Backend.append`."""
        self._writes(key, write.records)
        return (yield from self.inner.append(key, write))

    def insert(self, key: str, write: Insert) -> Plan[C, list[Existing]]:
        """See `Backend.insert`."""
        self._writes(key, [write.record])
        return (yield from self.inner.insert(key, write))

    def put(self, key: str, write: Put) -> Plan[C, None]:
        """See `Backend.put`."""
        self._writes(key, [write.record])
        yield from self.inner.put(key, write)

    def replace(self, key: str, write: Replace) -> Plan[C, None]:
        """See `Backend.replace`."""
        self._writes(key, write.records)
        yield from self.inner.replace(key, write)

    def remove(self, key: str, write: Remove) -> Plan[C, StoredRecord | None]:
        """See `Backend.remove`; the removed message counts as read."""
        record = yield from self.inner.remove(key, write)
        self._reads(key, [] if record is None else [record])
        return record

    def truncate(self, key: str, write: Truncate) -> Plan[C, int]:
        """See `Backend.truncate`."""
        self._uses(key)
        return (yield from self.inner.truncate(key, write))

    def create(self, key: str, write: Create) -> Plan[C, StoredConversation | None]:
        """See `Backend.create`."""
        self._writes(key, write.records)
        return (yield from self.inner.create(key, write))

    def update(self, key: str, write: Update) -> Plan[C, StoredConversation | None]:
        """See `Backend.update`."""
        self._uses(key)
        return (yield from self.inner.update(key, write))

    def delete(self, key: str, write: Delete) -> Plan[C, None]:
        """See `Backend.delete`."""
        self._uses(key)
        yield from self.inner.delete(key, write)

    # ------------------------------------------------------------------ reading

    def count(self, key: str) -> Plan[C, int]:
        """See `Backend.count`."""
        self._uses(key)
        return (yield from self.inner.count(key))

    def read_newest(self, key: str, read: Newest) -> Plan[C, Page]:
        """See `Backend.read_newest`."""
        return self._page(key, (yield from self.inner.read_newest(key, read)))

    def read_oldest(self, key: str, read: Oldest) -> Plan[C, Page]:
        """See `Backend.read_oldest`."""
        return self._page(key, (yield from self.inner.read_oldest(key, read)))

    def find(self, key: str, message_id: str) -> Plan[C, Page]:
        """See `Backend.find`."""
        return self._page(key, (yield from self.inner.find(key, message_id)))

    def read_all(
        self, key: str, decode: Callable[[Sequence[StoredRecord]], list[M]]
    ) -> Plan[C, list[M]]:
        """See `Backend.read_all`."""

        def counted(records: Sequence[StoredRecord]) -> list[M]:
            self._reads(key, records)
            return decode(records)

        self._uses(key)
        return (yield from self.inner.read_all(key, counted))

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[C, Sequence[StoredConversation | None]]:
        """See `Backend.read_conversations`."""
        self._uses(*keys)
        return (yield from self.inner.read_conversations(keys))

    # ------------------------------------------------------------------ counting

    def _page(self, key: str, page: Page) -> Page:
        # The first records of a short conversation are among the newest, too.
        records = {record.position: record for record in (*page.leading, *page.records)}
        self._reads(key, records.values())
        return page

    def _writes(self, key: str, records: Sequence[Record]) -> None:
        call = self._call()
        if call is not None:
            call.keys.add(key)
            call.count(call.written, [record.body for record in records])

    def _reads(self, key: str, records: Iterable[StoredRecord]) -> None:
        call = self._call()
        if call is not None:
            call.keys.add(key)
            call.count(call.read, [record.body for record in records])

    def _uses(self, *keys: str) -> None:
        call = self._call()
        if call is not None:
            call.keys.update(keys)

    def _call(self) -> Call | None:
        """Return the running call; ``None`` if another observer observes it."""
        call = current_call.get()
        return call if isinstance(call, Call) and call.observer is self.observer else None
