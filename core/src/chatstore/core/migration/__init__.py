"""Moving in: copies what other libraries' stores left behind into any store.

Sources take the client that the other library used, and only ever read. The packages for
frameworks know which source a framework's stores need, and how its messages are read.
"""

from chatstore.core.migration.azure_tables import AzureTable
from chatstore.core.migration.dynamodb import DynamoDBItems
from chatstore.core.migration.files import JSONFile
from chatstore.core.migration.migrating import Migrated, MigrationError, Progress, migrate
from chatstore.core.migration.redis_json import RedisJSONDocuments
from chatstore.core.migration.redis_lists import RedisLists
from chatstore.core.migration.source import Conversations, MappedSource, Source
from chatstore.core.migration.sql import SQLArrays, SQLRows

__all__ = [
    "AzureTable",
    "Conversations",
    "DynamoDBItems",
    "JSONFile",
    "MappedSource",
    "Migrated",
    "MigrationError",
    "Progress",
    "RedisJSONDocuments",
    "RedisLists",
    "SQLArrays",
    "SQLRows",
    "Source",
    "migrate",
]
