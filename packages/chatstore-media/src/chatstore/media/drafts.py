"""Records on their way to the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chatstore.core.backend import Record
from chatstore.core.errors import MessageTooLargeError
from chatstore.media import envelopes
from chatstore.media.payloads import Payload, split_body

_MAX_BYTES_PER_CHARACTER = 4  # in UTF-8


class Draft(NamedTuple):
    """A record, and its body in parts."""

    record: Record
    parts: Sequence[str | Payload]

    def payloads(self) -> list[Payload]:
        """Return the media, each occurrence of them."""
        return [part for part in self.parts if not isinstance(part, str)]

    def stored(self, names: Mapping[str, str]) -> Record:
        """Return the record to store, given the names of objects by digest."""
        if len(self.parts) == 1:
            return self.record
        return self.record._replace(body=envelopes.dump(self.parts, names))


def make_drafts(records: Sequence[Record], min_bytes: int, limit: int | None) -> list[Draft]:
    """Split the bodies of records.

    Args:
        records: The records.
        min_bytes: Smaller media stay in the bodies.
        limit: The most bytes of a stored body; ``None``: no limit.

    Raises:
        MessageTooLargeError: A body without its media exceeds the limit.

    """
    drafts = [Draft(record, split_body(record.body, min_bytes)) for record in records]
    for draft in drafts:
        if limit is not None and len(draft.record.body) * _MAX_BYTES_PER_CHARACTER > limit:
            names = {payload.digest: envelopes.LONGEST_NAME for payload in draft.payloads()}
            if len(draft.stored(names).body.encode()) > limit:
                raise MessageTooLargeError(
                    f"a message has more than {limit} bytes as it is stored, without the media "
                    f"of {min_bytes} bytes or more"
                )
    return drafts


def payloads_of(drafts: Sequence[Draft]) -> dict[str, Payload]:
    """Return the media of drafts, by digest."""
    return {payload.digest: payload for draft in drafts for payload in draft.payloads()}
