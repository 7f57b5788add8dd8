"""Keep the images and files of LLM conversations in object storage.

``ChatStore(MediaBackend(store.backend, MediaFolder("s3://bucket/media")))`` is a complete store,
sync and async.
"""

from chatstore.media.backend import MediaBackend
from chatstore.media.collecting import Collected, async_collect, collect
from chatstore.media.errors import DamagedMediaError, MediaError, MissingMediaError
from chatstore.media.folder import MediaFolder

__all__ = [
    "Collected",
    "DamagedMediaError",
    "MediaBackend",
    "MediaError",
    "MediaFolder",
    "MissingMediaError",
    "async_collect",
    "collect",
]
