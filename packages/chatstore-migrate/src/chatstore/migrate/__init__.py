"""Copy conversations: between stores, from other libraries' stores, to files and from files.

`migrate` copies a source. A `ChatStore` is a source; `chatstore.migrate.langchain` and
`chatstore.migrate.llama_index` return sources for those frameworks' stores. For anything else,
combine one of the readers of this module with a function that makes messages: `MappedSource`.

`export_conversations` writes files, `import_conversations` reads them, ChatGPT's and Claude's data
exports included.

Sources take the client that the other library uses, leave it open, and only read.
"""

from chatstore.migrate.azure_tables import AzureTable
from chatstore.migrate.digests import Fingerprint, fingerprint
from chatstore.migrate.dynamodb import DynamoDBItems
from chatstore.migrate.exporting import (
    EXPORT_FORMATS,
    ExportFormat,
    ExportReport,
    export_conversations,
    format_of,
)
from chatstore.migrate.formats.damaged import DamagedFileError
from chatstore.migrate.importing import (
    IMPORT_FORMATS,
    ImportFormat,
    detect_format,
    import_conversations,
)
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
from chatstore.migrate.source_urls import open_source
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
    "EXPORT_FORMATS",
    "IMPORT_FORMATS",
    "AzureTable",
    "DamagedFileError",
    "DynamoDBItems",
    "EmptySourceError",
    "ExportFormat",
    "ExportReport",
    "Fingerprint",
    "ImportFormat",
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
    "detect_format",
    "export_conversations",
    "fingerprint",
    "format_of",
    "import_conversations",
    "migrate",
    "open_source",
    "with_ids",
]
