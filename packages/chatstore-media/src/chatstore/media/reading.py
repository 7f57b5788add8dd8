"""Puts media, or URLs of them, back into the bodies that a backend returned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from chatstore.core.backend import Plan, StoredRecord, StoredRecords
from chatstore.media.envelopes import Parts, Reference, is_envelope, parse, references_in
from chatstore.media.errors import MediaError
from chatstore.media.folder import MediaFolder
from chatstore.media.payloads import Payload, encode
from chatstore.media.transfers import transfer
from chatstore.media.views import with_urls

Find = Callable[[Reference], str]
Join = Callable[[Parts, Mapping[Reference, str]], str]


class Unread(Exception):  # noqa: N818 - a signal to the plan, which no caller sees
    """The media of a record must be read first."""

    def __init__(self, record: StoredRecord) -> None:
        """Take the record."""
        super().__init__()
        self.record = record


class Reading:
    """The media of one call: what was read, and what could not be read."""

    def __init__(
        self, folder: MediaFolder, find: Find, join: Join, payloads: Mapping[str, Payload]
    ) -> None:
        """Read nothing yet.

        Args:
            folder: The folder.
            find: Returns the text for a reference; it may block.
            join: Returns a body.
            payloads: Media that are at hand, by digest.

        """
        self._folder = folder
        self._find = find
        self._join = join
        self._payloads = payloads
        self._texts: dict[Reference, str | MediaError] = {}

    def read(self, records: Iterable[StoredRecord]) -> Plan[Any, None]:
        """Read the media of records.

        Raises:
            MediaError: An object is missing or damaged.

        """
        yield from self.read_or_fail(records)
        for text in self._texts.values():
            if isinstance(text, MediaError):
                raise text

    def read_or_fail(self, records: Iterable[StoredRecord]) -> Plan[Any, None]:
        """Read the media of records, and remember which of them are missing or damaged."""
        references = dict.fromkeys(
            reference for record in records for reference in references_in(record.body)
        )
        unread = [reference for reference in references if not self._is_read(reference)]
        jobs = [lambda one=one: self._attempt(one) for one in unread]
        texts = yield from transfer(self._folder.threads, jobs)
        self._texts.update(zip(unread, texts, strict=True))

    def original(self, record: StoredRecord) -> StoredRecord:
        """Return a record whose media were read as it was written."""
        return record._replace(body=self._body(record.body))

    def originals(self, records: Sequence[StoredRecord]) -> Sequence[StoredRecord]:
        """Return records whose media were read as they were written."""
        if not has_envelopes(records):
            return records
        positions = [record.position for record in records]
        return StoredRecords(positions, [self._body(record.body) for record in records])

    def original_or_stored(self, record: StoredRecord) -> StoredRecord:
        """Return a record as it was written; as it is stored, if media are missing or damaged.

        Raises:
            Unread: Its media were not read.

        """
        references = references_in(record.body)
        if not all(map(self._is_read, references)):
            raise Unread(record)
        return record if self.failure(record) else self.original(record)

    def failure(self, record: StoredRecord) -> MediaError | None:
        """Return why a record cannot be read."""
        texts = map(self._texts.get, references_in(record.body))
        return next((text for text in texts if isinstance(text, MediaError)), None)

    def _is_read(self, reference: Reference) -> bool:
        payload = self._payloads.get(reference.digest)
        if payload is not None and payload.encoding == reference.encoding:
            self._texts[reference] = payload.text
        return reference in self._texts

    def _attempt(self, reference: Reference) -> str | MediaError:
        try:
            return self._find(reference)
        except MediaError as error:
            return error

    def _body(self, body: str) -> str:
        parts = parse(body) if is_envelope(body) else None
        if parts is None:
            return body  # reading a damaged envelope as a message says so
        references = [part for part in parts if isinstance(part, Reference)]
        texts = {one: text for one in references if isinstance(text := self._texts[one], str)}
        return self._join(parts, texts)


def content_of(folder: MediaFolder, reference: Reference) -> str:
    """Return an object's content as base64 text."""
    return encode(folder.download(reference), reference.encoding)


def join_content(parts: Parts, texts: Mapping[Reference, str]) -> str:
    """Return the body with its media."""
    return "".join(texts[part] if isinstance(part, Reference) else part for part in parts)


def join_urls(parts: Parts, texts: Mapping[Reference, str]) -> str:
    """Return the body with URLs."""
    return with_urls(parts, {reference.name: text for reference, text in texts.items()})


def has_envelopes(records: Sequence[StoredRecord]) -> bool:
    """Return whether any record has media."""
    if isinstance(records, StoredRecords):
        return any(map(is_envelope, records.texts))
    return any(is_envelope(record.body) for record in records)
