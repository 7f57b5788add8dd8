"""The path by which programs written for LlamaIndex's store import this one."""

from chatstore.dynamodb.store import DynamoDBChatStore

__all__ = ["DynamoDBChatStore"]
