"""The project's own format, JSON Lines: what an export writes is imported unchanged.

The lines of a file, in this order:

- the header, ``{"chatstore_export":{"version":1,"source":…,"exported_at":…}}``;
- for each conversation ``{"conversation":{"key":…,"owner":…,"title":…,"metadata":{…},…}}``, and
  behind it ``{"message":{…}}`` for each of its messages, oldest first;
- the trailer, ``{"end":{"conversations":…,"messages":…,"sha256":…}}``, with the SHA-256 of all
  bytes before it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, BinaryIO, NamedTuple

from chatstore.core import (
    ChatMessage,
    CorruptMessageError,
    InvalidArgumentError,
    SchemaVersionError,
    codec,
)
from chatstore.core.checks import check_key, check_owner, check_prefix, check_title
from chatstore.core.metadata import dump_metadata
from chatstore.core.operations.conversations import FORKED_FROM
from chatstore.migrate.formats.damaged import DamagedFileError
from chatstore.migrate.formats.times import iso_time
from chatstore.migrate.portable import PortableConversation
from chatstore.migrate.sources import RecordFields, SourceRecord

VERSION = 1
HEADER = b'{"chatstore_export":'
_MESSAGE = b'{"message":'
_ADVICE = "the file is cut short or was changed: export it again, or fetch it again"


def write_json_lines(
    conversations: Iterable[PortableConversation], file: BinaryIO, source: str
) -> None:
    """Write conversations as the lines of this module; one message at a time is in memory.

    Args:
        conversations: What to write.
        file: Where to write it.
        source: Where the conversations come from, without secrets.

    """
    output = _HashedOutput(file)
    header = {"version": VERSION, "source": source, "exported_at": _now()}
    output.write(_line("chatstore_export", header))
    count, messages = 0, 0
    for conversation in conversations:
        output.write(_line("conversation", _record(conversation)))
        count += 1
        for message in conversation.messages:
            output.write(_MESSAGE + _body(message).encode() + b"}\n")
            messages += 1
    end = {"conversations": count, "messages": messages, "sha256": output.hash.hexdigest()}
    output.write(_line("end", end))


class JSONLinesSource:
    """The conversations of such a file, for `migrate`.

    The file is read once to check it: the version, each line, the counts and the digest. Then
    conversations are read where they are in the file; a few hundred bytes for each conversation
    are in memory.

    Attributes:
        message_count: The number of messages in the file.

    """

    def __init__(self, file: BinaryIO, *, owner: str | None = None, key_prefix: str = "") -> None:
        """Check a file.

        Args:
            file: A file in which one can seek; it is never closed.
            owner: The owner of all conversations; by default the one in the file.
            key_prefix: Put before the keys in the file, and before those of forks' sources.

        Raises:
            DamagedFileError: The file is cut short, or was changed since it was written.
            SchemaVersionError: A later version wrote it.

        """
        self._file = file
        self._owner = None if owner is None else check_owner(owner)
        self._key_prefix = check_prefix(key_prefix)
        self._parts: dict[str, _Part] = {}
        self._ids: set[str] = set()  # of the conversation that is being checked
        self._message_count = 0
        self._check()

    def keys(self) -> Iterable[str]:
        """Return the keys, in the order of the file."""
        return self._parts.keys()

    def sizes(self) -> Iterable[tuple[str, int]]:
        """Return the keys, each with the number of messages."""
        return ((key, part.length) for key, part in self._parts.items())

    def record(self, key: str) -> SourceRecord | None:
        """Return a conversation's record."""
        line = next(self._lines(self._parts[key].offset))
        fields = line.value["conversation"]
        owner = fields.get("owner") if self._owner is None else self._owner
        metadata = dict(fields.get("metadata") or {})
        if isinstance(metadata.get(FORKED_FROM), str):
            metadata[FORKED_FROM] = f"{self._key_prefix}{metadata[FORKED_FROM]}"
        record = RecordFields(owner, fields.get("title"), metadata)
        return SourceRecord(record, bool(fields.get("is_created")) or record != RecordFields())

    def messages(self, key: str) -> Iterator[ChatMessage]:
        """Return the messages of a conversation, oldest first."""
        lines = self._lines(self._parts[key].offset)
        next(lines)
        for line in lines:
            if line.message is None:
                return
            yield line.message

    def _check(self) -> None:
        digest = hashlib.sha256()
        for line in self._lines(0):
            if line.number == 1:
                _check_header(line)
            elif line.message is not None:
                self._add_message(line)
            elif "conversation" in line.value:
                self._add_conversation(line)
            else:
                self._ids.clear()
                self._check_end(_object(line, "end"), digest.hexdigest())
                if self._file.readline():
                    raise _damaged(line.number + 1, "something follows the last line")
                return
            digest.update(line.text)
        raise DamagedFileError(f"the file has no last line with counts and a digest; {_ADVICE}")

    def _add_message(self, line: _Line) -> None:
        if not self._parts:
            raise _damaged(line.number, "a message comes before the first conversation")
        assert line.message is not None
        try:
            codec.encode(line.message, "")
        except InvalidArgumentError as error:
            raise _damaged(line.number, str(error)) from None
        if line.message.id is None:
            raise _damaged(line.number, "its message has no id")
        if line.message.id in self._ids:
            raise _damaged(line.number, "an earlier message of the conversation has the same id")
        self._ids.add(line.message.id)
        next(reversed(self._parts.values())).length += 1
        self._message_count += 1

    def _add_conversation(self, line: _Line) -> None:
        fields = _object(line, "conversation")
        try:
            key = check_key(fields.get("key"))
            check_key(self._key_prefix + key)
            check_title(fields.get("title"))
            dump_metadata(fields.get("metadata") or {})
            if fields.get("owner") is not None:
                check_owner(fields["owner"])
        except InvalidArgumentError as error:
            raise _damaged(line.number, str(error)) from None
        if self._key_prefix + key in self._parts:
            raise _damaged(line.number, "a conversation with the same key comes before it")
        self._parts[self._key_prefix + key] = _Part(line.offset)
        self._ids.clear()

    def _check_end(self, end: dict[str, Any], digest: str) -> None:
        counts = {"conversations": len(self._parts), "messages": self._message_count}
        for name, count in counts.items():
            if end.get(name) != count:
                raise DamagedFileError(
                    f"the file has {count} {name}, but {end.get(name)!r} in its last line; "
                    f"{_ADVICE}"
                )
        if end.get("sha256") != digest:
            raise DamagedFileError(f"the digest in the last line of the file differs; {_ADVICE}")

    def _lines(self, start: int) -> Iterator[_Line]:
        """Read lines from an offset on."""
        offset = start
        for number in itertools.count(1):
            self._file.seek(offset)  # another iterator may have moved it
            text = self._file.readline()
            if not text:
                return
            yield _parse(text, number, offset)
            offset += len(text)


