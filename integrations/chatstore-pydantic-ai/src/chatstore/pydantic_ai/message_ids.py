"""Ids made of messages' content: the same message always gets the same id."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any


def message_ids(payloads: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return an id for each message, given as JSON.

    Pydantic AI's messages contain times, the run and the ids of tool calls, so equal messages are
    the same message. If there are equal messages within the argument, they are numbered.
    """
    ids: list[str] = []
    counts: Counter[str] = Counter()
    for payload in payloads:
        digest = _digest(payload)
        ids.append(f"{digest}:{counts[digest]}" if counts[digest] else digest)
        counts[digest] += 1
    return ids


def _digest(payload: Mapping[str, Any]) -> str:
    fields = _without_none(payload)
    parts = payload.get("parts")
    if isinstance(parts, list):
        fields["parts"] = [_without_none(part) for part in parts]
    text = json.dumps(fields, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    # Fields that a later version of Pydantic AI adds are None in messages of earlier versions.
    return {name: value for name, value in fields.items() if value is not None}
