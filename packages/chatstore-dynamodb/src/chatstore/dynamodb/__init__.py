"""Conversations in Amazon DynamoDB."""

from chatstore.dynamodb.store import DynamoDBChatStore

__all__ = ["DynamoDBChatStore"]
