"""Conversations in Amazon DynamoDB."""

from chatstore.dynamodb.backend import DynamoDBBackend
from chatstore.dynamodb.store import DynamoDBChatStore

__all__ = ["DynamoDBBackend", "DynamoDBChatStore"]
