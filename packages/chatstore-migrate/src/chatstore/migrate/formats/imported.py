"""What the imports of other programs' exports share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from chatstore.core import InvalidKeyError
from chatstore.core.checks import MAX_TITLE_CHARACTERS, check_key
from chatstore.migrate.formats.damaged import DamagedFileError
from chatstore.migrate.formats.times import iso_time
from chatstore.migrate.sources import RecordFields


def imported_fields(
    program: str,
    title: Any,
    times: tuple[datetime | None, datetime | None],
    more: Mapping[str, Any],
) -> RecordFields:
    """Return a conversation's record.

    A store sets the times of conversations itself, so those of the export are in the metadata.

    Args:
        program: Where the conversation comes from, for ``metadata["imported_from"]``.
        title: Its title in the export.
        times: When it began, and when it was last written.
        more: More metadata.

    """
    created_at, updated_at = map(iso_time, times)
    metadata = {
        "imported_from": program,
        "created_at": created_at,
        "updated_at": updated_at,
        **more,
    }
    text = title[:MAX_TITLE_CHARACTERS] if isinstance(title, str) and title else None
    return RecordFields(None, text, {n: value for n, value in metadata.items() if value})


def valid_key(value: Any, program: str) -> str:
    """Return the id of a conversation, which becomes its key.

    Raises:
        DamagedFileError: It is missing, or is not a valid key.

    """
    try:
        return check_key(value)
    except InvalidKeyError as error:
        raise DamagedFileError(f"a conversation of {program}'s export has no id: {error}") from None


def text_of(blocks: Iterable[Mapping[str, Any]]) -> str:
    """Return the text of blocks, one per line."""
    return "\n".join(block.get("text") or block.get("thinking") or "" for block in blocks)
