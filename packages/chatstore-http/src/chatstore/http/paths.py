"""Keys and ids as segments of paths: any key of a store can be addressed."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.:@=,-]*")
_MARK = "~"


def path_segment(name: str) -> str:
    """Return a key or a message's id as a segment of a path.

    It is the name itself if it consists of letters, digits and ``-_.:@=,`` and does not begin with
    one of ``.:@=,``; otherwise ``~`` and the base64url of its UTF-8 bytes, because servers decode
    ``%2F`` before they compare paths.
    """
    if _PLAIN.fullmatch(name):
        return name
    return _MARK + urlsafe_b64encode(name.encode()).decode().rstrip("=")


def segment_name(segment: str) -> str | None:
    """Return the key or id of a segment, ``None`` if it is not one."""
    if not segment.startswith(_MARK):
        return segment
    encoded = segment.removeprefix(_MARK)
    try:
        return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except ValueError:
        return None
