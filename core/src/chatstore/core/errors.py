"""What a store raises.

::

    ChatStoreError
    ├── InvalidArgumentError (ValueError)   refused before anything is sent
    │   ├── InvalidKeyError
    │   ├── InvalidMessageError             JSON cannot hold it as it is
    │   ├── MessageTooLargeError
    │   └── UnknownSchemeError              no backend for this URL is installed
    ├── MessageConflictError                this id is held with other content
    ├── CorruptMessageError                 a stored record cannot be read
    ├── ConversationChangedError            replaced or deleted while it was read page by page
    ├── StoreClosedError
    ├── StoreUnavailableError               down, slow or busy: trying again may help
    ├── StoreAccessError                    password, permission or a read-only database
    ├── StoreFullError
    ├── CorruptStoreError                   the file or database is no store at all
    └── SchemaVersionError                  written by a later version of this package

The driver's own error is always the ``__cause__``; no message holds content or a secret.
"""


class ChatStoreError(Exception):
    """Anything that a store raises on purpose."""


class InvalidArgumentError(ChatStoreError, ValueError):
    """An argument was refused before anything was sent."""


class InvalidKeyError(InvalidArgumentError):
    """A key is a non-empty string of at most 255 bytes in UTF-8."""


class InvalidMessageError(InvalidArgumentError):
    """A message holds something that would not come back as it went in."""


class MessageTooLargeError(InvalidArgumentError):
    """A message is larger than this store's documented limit."""


class UnknownSchemeError(InvalidArgumentError):
    """No installed distribution opens URLs of this scheme."""


class MessageConflictError(ChatStoreError):
    """The conversation holds a message of this id with other content."""


class CorruptMessageError(ChatStoreError):
    """A stored record cannot be read; it was neither skipped nor deleted.

    Attributes:
        key: The conversation.
        position: The record's position, as the store assigned it.

    """

    def __init__(self, message: str, *, key: str, position: int) -> None:
        """Name the record."""
        super().__init__(f"{message} (key {key!r}, position {position})")
        self.key = key
        self.position = position


class ConversationChangedError(ChatStoreError):
    """A conversation was replaced, reordered or deleted while an iterator read it."""


class StoreClosedError(ChatStoreError):
    """The store was closed."""


class StoreUnavailableError(ChatStoreError):
    """The database is down, slow or busy."""


class StoreAccessError(ChatStoreError):
    """The database refuses access: a password, a permission, a read-only file."""


class StoreFullError(ChatStoreError):
    """The database has no room left."""


class CorruptStoreError(ChatStoreError):
    """The file or database is damaged, or is no store at all."""


class SchemaVersionError(ChatStoreError):
    """The database was written by a later version of this package."""
