"""Copies conversations into any store: from another store, or from other libraries' stores.

Sources take the client that the other library used, and only ever read. The packages for
frameworks know which source a framework's stores need, and how its messages are read.
"""

from chatstore.core.migration.azure_tables import AzureTable
from chatstore.core.migration.dynamodb import DynamoDBItems
from chatstore.core.migration.files import JSONFile
from chatstore.core.migration.migrating import (
    EmptySourceError,
    Migrated,
    MigrationError,
    MigrationReport,
    Progress,
    Skipped,
    migrate,
)
from chatstore.core.migration.redis_json import RedisJSONDocuments
from chatstore.core.migration.redis_lists import RedisLists
from chatstore.core.migration.source import Conversations, MappedSource, Source, StoreSource
from chatstore.core.migration.sql import SQLArrays, SQLRows

__all__ = [
    "AzureTable",
    "Conversations",
    "DynamoDBItems",
    "EmptySourceError",
    "JSONFile",
    "MappedSource",
    "Migrated",
    "MigrationError",
    "MigrationReport",
    "Progress",
    "RedisJSONDocuments",
    "RedisLists",
    "SQLArrays",
    "SQLRows",
    "Skipped",
    "Source",
    "StoreSource",
    "migrate",
]
