"""``MediaBackend``: media of messages are objects in a folder, not in the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Generic, Literal, TypeVar, get_args

from typing_extensions import NamedTuple

from chatstore.core.backend import (
    Append,
    Backend,
    Create,
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
    WrapperBackend,
)
from chatstore.core.errors import CorruptMessageError, InvalidArgumentError
from chatstore.media import driving
from chatstore.media.drafts import Draft, make_drafts, payloads_of
from chatstore.media.folder import MediaFolder
from chatstore.media.payloads import Payload
from chatstore.media.reading import (
    Find,
    Join,
    Reading,
    Unread,
    content_of,
    has_envelopes,
    join_content,
    join_urls,
)
from chatstore.media.transfers import transfer

C = TypeVar("C")
T = TypeVar("T")
M = TypeVar("M")

Read = Literal["content", "references", "urls"]

_READS = get_args(Read)
MAX_URL_SECONDS = 7 * 24 * 3600


class MediaBackend(WrapperBackend[C]):
    """Keeps images, audio, videos and documents of messages in a folder of objects.

    Media are base64 text and data URLs in a message's content and additional_kwargs. An object is
    uploaded before the message that refers to it is written, and downloaded and checked when it
    is read: callers see the messages that they wrote.

    Attributes:
        folder: The folder.

    """

    def __init__(
        self,
        inner: Backend[C],
        folder: MediaFolder,
        *,
        min_bytes: int = 65_536,
        read: Read = "content",
        url_seconds: int = 3600,
    ) -> None:
        """Wrap a backend, such as the ``backend`` of any store.

        Args:
            inner: Stores the messages without their media. Its limit of a message's size does not
                count the media.
            folder: Stores the media; it belongs to this database.
            min_bytes: Smaller media stay in their messages.
            read: What readers get in the place of media: the content; the URL of the object for
                fsspec; or a signed URL. Without the content, messages cannot be written.
            url_seconds: For how long signed URLs are valid.

        Raises:
            InvalidArgumentError: ``read`` or a number is not valid, or URLs would lead to sealed
                objects.

        """
        super().__init__(inner)
        self.max_message_bytes = None
        if read not in _READS:
            raise InvalidArgumentError(f"read must be one of {', '.join(_READS)}")
        if read == "urls" and folder.is_sealed:
            raise InvalidArgumentError("signed URLs would lead to sealed objects; read the content")
        _check_integer(min_bytes, "min_bytes", 2**40)
        _check_integer(url_seconds, "url_seconds", MAX_URL_SECONDS)
        self.folder = folder
        self._min_bytes = min_bytes
        self._read = read
        self._finders: dict[str, tuple[Find, Join]] = {
            "content": (partial(content_of, folder), join_content),
            "references": (folder.address, join_urls),
            "urls": (partial(folder.sign, seconds=url_seconds), join_urls),
        }

    # ------------------------------------------------------------------ running plans

    def run(self, plan: Plan[C, T]) -> T:
        """See `Backend.run`; transfers run between two runs of the inner backend."""
        return driving.run(plan, self.inner)

    async def async_run(self, plan: Plan[C, T]) -> T:
        """See `Backend.async_run`."""
        return await driving.async_run(plan, self.inner)

    def close(self) -> None:
        """See `Backend.close`."""
        self.folder.close()
        self.inner.close()

    async def async_close(self) -> None:
        """See `Backend.async_close`."""
        self.folder.close()
        await self.inner.async_close()

    def check(self, key: str) -> Plan[C, None]:
        """See `Backend.check`; the folder is checked, too."""
        yield from self.inner.check(key)
        job = partial(self.folder.check, writes=self._read == "content")
        yield from transfer(self.folder.threads, [job])

    # ------------------------------------------------------------------ writing

    def append(self, key: str, write: Append) -> Plan[C, list[Existing]]:
        """See `Backend.append`."""
        drafts = self._drafts(write.records)
        return self._add(
            drafts,
            lambda records: self.inner.append(key, Append(records, write.expected_revision)),
        )

    def insert(self, key: str, write: Insert) -> Plan[C, list[Existing]]:
        """See `Backend.insert`."""
        drafts = self._drafts([write.record])
        return self._add(
            drafts,
            lambda records: self.inner.insert(
                key, Insert(write.index, records[0], write.expected_revision)
            ),
        )

    def put(self, key: str, write: Put) -> Plan[C, None]:
        """See `Backend.put`."""
        drafts = self._drafts([write.record])
        return self._write(
            drafts,
            lambda records: self.inner.put(
                key, Put(records[0], write.moves_to_end, write.expected_revision)
            ),
        )

    def replace(self, key: str, write: Replace) -> Plan[C, None]:
        """See `Backend.replace`."""
        drafts = self._drafts(write.records)
        return self._write(
            drafts,
            lambda records: self.inner.replace(key, Replace(records, write.expected_revision)),
        )

    def create(self, key: str, write: Create) -> Plan[C, StoredConversation | None]:
        """See `Backend.create`."""
        drafts = self._drafts(write.records)
        return self._write(
            drafts, lambda records: self.inner.create(key, Create(write.record, records))
        )

    def remove(self, key: str, write: Remove) -> Plan[C, StoredRecord | None]:
        """See `Backend.remove`; the media are read before the message is removed."""
        reading = self._reading()

        def check(record: StoredRecord) -> None:
            try:
                write.check(reading.original_or_stored(record))
            except CorruptMessageError as error:
                raise reading.failure(record) or error from None

        removal = Remove(write.target, check, write.expected_revision)
        while True:  # ends: a record is read once, and others only if they take its place
            try:
                record = yield from self.inner.remove(key, removal)
            except Unread as unread:
                yield from reading.read_or_fail([unread.record])
                continue
            if record is None:
                return None
            yield from reading.read_or_fail([record])
            return reading.original_or_stored(record)

    def _add(
        self, drafts: Sequence[Draft], write: Callable[[Sequence[Record]], Plan[C, list[Existing]]]
    ) -> Plan[C, list[Existing]]:
        existing = yield from self._write(drafts, write)
        reading = self._reading(payloads_of(drafts))
        bodies = [StoredRecord(-1, item.body) for item in existing]
        yield from reading.read(bodies)
        return [
            Existing(item.id, reading.original(record).body)
            for item, record in zip(existing, bodies, strict=True)
        ]

    def _write(
        self, drafts: Sequence[Draft], write: Callable[[Sequence[Record]], Plan[C, T]]
    ) -> Plan[C, T]:
        """Upload the media of records, and write the records with references."""
        payloads = payloads_of(drafts)
        began = time.time()
        names = yield from self._upload(payloads)
        result = yield from write([draft.stored(names) for draft in drafts])
        if payloads and time.time() - began > self.folder.grace:
            # This program was suspended: a collection may have taken the objects for abandoned.
            yield from self._rescue(payloads, names)
        return result

    def _upload(self, payloads: Mapping[str, Payload]) -> Plan[C, dict[str, str]]:
        jobs = [partial(self.folder.upload, payload) for payload in payloads.values()]
        names = yield from transfer(self.folder.threads, jobs)
        return dict(zip(payloads, names, strict=True))

    def _rescue(self, payloads: Mapping[str, Payload], names: Mapping[str, str]) -> Plan[C, None]:
        jobs = [partial(self.folder.rescue, names[digest], payloads[digest]) for digest in names]
        yield from transfer(self.folder.threads, jobs)

    def _drafts(self, records: Sequence[Record]) -> list[Draft]:
        if records and self._read != "content":
            raise InvalidArgumentError(
                f"this store reads {self._read} instead of media, so what it reads must not be "
                "written: use a store with read='content' for writing messages"
            )
        return make_drafts(records, self._min_bytes, self.inner.max_message_bytes)

    # ------------------------------------------------------------------ reading

    def read_newest(self, key: str, read: Newest) -> Plan[C, Page]:
        """See `Backend.read_newest`."""
        page = yield from self.inner.read_newest(key, read)
        return (yield from self._page(page))

    def read_oldest(self, key: str, read: Oldest) -> Plan[C, Page]:
        """See `Backend.read_oldest`."""
        page = yield from self.inner.read_oldest(key, read)
        return (yield from self._page(page))

    def find(self, key: str, message_id: str) -> Plan[C, Page]:
        """See `Backend.find`."""
        page = yield from self.inner.find(key, message_id)
        return (yield from self._page(page))

    def read_all(
        self, key: str, decode: Callable[[Sequence[StoredRecord]], list[M]]
    ) -> Plan[C, list[M]]:
        """See `Backend.read_all`; what has no media is decoded at once."""

        def decode_some(records: Sequence[StoredRecord]) -> list[_Batch[M]]:
            if has_envelopes(records):
                return [_Batch(records, [])]
            return [_Batch((), decode(records))]

        batches = yield from self.inner.read_all(key, decode_some)
        reading = self._reading()
        yield from reading.read(record for batch in batches for record in batch.records)
        for batch in batches:
            if batch.records:
                batch.decoded.extend(decode(reading.originals(batch.records)))
        return [item for batch in batches for item in batch.decoded]

    def _page(self, page: Page) -> Plan[C, Page]:
        if not has_envelopes(page.records) and not has_envelopes(page.leading):
            return page
        reading = self._reading()
        yield from reading.read([*page.leading, *page.records])
        return page._replace(
            records=reading.originals(page.records), leading=reading.originals(page.leading)
        )

    def _reading(self, payloads: Mapping[str, Payload] | None = None) -> Reading:
        find, join = self._finders[self._read]
        return Reading(self.folder, find, join, payloads or {})


class _Batch(NamedTuple, Generic[M]):
    """Records that were read at once, or what they were decoded to."""

    records: Sequence[StoredRecord]
    decoded: list[M]


def _check_integer(value: object, name: str, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise InvalidArgumentError(f"{name} must be an integer from 1 to {most}")
