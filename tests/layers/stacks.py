"""The layers that are tested, each alone and all together.

To test another layer, add it to `LAYERS`, and to `combined` in its place.
"""

from __future__ import annotations

import hmac
import os
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from media_stores import MessagesAsMedia

from chatstore.core import ChatMessage
from chatstore.core.backend import Backend, WrapperBackend
from chatstore.core.layers import PrefixedBackend, RedactedBackend
from chatstore.core.testing import ContractHarness
from chatstore.core.testing.layers import Layer, LayeredHarness
from chatstore.encryption import EncryptedBackend, HashedNamesBackend, KeyRing
from chatstore.media import MediaBackend, MediaFolder
from chatstore.opentelemetry import TracedBackend

TENANT = "acme"
KEYS = {"old": b"\x01" * 32, "new": b"\x02" * 32}
NAME_SECRET = b"\x03" * 16


class LayerCase(NamedTuple):
    """A layer, or several.

    Attributes:
        layer: Wraps a backend; picklable, for tests with processes.
        stored_key: Returns the key in the database.
        max_name_bytes: The longest keys and owners.

    """

    layer: Layer
    stored_key: Callable[[str], str] = str
    max_name_bytes: int = 255

    def over(self, harness: ContractHarness) -> LayeredHarness:
        """Return a harness with the layer over another one's backends."""
        return LayeredHarness(
            harness, self.layer, stored_key=self.stored_key, max_name_bytes=self.max_name_bytes
        )


def unchanged(message: ChatMessage) -> ChatMessage:
    return message


def encrypted(backend: Backend[Any]) -> Backend[Any]:
    return EncryptedBackend(backend, KeyRing(KEYS, primary="new"))


def hashed(backend: Backend[Any]) -> Backend[Any]:
    return HashedNamesBackend(backend, KeyRing(KEYS, primary="new"), name_secret=NAME_SECRET)


def prefixed(backend: Backend[Any]) -> Backend[Any]:
    return PrefixedBackend(backend, TENANT)


redacted = partial(RedactedBackend, redact=unchanged)
traced = partial(TracedBackend, content=True)
# Objects are named by their content, so all tests can share a folder, and processes must.
_temporary = tempfile.TemporaryDirectory()
_folder = os.environ.setdefault("CHATSTORE_TEST_MEDIA", _temporary.name)
_media = partial(MediaBackend, folder=MediaFolder(_folder), min_bytes=1)


def media(backend: Backend[Any]) -> Backend[Any]:
    return MessagesAsMedia(_media(backend), nth=4)


def combined(backend: Backend[Any]) -> Backend[Any]:
    """Return all layers in the order of the documentation: what is redacted is encrypted."""
    return traced(redacted(media(hashed(prefixed(backend)))))


def prefixed_key(key: str) -> str:
    return f"{len(TENANT)}:{TENANT}:{key}"


def hashed_key(key: str) -> str:
    return hmac.digest(NAME_SECRET, f"key:{key}".encode(), "sha256").hex()


def combined_key(key: str) -> str:
    return prefixed_key(hashed_key(key))


plain = LayerCase(WrapperBackend)
LAYERS: dict[str, LayerCase] = {
    "prefixed": LayerCase(prefixed, prefixed_key, 255 - len(prefixed_key(""))),
    "redacted": LayerCase(redacted),
    "encrypted": LayerCase(encrypted),
    "hashed": LayerCase(hashed, hashed_key),
    "traced": LayerCase(traced),
    "media": LayerCase(media),
}
COMBINED = LayerCase(combined, combined_key)
