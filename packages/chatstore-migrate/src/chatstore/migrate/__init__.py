"""Copy conversations into any store: from another store, or from other libraries' stores.

`migrate` copies a source. A `ChatStore` is a source; `chatstore.migrate.langchain` and
`chatstore.migrate.llama_index` return sources for those frameworks' stores. For anything else,
combine one of the readers of this module with a function that makes messages: `MappedSource`.

Sources take the client that the other library uses, leave it open, and only read.
"""

from chatstore.migrate.azure_tables import AzureTable
from chatstore.migrate.digests import Fingerprint, fingerprint
from chatstore.migrate.dynamodb import DynamoDBItems
from chatstore.migrate.json_files import JSONFile
from chatstore.migrate.migration import migrate
from chatstore.migrate.redis_json import RedisJSONDocuments
from chatstore.migrate.redis_lists import RedisLists
from chatstore.migrate.report import (
    EmptySourceError,
    MigratedConversation,
    MigrationError,
    MigrationReport,
    Progress,
    SkippedConversation,
)
from chatstore.migrate.sources import (
    MappedSource,
    Reader,
    RecordFields,
    RecordSource,
    Source,
    SourceRecord,
    StoreSource,
    with_ids,
)
from chatstore.migrate.sql import SQLArrays, SQLRows

__all__ = [
    "AzureTable",
    "DynamoDBItems",
    "EmptySourceError",
    "Fingerprint",
    "JSONFile",
    "MappedSource",
    "MigratedConversation",
    "MigrationError",
    "MigrationReport",
    "Progress",
    "Reader",
    "RecordFields",
    "RecordSource",
    "RedisJSONDocuments",
    "RedisLists",
    "SQLArrays",
    "SQLRows",
    "SkippedConversation",
    "Source",
    "SourceRecord",
    "StoreSource",
    "fingerprint",
    "migrate",
    "with_ids",
]
