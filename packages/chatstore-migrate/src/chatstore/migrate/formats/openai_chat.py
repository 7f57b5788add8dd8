"""OpenAI's chat format: a line ``{"messages":[…]}`` for each conversation, as in fine-tuning."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from pydantic import BaseModel, ValidationError

from chatstore.core import InvalidArgumentError, from_openai, to_openai
from chatstore.core.metadata import dump_metadata
from chatstore.migrate.formats.damaged import DamagedFileError
from chatstore.migrate.portable import PortableConversation
from chatstore.migrate.sources import RecordFields, SourceRecord, with_ids


def write_openai_chat(conversations: Iterable[PortableConversation], file: BinaryIO) -> None:
    """Write each conversation as a line; one conversation at a time is in memory."""
    for conversation in conversations:
        messages = to_openai(conversation.messages)
        line = json.dumps({"messages": messages}, ensure_ascii=False, default=_fields)
        file.write(line.encode() + b"\n")


def read_openai_chat(file: BinaryIO, name: str) -> Iterator[PortableConversation]:
    """Return the conversation of each line.

    Its key is the file's name with the number of the line, such as ``train:1``; what is beside
    ``messages`` becomes its metadata.

    Raises:
        DamagedFileError: A line is not a conversation.

    """
    for number, line in enumerate(file, 1):
        if line.strip():
            yield _conversation(line, number, f"{name}:{number}")


def _conversation(line: bytes, number: int, key: str) -> PortableConversation:
    try:
        value = json.loads(line)
        messages = list(with_ids(map(from_openai, value["messages"])))
        metadata = {name: rest for name, rest in value.items() if name != "messages"}
        dump_metadata(metadata)
    except (ValidationError, InvalidArgumentError, ValueError) as error:
        reason = str(error) if isinstance(error, InvalidArgumentError) else "it cannot be read"
        raise _not_a_conversation(number, reason) from None
    except (KeyError, TypeError, AttributeError, RecursionError):
        raise _not_a_conversation(number, 'it is not an object with "messages"') from None
    return PortableConversation(key, messages, SourceRecord(RecordFields(metadata=metadata)))


def _not_a_conversation(number: int, reason: str) -> DamagedFileError:
    return DamagedFileError(f"line {number} is not a conversation in OpenAI's format: {reason}")


def _fields(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    raise TypeError(f"{type(value).__name__} is not JSON")
