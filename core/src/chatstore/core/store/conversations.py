"""Conversations: methods of ``ChatStore``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from chatstore.core import operations
from chatstore.core.conversation_pager import ConversationPager
from chatstore.core.conversations import Conversation, ConversationPage, Snapshot
from chatstore.core.running import PlanRunner
from chatstore.core.unchanged import UNCHANGED, Unchanged


class ConversationMethods(PlanRunner):
    """Creates, reads, changes, lists, forks and erases conversations."""

    def create_conversation(
        self,
        key: str,
        *,
        owner: str | None = None,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Conversation:
        """Create an empty conversation and return it. It stays until it is deleted or expires.

        Args:
            key: The conversation.
            owner: Whose conversation it is, 1 to 255 bytes in UTF-8.
            title: At most 1,000 characters.
            metadata: A JSON object of at most 16 KB.

        Raises:
            ConversationExistsError: There is a conversation with this key.
            InvalidArgumentError: ``owner``, ``title`` or ``metadata`` is too long or not valid.

        """
        return self.run(
            "create_conversation", operations.create_conversation, key, owner, title, metadata
        )

    async def async_create_conversation(
        self,
        key: str,
        *,
        owner: str | None = None,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Conversation:
        """Like `create_conversation`, but awaitable."""
        return await self.async_run(
            "create_conversation", operations.create_conversation, key, owner, title, metadata
        )

    def get_conversation(self, key: str) -> Conversation | None:
        """Return the record of a conversation, ``None`` if it is missing; reads no messages."""
        return self.run("get_conversation", operations.get_conversation, key)

    async def async_get_conversation(self, key: str) -> Conversation | None:
        """Like `get_conversation`, but awaitable."""
        return await self.async_run("get_conversation", operations.get_conversation, key)

    def update_conversation(
        self,
        key: str,
        *,
        owner: str | Unchanged | None = UNCHANGED,
        title: str | Unchanged | None = UNCHANGED,
        metadata: Mapping[str, Any] | Unchanged = UNCHANGED,
        expected_revision: str | None = None,
    ) -> Conversation:
        """Change the given fields of the record, and return it.

        Args:
            key: The conversation.
            owner: The new owner; ``None``: nobody.
            title: The new title; ``None``: no title.
            metadata: Names to set at the top level of the metadata; ``None`` removes a name.
            expected_revision: Change nothing unless the conversation has this revision.

        Raises:
            ConversationNotFoundError: There is no conversation with this key.
            InvalidArgumentError: ``owner``, ``title`` or the metadata is too long or not valid.
            RevisionConflictError: The conversation does not have `expected_revision`.

        """
        return self.run(
            "update_conversation",
            operations.update_conversation,
            key,
            owner,
            title,
            metadata,
            expected_revision,
        )

    async def async_update_conversation(
        self,
        key: str,
        *,
        owner: str | Unchanged | None = UNCHANGED,
        title: str | Unchanged | None = UNCHANGED,
        metadata: Mapping[str, Any] | Unchanged = UNCHANGED,
        expected_revision: str | None = None,
    ) -> Conversation:
        """Like `update_conversation`, but awaitable."""
        return await self.async_run(
            "update_conversation",
            operations.update_conversation,
            key,
            owner,
            title,
            metadata,
            expected_revision,
        )

    def list_conversations(
        self, *, owner: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> ConversationPage:
        """Return a page of conversations, the newest ``updated_at`` first.

        Args:
            owner: Whose conversations; the cost does not depend on other owners'. ``None``: all
                conversations, in any order; this reads the whole database, page by page.
            limit: About how many conversations to return.
            cursor: The ``next_cursor`` of the page before.

        Raises:
            InvalidArgumentError: ``cursor`` belongs to another list.

        """
        return self.run("list_conversations", operations.list_conversations, owner, limit, cursor)

    async def async_list_conversations(
        self, *, owner: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> ConversationPage:
        """Like `list_conversations`, but awaitable."""
        return await self.async_run(
            "list_conversations", operations.list_conversations, owner, limit, cursor
        )

    def iter_conversations(self, *, owner: str | None = None) -> Iterator[Conversation]:
        """Iterate over all pages of `list_conversations`.

        Each conversation is returned once. Conversations that are written meanwhile move to the
        beginning of the list; they are returned at the end.
        """
        return self.iterate("iter_conversations", ConversationPager, owner)

    def async_iter_conversations(self, *, owner: str | None = None) -> AsyncIterator[Conversation]:
        """Like `iter_conversations`, for ``async for``."""
        return self.async_iterate("iter_conversations", ConversationPager, owner)

    def delete_conversations(self, *, owner: str) -> list[str]:
        """Delete all conversations of an owner; return their keys.

        It ends when the owner's list is empty, so conversations that are created meanwhile are
        deleted, too.
        """
        return self.run("delete_conversations", operations.delete_conversations, owner)

    async def async_delete_conversations(self, *, owner: str) -> list[str]:
        """Like `delete_conversations`, but awaitable."""
        return await self.async_run("delete_conversations", operations.delete_conversations, owner)

    def fork(
        self,
        key: str,
        new_key: str,
        *,
        until: str | None = None,
        owner: str | Unchanged | None = UNCHANGED,
    ) -> Conversation:
        """Begin a conversation with the messages of another one, at once, and return it.

        The messages keep their ids. ``metadata["forked_from"]`` is the key of the source.

        Args:
            key: The source.
            new_key: The new conversation.
            until: The id of the last message to copy; by default all are copied.
            owner: The owner; by default that of the source.

        Raises:
            ConversationNotFoundError: The source does not exist.
            MessageNotFoundError: The source does not have the message ``until``.
            ConversationExistsError: There is a conversation with the new key.
            InvalidArgumentError: Both keys are the same.
            CorruptMessageError: A message cannot be read.

        """
        return self.run("fork", operations.fork, key, new_key, until, owner)

    async def async_fork(
        self,
        key: str,
        new_key: str,
        *,
        until: str | None = None,
        owner: str | Unchanged | None = UNCHANGED,
    ) -> Conversation:
        """Like `fork`, but awaitable."""
        return await self.async_run("fork", operations.fork, key, new_key, until, owner)

    def snapshot(self, key: str, *, last: int | None = None) -> Snapshot:
        """Return the record and all messages, or the newest ``last``, read at one moment.

        Its revision, as ``expected_revision`` of a write, makes sure that nothing changed between.

        Raises:
            CorruptMessageError: A message cannot be read.

        """
        return self.run("snapshot", operations.snapshot, key, last)

    async def async_snapshot(self, key: str, *, last: int | None = None) -> Snapshot:
        """Like `snapshot`, but awaitable."""
        return await self.async_run("snapshot", operations.snapshot, key, last)