@dataclass(slots=True)
class _Part:
    """Where a conversation begins in the file, and how many messages it has."""

    offset: int
    length: int = 0


class _Line(NamedTuple):
    """A line: a message, or another JSON object.

    Attributes:
        number: Counted from 1 where reading began.
        offset: Where it is in the file.
        text: The line.
        value: The object; empty for a message.
        message: The message.

    """

    number: int
    offset: int
    text: bytes
    value: dict[str, Any]
    message: ChatMessage | None = None


def _parse(text: bytes, number: int, offset: int) -> _Line:
    if text.startswith(_MESSAGE):
        try:
            body = text.decode().rstrip()[len(_MESSAGE) : -1]
            return _Line(number, offset, text, {}, codec.decode("", number, body))
        except (CorruptMessageError, UnicodeDecodeError):
            raise _damaged(number, "its message cannot be read") from None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise _damaged(number, "it is not JSON") from None
    if not isinstance(value, dict):
        raise _damaged(number, "it is not a JSON object")
    if "message" in value:  # another program formatted it
        return _parse(_MESSAGE + json.dumps(value["message"]).encode() + b"}", number, offset)
    return _Line(number, offset, text, value)


def _check_header(line: _Line) -> None:
    version = _object(line, "chatstore_export").get("version")
    if isinstance(version, int) and version > VERSION:
        raise SchemaVersionError(
            f"version {version} of the format was written by a later version of "
            f"chatstore-migrate; this one reads {VERSION}"
        )


def _object(line: _Line, name: str) -> dict[str, Any]:
    fields = line.value.get(name)
    if not isinstance(fields, dict):
        raise _damaged(line.number, f"it should be {name!r}")
    return fields


def _damaged(number: int, reason: str) -> DamagedFileError:
    return DamagedFileError(f"line {number} of the file: {reason}; {_ADVICE}")


def _record(conversation: PortableConversation) -> dict[str, Any]:
    record = conversation.record
    fields = {
        "key": conversation.key,
        "owner": record.fields.owner,
        "title": record.fields.title,
        "metadata": record.fields.metadata,
        "is_created": record.is_created,
        "created_at": iso_time(record.created_at),
        "updated_at": iso_time(record.updated_at),
    }
    return {name: value for name, value in fields.items() if value not in (None, {}, False)}


def _body(message: ChatMessage) -> str:
    """Return a message as stores keep it; a message without a time stays without one."""
    body = codec.encode(message, "").body
    if message.created_at is None:
        body = body.replace('"created_at":"",', "", 1)  # only the id comes before it
    return body


class _HashedOutput:
    """Writes to a file, and hashes what is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.hash = hashlib.sha256()

    def write(self, text: bytes) -> None:
        self._file.write(text)
        self.hash.update(text)


def _line(name: str, value: Any) -> bytes:
    return json.dumps({name: value}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()
