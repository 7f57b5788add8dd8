"""Conversations whose messages are a tree: the current branch, and forks for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from chatstore.core import ChatMessage
from chatstore.core.operations.conversations import FORKED_FROM
from chatstore.migrate.portable import PortableConversation
from chatstore.migrate.sources import RecordFields, SourceRecord


def branch_conversations(
    key: str,
    fields: RecordFields,
    parents: Mapping[str, str | None],
    current: str | None,
    convert: Callable[[Sequence[str]], list[ChatMessage]],
) -> Iterator[PortableConversation]:
    """Return the current branch of a tree as a conversation, and each other branch as a fork.

    A fork has all messages from the root on, as a fork of a store has. A branch without messages
    of its own is left out.

    Args:
        key: The conversation's key; a fork's is followed by a slash and the id of its last node.
        fields: The record; a fork's metadata also has ``forked_from``.
        parents: The parent of each node, in the order of the file.
        current: The last node of the current branch; if it is not a node, the last leaf, or
            in a circle the last node.
        convert: Returns the messages of the nodes of a branch.

    """
    inner = set(parents.values())
    leaves = [node for node in parents if node not in inner]
    if current not in parents:
        nodes = leaves or list(parents)
        current = nodes[-1] if nodes else None
    messages = convert(_path(parents, current))
    yield PortableConversation(key, messages, SourceRecord(fields))
    shown = {message.id for message in messages}
    for leaf in leaves:
        if leaf == current:
            continue
        messages = convert(_path(parents, leaf))
        if all(message.id in shown for message in messages):
            continue
        shown.update(message.id for message in messages)
        metadata = {**fields.metadata, FORKED_FROM: key}
        record = RecordFields(fields.owner, fields.title, metadata)
        yield PortableConversation(f"{key}/{leaf}", messages, SourceRecord(record))


def _path(parents: Mapping[str, str | None], leaf: str | None) -> list[str]:
    """Return the nodes from the root to a leaf; a damaged file may have circles."""
    path: dict[str, None] = {}
    node = leaf
    while node is not None and node in parents and node not in path:
        path[node] = None
        node = parents[node]
    return list(path)[::-1]
