"""The error of this package."""

from __future__ import annotations

from chatstore.core import ChatStoreError


class DecryptionError(ChatStoreError):
    """A message or a record cannot be decrypted; it is kept, and no read leaves it out.

    The key is missing or wrong, or what is stored was changed, moved from another message or
    conversation, or is plain text where that is not allowed.

    Attributes:
        key_id: The id of the key that is needed; ``None`` if it is not known.

    """

    key_id: str | None = None

    def __init__(self, message: str, key_id: str | None = None) -> None:
        """Take the message and the key's id."""
        super().__init__(message)
        self.key_id = key_id
