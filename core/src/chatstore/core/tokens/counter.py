"""``TokenCounter``: the tokens of all that is sent for a message."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from chatstore.core.blocks import TextBlock
from chatstore.core.errors import InvalidArgumentError
from chatstore.core.messages import PAYLOADS_KEY, ChatMessage
from chatstore.core.tokens.encodings import (
    DEFAULT_ENCODING,
    count_encoded,
    encoding_name,
    find_encoding,
    is_settled,
    load_encoding,
)
from chatstore.core.tokens.estimate import estimate_tokens
from chatstore.core.tokens.media import MEDIA, is_media, texts_of

MESSAGE_OVERHEAD = 4
"""Tokens that frame a message and name its role, as OpenAI's cookbook counts them, rounded up."""

MEDIA_TOKENS = 1105
"""Tokens of an image, a sound, a film or a file, whose base64 no model reads as text.

OpenAI's guide to images prices one of 2048 by 4096 pixels in high detail so: above most.
"""

_REMEMBERED = 4096  # texts of all conversations of a process; long ones are not kept
_LONG = 8_000
_counts: OrderedDict[tuple[str | None, str], int] = OrderedDict()
"""By encoding, ``None`` for the estimate, and text: the next turn sends nearly the same again."""


class TokenCounter:
    """Counts role, content, names, tool calls and their arguments."""

    def __init__(
        self,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
        model: str | None = None,
        *,
        payload_fn: Callable[[ChatMessage], Any] | None = None,
    ) -> None:
        """Make a counter; nothing is loaded yet.

        Args:
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            model: A model's name, whose tiktoken encoding is used instead.
            payload_fn: Returns what will be sent for a message, as JSON, or ``None`` if the
                message's own fields will be sent. Adapters that send a framework's own form of a
                message pass it, so that what is sent is what is counted.

        """
        self._tokenizer_fn = tokenizer_fn
        self._model = model
        self._payload_fn = payload_fn
        self._encoding_name = DEFAULT_ENCODING if model is None else None

    @property
    def loaded(self) -> bool:
        """Whether `load` would return at once."""
        if self._tokenizer_fn is not None:
            return True
        return self._encoding_name is not None and is_settled(self._encoding_name)

    def load(self) -> None:
        """Load the vocabulary; the first time in a process this may take 3 seconds.

        Warns:
            TokenEstimateWarning: It could not be loaded, once a process.

        """
        if self._tokenizer_fn is None:
            if self._encoding_name is None:
                self._encoding_name = encoding_name(self._model)
            load_encoding(self._encoding_name)

    def check_pickles(self) -> None:
        """Raise ``TypeError``, naming the parameter, for a function that cannot be pickled."""
        for name, function in (
            ("tokenizer_fn", self._tokenizer_fn),
            ("payload_fn", self._payload_fn),
        ):
            try:
                pickle.dumps(function)
            except Exception as error:  # noqa: BLE001 - whatever the function's object raises
                raise TypeError(
                    f"{name} cannot be pickled ({type(error).__name__}): pass a function of a "
                    "module instead of a lambda or a local function"
                ) from None

    def count(self, message: ChatMessage) -> int:
        """Return the tokens of one message: of its payload if there is a ``payload_fn``.

        Raises:
            InvalidArgumentError: ``tokenizer_fn`` failed.

        """
        payload = self.payload(message)
        if payload is not None:
            return MESSAGE_OVERHEAD + self.count_json(payload)
        sent = message.additional_kwargs
        if PAYLOADS_KEY in sent:
            sent = {name: value for name, value in sent.items() if name != PAYLOADS_KEY}
        total = MESSAGE_OVERHEAD + (self.count_json(sent) if sent else 0)
        if not isinstance(message.content, list):
            return total + self.count_json(message.content)
        for block in message.content:
            if type(block) is TextBlock and not block.model_extra:
                total += self.count_text(block.text)
            else:
                fields = block.model_dump()
                if not is_media(fields):
                    del fields["type"]  # part of the frame
                total += self.count_json(fields)
        return total

    def payload(self, message: ChatMessage) -> Any:
        """Return what ``payload_fn`` says will be sent; ``None``: the message's own fields."""
        return None if self._payload_fn is None else self._payload_fn(message)

    def count_json(self, value: Any) -> int:
        """Return the tokens of any JSON value that is sent: texts, names, numbers and media.

        For what is sent beside the messages (tool schemas, a system prompt) and for payloads.
        Each image, sound, film or file counts `MEDIA_TOKENS`, at any depth.

        Raises:
            InvalidArgumentError: ``tokenizer_fn`` failed.

        """
        return sum(
            MEDIA_TOKENS if text is MEDIA else self.count_text(text) for text in texts_of(value)
        )

    def count_text(self, text: str) -> int:
        """Return the tokens of a text; special tokens count as the text that they are.

        Raises:
            InvalidArgumentError: ``tokenizer_fn`` failed.

        """
        if self._tokenizer_fn is not None:
            return self._count_with_function(self._tokenizer_fn, text)
        name = self._encoding_name or DEFAULT_ENCODING
        encoding = find_encoding(name)
        seen = (None if encoding is None else name, text)
        known = _counts.get(seen)
        if known is None:
            encoded = None if encoding is None else count_encoded(encoding, text)
            known = estimate_tokens(text) if encoded is None else encoded
            if len(text) < _LONG:
                _counts[seen] = known
                if len(_counts) > _REMEMBERED:
                    with suppress(KeyError):  # another thread was faster
                        _counts.popitem(last=False)
        return known

    def _count_with_function(
        self, tokenizer_fn: Callable[[str], Sequence[object]], text: str
    ) -> int:
        try:
            return len(tokenizer_fn(text))
        except Exception as error:
            raise InvalidArgumentError(
                f"tokenizer_fn raised {type(error).__name__} for a text of {len(text)} characters; "
                "it must return a sequence of tokens for any text"
            ) from error
