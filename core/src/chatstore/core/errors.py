"""The errors that a store raises.

::

    ChatStoreError
    ├── InvalidArgumentError (ValueError)   refused before anything is sent
    │   ├── InvalidKeyError
    │   ├── InvalidMessageError             JSON cannot represent the message
    │   ├── MessageTooLargeError
    │   └── UnknownSchemeError              no backend for this URL is installed
    ├── ConversationExistsError             a new conversation's key is taken
    ├── ConversationNotFoundError
    ├── MessageNotFoundError                no message of the conversation has this id
    ├── MessageConflictError                the conversation has this id with other content
    ├── RevisionConflictError               the conversation changed since it was read
    ├── CorruptMessageError                 a stored record cannot be read
    ├── ConversationChangedError            replaced or deleted while it was read page by page
    ├── StoreClosedError (RuntimeError)
    ├── StoreUnavailableError               down, slow or busy: trying again may help
    │   └── OutcomeUnknownError             a write may or may not have taken effect
    ├── StoreAccessError                    password, permission or a read-only database
    ├── StoreFullError
    ├── StoreSetupError                     reachable, but set up wrongly
    ├── CorruptStoreError                   the file or database is damaged
    └── SchemaVersionError                  written by a later version of this package

A message says what is wrong, names the server, and says what to do. Neither the message nor its
cause contains content or secrets: the cause is a `DriverError` with the class and the traceback of
the driver's error, without its text.
"""

from __future__ import annotations

from typing import Any


class ChatStoreError(Exception):
    """Base class of all errors that a store raises.

    Attributes:
        operation: The public method that failed, such as ``"add_message"``; ``None`` if the
            error was raised outside of one.

    """

    operation: str | None = None

    def __str__(self) -> str:
        """Return the message, preceded by the name of the method that failed."""
        message = super().__str__()
        return f"{self.operation}: {message}" if self.operation else message

    def __reduce__(self) -> Any:
        """Pickle every attribute, so that other processes can receive the error."""
        return _restore, (type(self), self.args, dict(self.__dict__))


def _restore(kind: type[ChatStoreError], args: tuple[Any, ...], state: dict[str, Any]) -> Any:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class DriverError(Exception):
    """The cause of a `ChatStoreError`: the class and the traceback of a driver's error.

    The driver's text is left out, since it may quote a URL with its password, or content.
    """

    @classmethod
    def of(cls, error: BaseException, depth: int = 5) -> DriverError:
        """Return the replacement for an error and for up to ``depth`` of its causes."""
        kind = type(error)
        replacement = cls(f"{kind.__module__}.{kind.__qualname__}")
        cause = _cause(error)
        if cause is not None and depth > 1:
            replacement.__cause__ = cls.of(cause, depth - 1)
        return replacement.with_traceback(error.__traceback__)


def hide_driver_errors(error: ChatStoreError) -> None:
    """Replace drivers' errors in the chain of causes of an error by `DriverError`."""
    cause = _cause(error)
    if isinstance(cause, ChatStoreError):
        hide_driver_errors(cause)
        error.__cause__ = cause
    elif cause is not None and not isinstance(cause, DriverError):
        error.__cause__ = DriverError.of(cause)
    error.__context__ = None


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or error.__context__


class InvalidArgumentError(ChatStoreError, ValueError):
    """An argument was refused before anything was sent."""


class InvalidKeyError(InvalidArgumentError):
    """The key is not a non-empty string of at most 255 bytes in UTF-8."""


class InvalidMessageError(InvalidArgumentError):
    """The message contains something that would not be read back unchanged."""


class MessageTooLargeError(InvalidArgumentError):
    """The message exceeds the store's `max_message_bytes`."""


class UnknownSchemeError(InvalidArgumentError):
    """No installed distribution opens URLs of this scheme."""


_ADVICE = (
    "iter_messages(key, on_corrupt='skip') reads the other messages, "
    "delete_message(key, idx, force=True) removes this one"
)


class MessageConflictError(ChatStoreError):
    """The conversation has a message with the same id and other content.

    Content means role, content and additional_kwargs: metadata and time may differ.
    """


class CorruptMessageError(ChatStoreError):
    """A stored record cannot be read; it is kept.

    Attributes:
        key: The conversation.
        position: The record's position, as the store assigned it.

    """

    def __init__(self, message: str, *, key: str, position: int, advice: str = _ADVICE) -> None:
        """Leave the key out of the message, since keys often identify users."""
        super().__init__(f"{message} (position {position}); {advice}")
        self.key = key
        self.position = position


class ConversationExistsError(ChatStoreError):
    """A conversation with the key of a new one exists already."""


class ConversationNotFoundError(ChatStoreError):
    """The conversation does not exist: it was never created, was deleted or has expired."""


class MessageNotFoundError(ChatStoreError):
    """The conversation does not have a message with this id."""


class RevisionConflictError(ChatStoreError):
    """The conversation has another revision than ``expected_revision``; nothing was written.

    Attributes:
        current_revision: The revision of the conversation; ``None``: it does not exist.

    """

    def __init__(self, current_revision: str | None) -> None:
        """Describe the conflict."""
        state = "does not exist" if current_revision is None else "has changed"
        super().__init__(
            f"the conversation {state} since this revision was read; nothing was written: read it "
            "again, decide again, and write with the new revision"
        )
        self.current_revision = current_revision


class ConversationChangedError(ChatStoreError):
    """A conversation was replaced, reordered or deleted while an iterator read it."""


class StoreClosedError(ChatStoreError, RuntimeError):
    """The store was closed."""


class StoreUnavailableError(ChatStoreError):
    """The database is down, slow or busy; trying again may help."""


class OutcomeUnknownError(StoreUnavailableError):
    """A write may or may not have taken effect, and the store cannot tell.

    The store does not apply it again. Read the conversation before you repeat the call; appends
    of messages with ids can be repeated at any time.
    """


class StoreAccessError(ChatStoreError):
    """The database denies access: a wrong password, a missing permission, or it is read-only."""


class StoreFullError(ChatStoreError):
    """The database or the disk is full."""


class StoreSetupError(ChatStoreError):
    """The database answers but is set up wrongly.

    For example, tables are missing or belong to another program, or a cluster is used as a single
    server. The message says what was expected, what was found and what to do.
    """


class CorruptStoreError(ChatStoreError):
    """Stored data is damaged, or parts of a conversation are inconsistent."""


class SchemaVersionError(ChatStoreError):
    """The database was written by a later version of this package."""
