"""``TokenCounter``: the tokens of all that is sent for a message."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from chatstore.core.blocks import ContentBlock
from chatstore.core.messages import NATIVE, ChatMessage
from chatstore.core.tokens.encodings import (
    DEFAULT_ENCODING,
    encoding_name,
    find_encoding,
    is_settled,
    load_encoding,
)
from chatstore.core.tokens.estimate import estimate_tokens

MESSAGE_OVERHEAD = 4
"""Tokens that frame a message and name its role, as OpenAI's cookbook counts them, rounded up."""

MEDIA_TOKENS = 1105
"""Tokens of a block of media, whose base64 no model reads as text.

OpenAI's guide to images prices one of 2048 by 4096 pixels in high detail so: above most.
"""

_MEDIA = {"image", "image_url", "audio", "input_audio", "video", "document", "file", "input_image"}
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
    ) -> None:
        """Make a counter; nothing is loaded yet.

        Args:
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            model: A model's name, whose tiktoken encoding is used instead.

        """
        self._tokenizer_fn = tokenizer_fn
        self._model = model
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

    def count(self, message: ChatMessage) -> int:
        """Return the tokens of one message."""
        total = MESSAGE_OVERHEAD
        sent = message.additional_kwargs
        if NATIVE in sent:
            sent = {name: value for name, value in sent.items() if name != NATIVE}
        for text in _texts(sent):
            total += self.count_text(text)
        if isinstance(message.content, str):
            total += self.count_text(message.content)
        elif message.content is not None:
            for block in message.content:
                total += self._count_block(block)
        return total

    def count_text(self, text: str) -> int:
        """Return the tokens of a text; special tokens count as the text that they are."""
        if self._tokenizer_fn is not None:
            return len(self._tokenizer_fn(text))
        name = self._encoding_name or DEFAULT_ENCODING
        encoding = find_encoding(name)
        seen = (None if encoding is None else name, text)
        known = _counts.get(seen)
        if known is None:
            if encoding is None:
                known = estimate_tokens(text)
            else:
                known = len(encoding.encode(text, disallowed_special=()))
            if len(text) < _LONG:
                _counts[seen] = known
                if len(_counts) > _REMEMBERED:
                    with suppress(KeyError):  # another thread was faster
                        _counts.popitem(last=False)
        return known

    def _count_block(self, block: ContentBlock) -> int:
        if block.type in _MEDIA:
            return MEDIA_TOKENS
        fields = block.model_dump(exclude={"type"})
        return sum(self.count_text(text) for text in _texts(fields))


def _texts(value: Any) -> Iterator[str]:
    """Yield what is sent of a JSON value: its strings, names and numbers as text."""
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            if item is not None:
                yield name
                yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, (int, float)):
        yield str(value)
