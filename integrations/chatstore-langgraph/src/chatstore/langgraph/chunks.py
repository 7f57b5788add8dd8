"""Values of channels as chunks that checkpoints share.

A list is a chain of chunks: each has a few items, and names the chunk before it. So a list that
grew needs one new chunk, and all earlier checkpoints keep using the others. Another large value is
one chunk; a small one is kept in the checkpoint itself.

A chunk's id is a digest of its content behind the name of a generation (see `retention`). Adding a
chunk that exists already does nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from langgraph.checkpoint.serde.base import SerializerProtocol

from chatstore.core import ChatMessage
from chatstore.langgraph.packing import Typed, fields_of, pack, to_message, unpack

_INLINE_BYTES = 512  # what a checkpoint keeps in itself, and repeats while it is unchanged

_CHUNK_BYTES = 256 * 1024  # a longer list begins another chunk; databases limit a message's size
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a value is kept.

    Attributes:
        chunk: The id of the last chunk.
        digest: The digest of all items.
        length: The number of items.
        depth: The number of chunks.
        is_list: The value is a list of the items; otherwise it is the only item.

    """

    chunk: str
    digest: str
    length: int
    depth: int
    is_list: bool


Entry: TypeAlias = str | Reference
"""A value in a checkpoint: packed text, or where the value is kept."""


def entry_to_json(entry: Entry) -> Any:
    """Return an entry as JSON."""
    if isinstance(entry, str):
        return entry
    return [entry.chunk, entry.digest, entry.length, entry.depth, entry.is_list]


def entry_from_json(value: Any) -> Entry:
    """Return the entry of a JSON value."""
    return value if isinstance(value, str) else Reference(*value)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Items of a list, behind those of the chunk before."""

    parent: str | None
    digest: str
    length: int
    depth: int
    items: tuple[str, ...]

    @classmethod
    def from_message(cls, message: ChatMessage) -> Chunk:
        """Return the chunk that a message keeps."""
        fields = fields_of(message)
        return cls(**{**fields, "items": tuple(fields["items"])})

    def to_message(self, generation: str) -> ChatMessage:
        """Return the message that keeps this chunk."""
        # The packed items, not what they mean: two versions of zlib may compress differently.
        parts = [self.parent or "", *self.items]
        content = hashlib.blake2b("\n".join(parts).encode(), digest_size=_DIGEST_BYTES)
        fields = {**asdict(self), "items": list(self.items)}
        return to_message(f"{generation}.{content.hexdigest()}", fields)


class ChunkWriter:
    """Turns values into entries and collects the chunks that these need."""

    def __init__(self, serde: SerializerProtocol, generation: str) -> None:
        """Name new chunks after a generation."""
        self._serde = serde
        self._generation = generation
        self.messages: dict[str, ChatMessage] = {}

    def add_value(self, value: Any, *, is_used_once: bool = False) -> Entry:
        """Return the entry of a value that is not a list.

        Args:
            value: The value.
            is_used_once: No later checkpoint has the same value, so it needs no chunk.

        """
        typed = self._serde.dumps_typed(value)
        if is_used_once or len(typed[1]) <= _INLINE_BYTES:
            return pack(typed)
        [reference] = self._chain(None, [typed], digests([typed]), is_list=False)
        return reference

    def add_list(self, items: Items, base: Reference | None) -> Entry:
        """Return the entry of a list.

        Args:
            items: The items.
            base: A list that this one begins with.

        """
        if items.size <= _INLINE_BYTES:
            return pack(self._serde.dumps_typed(items.value))
        start = base.length if base else 0
        if base and start == len(items.typed):
            return base
        return self._chain(base, items.typed[start:], items.digests[start:], is_list=True)[-1]

    def _chain(
        self,
        base: Reference | None,
        typed: Sequence[Typed],
        item_digests: Sequence[str],
        *,
        is_list: bool,
    ) -> list[Reference]:
        references: list[Reference] = []
        start = size = 0
        for end, (_, data) in enumerate(typed, start=1):
            size += len(data)
            if end < len(typed) and size < _CHUNK_BYTES:
                continue
            chunk = Chunk(
                parent=base.chunk if base else None,
                digest=item_digests[end - 1],
                length=(base.length if base else 0) + end - start,
                depth=(base.depth if base else 0) + 1,
                items=tuple(map(pack, typed[start:end])),
            )
            base = self._add(chunk, is_list=is_list)
            references.append(base)
            start, size = end, 0
        return references

    def _add(self, chunk: Chunk, *, is_list: bool) -> Reference:
        message = chunk.to_message(self._generation)
        chunk_id = str(message.id)
        self.messages[chunk_id] = message
        return Reference(chunk_id, chunk.digest, chunk.length, chunk.depth, is_list)


class Items:
    """The items of a list, serialized, with a digest of the list up to each of them."""

    def __init__(self, serde: SerializerProtocol, value: list[Any]) -> None:
        """Serialize all items: one of them may have been changed in place."""
        self.value = value
        self.typed = [serde.dumps_typed(item) for item in value]
        self.size = sum(len(data) for _, data in self.typed)
        self.digests = digests(self.typed)

    def begin_with(self, reference: Reference | Chunk) -> bool:
        """Return whether the list begins with another one."""
        length = reference.length
        return length <= len(self.typed) and self.digests[length - 1] == reference.digest


def digests(typed: Iterable[Typed]) -> list[str]:
    """Return for each item the digest of the items up to it."""
    result = []
    digest = b""
    for kind, data in typed:
        prefix = digest + f"{len(kind)}:{kind}".encode()
        digest = hashlib.blake2b(prefix + data, digest_size=_DIGEST_BYTES).digest()
        result.append(digest.hex())
    return result


def load_entry(serde: SerializerProtocol, entry: Entry, chunks: dict[str, Chunk]) -> Any:
    """Return the value of an entry whose chunks were read."""
    if isinstance(entry, str):
        return serde.loads_typed(unpack(entry))
    texts: list[str] = []
    chunk_id: str | None = entry.chunk
    while chunk_id is not None:
        chunk = chunks[chunk_id]
        texts += reversed(chunk.items)
        chunk_id = chunk.parent
    items = [serde.loads_typed(unpack(text)) for text in reversed(texts)]
    return items if entry.is_list else items[0]
