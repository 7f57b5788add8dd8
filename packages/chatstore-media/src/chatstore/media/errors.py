"""The errors of this package."""

from __future__ import annotations

from chatstore.core import ChatStoreError


class MediaError(ChatStoreError):
    """A media object of a message cannot be read; the message is kept, and no read leaves it out.

    Attributes:
        name: The object's name: the SHA-256 digest of its content, and for a second copy a suffix.

    """

    def __init__(self, message: str, name: str) -> None:
        """Take the message and the object's name."""
        super().__init__(message)
        self.name = name


class MissingMediaError(MediaError):
    """The object does not exist: it was deleted, or the folder is another one."""


class DamagedMediaError(MediaError):
    """The object's content does not have the digest that its name says."""
