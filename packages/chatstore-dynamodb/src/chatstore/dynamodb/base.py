"""The module path of LlamaIndex's store, for programs that were written for it."""

from chatstore.dynamodb.store import DynamoDBChatStore

__all__ = ["DynamoDBChatStore"]
