"""A framework's own form of a message, kept beside the fields that all frameworks share.

It stands in ``additional_kwargs["native"]`` under the framework's name, with a digest of the
common fields. Whoever changes these elsewhere need not know of it: the digest no longer fits
then, and the common fields count.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from chatstore.core.messages import NATIVE, ChatMessage

_PAYLOAD, _DIGEST = "payload", "common"


def with_native(common: ChatMessage, framework: str, payload: Any) -> ChatMessage:
    """Return a message with a framework's own form of it.

    Raises:
        pydantic.ValidationError: JSON cannot hold the payload.

    """
    kept = {framework: {_PAYLOAD: payload, _DIGEST: _digest(common)}}
    return ChatMessage(
        role=common.role,
        content=common.content,
        additional_kwargs={**common.additional_kwargs, NATIVE: kept},
        id=common.id,
        created_at=common.created_at,
    )


def native_of(message: ChatMessage, framework: str) -> Any | None:
    """Return the framework's own form, or ``None`` where there is none that fits."""
    native = message.additional_kwargs.get(NATIVE)
    kept = native.get(framework) if isinstance(native, dict) else None
    if not isinstance(kept, dict) or kept.get(_DIGEST) != _digest(message):
        return None
    return kept.get(_PAYLOAD)


def _digest(message: ChatMessage) -> str:
    fields = message.model_dump(mode="json", include={"role", "content"}, exclude_none=True)
    kwargs = {key: value for key, value in message.additional_kwargs.items() if key != NATIVE}
    text = json.dumps([fields, kwargs], sort_keys=True, allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
