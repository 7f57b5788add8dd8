"""``TokenCounter``: counts the tokens of everything that is sent for a message."""

from __future__ import annotations

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
from chatstore.core.tokens.media import MEDIA, is_data_url, is_media, texts_of

MESSAGE_OVERHEAD = 4
"""Tokens for the frame and the role of a message, as in OpenAI's cookbook, rounded up."""

MEDIA_TOKENS = 1105
"""Tokens of an image, audio, video or file, whose base64 is not sent as text.

It is the price of an image of 2048 by 4096 pixels in high detail, which exceeds most, in OpenAI's
guide to images.
"""

_CACHE_SIZE = 4096  # texts, of all conversations of a process
_MAX_CACHED_LENGTH = 8_000  # characters
_counts: OrderedDict[tuple[str | None, str], int] = OrderedDict()
"""By encoding (``None``: estimated) and text: the next turn sends nearly the same texts again."""


class TokenCounter:
    """Counts role, content, names, tool calls and their arguments."""

    def __init__(
        self,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
        model: str | None = None,
        *,
        payload_fn: Callable[[ChatMessage], Any] | None = None,
    ) -> None:
        """Create a counter; nothing is loaded yet.

        Args:
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            model: A model's name, whose tiktoken encoding is used instead.
            payload_fn: Returns what will be sent for a message, as JSON, or ``None`` if the
                message's own fields will be sent. For adapters that send a framework's own form of
                messages.

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
        """Load the vocabulary; the first time in a process this can take 3 seconds.

        Warns:
            TokenEstimateWarning: The vocabulary could not be loaded; once per process.

        """
        if self._tokenizer_fn is None:
            if self._encoding_name is None:
                self._encoding_name = encoding_name(self._model)
            load_encoding(self._encoding_name)

    def check_pickles(self) -> None:
        """Raise ``TypeError`` with the parameter's name if a function cannot be pickled."""
        import pickle  # most programs never load it

        for name, function in (
            ("tokenizer_fn", self._tokenizer_fn),
            ("payload_fn", self._payload_fn),
        ):
            try:
                pickle.dumps(function)
            except Exception as error:  # noqa: BLE001 - pickling raises any error
                raise TypeError(
                    f"{name} cannot be pickled ({type(error).__name__}): pass a function of a "
                    "module instead of a lambda or a local function"
                ) from None

    def count(self, message: ChatMessage) -> int:
        """Return the tokens of a message, or of its payload if ``payload_fn`` returns one.

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
            return total + (self._count_string(message.content) if message.content else 0)
        for block in message.content:
            if type(block) is TextBlock and not block.model_extra:
                total += self.count_text(block.text)
            else:
                fields = block.model_dump()
                if not is_media(fields):
                    del fields["type"]  # part of the frame
                total += self.count_json(fields)
        return total

    def _count_string(self, text: str) -> int:
        return MEDIA_TOKENS if is_data_url(text) else self.count_text(text)

    def payload(self, message: ChatMessage) -> Any:
        """Return what ``payload_fn`` returns; ``None``: the message's own fields are sent."""
        return None if self._payload_fn is None else self._payload_fn(message)

    def count_json(self, value: Any) -> int:
        """Return the tokens of a JSON value, such as tool schemas or a payload.

        Each image, audio, video or file counts `MEDIA_TOKENS`, at any depth.

        Raises:
            InvalidArgumentError: ``tokenizer_fn`` failed.

        """
        return sum(
            MEDIA_TOKENS if text is MEDIA else self.count_text(text) for text in texts_of(value)
        )

    def count_text(self, text: str) -> int:
        """Return the tokens of a text; special tokens are counted as plain text.

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
            if len(text) < _MAX_CACHED_LENGTH:
                _counts[seen] = known
                if len(_counts) > _CACHE_SIZE:
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
