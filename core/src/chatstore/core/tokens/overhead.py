"""Counting of what is sent besides the messages: prompts, tool definitions, schemas of answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from chatstore.core.checks import check_count
from chatstore.core.errors import InvalidArgumentError
from chatstore.core.messages import ChatMessage
from chatstore.core.tokens.counter import MESSAGE_OVERHEAD, TokenCounter
from chatstore.core.tokens.media import MEDIA, texts_of

_PARTS_OF_REQUEST = {"system", "instructions", "tools", "functions", "response_format", "messages"}


def count_overhead(counter: TokenCounter, value: Any) -> int:
    """Return the tokens of what is sent besides the messages.

    Args:
        counter: Counts texts and messages.
        value: A number of tokens; a prompt as text; a message or a tool definition in OpenAI's or
            Anthropic's form; a dict with parts of a request (``system``, ``instructions``,
            ``tools``); a list of such values; or any other JSON.

    Raises:
        InvalidArgumentError: ``value`` is a negative number, a fraction or a boolean.

    """
    if value is None:
        return 0
    if isinstance(value, (bool, float)):
        raise InvalidArgumentError(
            f"overhead is {value!r}; pass a number of tokens, a prompt, tool definitions, or a "
            "list of them"
        )
    if isinstance(value, int):
        return check_count(value, "overhead")
    if isinstance(value, ChatMessage):
        return counter.count(value)
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_none=True)
    if isinstance(value, Mapping):
        return _count_object(counter, value)
    if isinstance(value, (list, tuple)):
        return sum(count_overhead(counter, item) for item in value)
    return counter.count_json(value)


def _count_object(counter: TokenCounter, fields: Mapping[str, Any]) -> int:
    if "role" in fields:
        return MESSAGE_OVERHEAD + counter.count_json(fields)
    if fields and _PARTS_OF_REQUEST.issuperset(fields):
        return sum(count_overhead(counter, field) for field in fields.values())
    values = counter.count_json(fields)
    if any(text is MEDIA for text in texts_of(fields)):
        return values
    try:
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"), default=str)
    except (ValueError, TypeError, RecursionError):
        return values
    # A model reads a definition with its punctuation, as JSON or as types of TypeScript.
    return max(values, counter.count_text(text))
