"""Pydantic AI's ``ConversationStore`` over any store.

A conversation is kept under its id as the key. Its log has a message for each entry that the
conversation added, in the order of storing, with the entry before it in the metadata. The newest
message of a log also has the conversation's record, so that one append stores both. A fork has a
log of its own, which continues from an entry of another log.
"""

from chatstore.pydantic_ai.conversations.store import ChatStoreConversations

__all__ = ["ChatStoreConversations"]
