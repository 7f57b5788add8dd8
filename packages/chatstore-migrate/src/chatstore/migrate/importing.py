"""``import_conversations``: read conversations from a file into a store."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Literal, cast, get_args

from chatstore.core import ChatStore, InvalidArgumentError
from chatstore.migrate.formats.chatgpt import from_chatgpt, is_chatgpt
from chatstore.migrate.formats.claude import from_claude, is_claude
from chatstore.migrate.formats.damaged import DamagedFileError
from chatstore.migrate.formats.exports import is_zip, read_export
from chatstore.migrate.formats.json_lines import HEADER, JSONLinesSource, write_json_lines
from chatstore.migrate.formats.openai_chat import read_openai_chat
from chatstore.migrate.migration import migrate
from chatstore.migrate.portable import PortableConversation
from chatstore.migrate.report import MigrationReport, Progress

ImportFormat = Literal["jsonl", "openai", "chatgpt", "claude"]
IMPORT_FORMATS: tuple[str, ...] = get_args(ImportFormat)
_LOOK = 4096  # bytes


def import_conversations(
    file: BinaryIO,
    store: ChatStore,
    format: ImportFormat | None = None,  # noqa: A002 - what callers call it
    *,
    name: str = "import",
    owner: str | None = None,
    key_prefix: str = "",
    on_error: Literal["raise", "skip"] = "raise",
    overwrite: bool = False,
    verify: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> MigrationReport:
    """Read conversations from a file into a store, as `migrate` copies them.

    The whole file is read and checked before anything is written to the store. Import it again
    after an interruption: nothing is there twice. ``docs/export-and-copy.md`` describes the
    formats.

    Args:
        file: A binary file in which one can seek; it is never closed.
        store: The store.
        format: The format; by default what the content of the file says.
        name: The file's name, for keys in formats without keys.
        owner: The owner of all conversations; by default the one in the file.
        key_prefix: Put before the keys.
        on_error: See `migrate`.
        overwrite: See `migrate`.
        verify: See `migrate`.
        progress: See `migrate`.

    Raises:
        DamagedFileError: The file is cut short, was changed, or is not in the format; nothing was
            written.
        SchemaVersionError: A later version exported the file.
        EmptySourceError: The file has no conversation.
        MigrationError: The store has another conversation under one of the keys.

    """
    if format is not None and format not in IMPORT_FORMATS:
        raise InvalidArgumentError(
            f"unknown format {format!r}; formats of imports: {', '.join(IMPORT_FORMATS)}"
        )
    chosen = detect_format(file) if format is None else format
    file.seek(0)
    with tempfile.TemporaryFile() as converted:
        checked = file
        if chosen != "jsonl":
            # Keys, messages and forks are checked in one form, before anything is written.
            checked = cast("BinaryIO", converted)
            write_json_lines(_convert(file, chosen, name), checked, chosen)
        return migrate(
            JSONLinesSource(checked, owner=owner, key_prefix=key_prefix),
            store,
            on_error=on_error,
            overwrite=overwrite,
            verify=verify,
            progress=progress,
        )


def detect_format(file: BinaryIO) -> ImportFormat:
    """Return the format of a file, by its content.

    Raises:
        DamagedFileError: It is not in a known format.

    """
    file.seek(0)
    start = file.read(_LOOK).lstrip()
    if start.startswith(HEADER):
        return "jsonl"
    if start.startswith(b"[") or is_zip(file):
        file.seek(0)
        first = next(read_export(file), {})
        if is_chatgpt(first):
            return "chatgpt"
        if is_claude(first):
            return "claude"
    elif start.startswith(b"{") and b'"messages"' in start:
        return "openai"
    raise DamagedFileError(
        "the file is not in a known format; "
        f"name it if it is one of these: {', '.join(IMPORT_FORMATS)}"
    )


def _convert(file: BinaryIO, chosen: str, name: str) -> Iterator[PortableConversation]:
    if chosen == "openai":
        return _checked(read_openai_chat(file, name))
    is_known, from_export = (
        (is_chatgpt, from_chatgpt) if chosen == "chatgpt" else (is_claude, from_claude)
    )
    return _checked(_converted(read_export(file), is_known, from_export))


def _converted(
    values: Iterable[dict[str, Any]],
    is_known: Callable[[dict[str, Any]], bool],
    convert: Callable[[dict[str, Any]], Iterator[PortableConversation]],
) -> Iterator[PortableConversation]:
    for number, value in enumerate(values, 1):
        if not is_known(value):
            raise DamagedFileError(f"conversation {number} of the file is in another format")
        try:
            yield from convert(value)
        except DamagedFileError as error:
            reason = str(error.args[0])
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            reason = "it contains something that is not known"
        else:
            continue
        raise DamagedFileError(f"conversation {number} of the file cannot be read: {reason}")


def _checked(conversations: Iterable[PortableConversation]) -> Iterator[PortableConversation]:
    """Refuse a file that has a key twice."""
    seen: set[str] = set()
    for conversation in conversations:
        if conversation.key in seen:
            raise DamagedFileError(f"two conversations of the file have the id {conversation.key}")
        seen.add(conversation.key)
        yield conversation
