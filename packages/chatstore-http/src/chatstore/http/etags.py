"""ETags: the revision of a conversation, and the format if it is not the plain one."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

_TAG = re.compile(r'(W/)?"([^"]*)"')
_SEPARATOR = ";"


def write_etag(revision: str, variant: str = "") -> str:
    """Return the ETag of a conversation's representation.

    Args:
        revision: The conversation's revision.
        variant: What else tells representations of the same URL apart.

    """
    suffix = f"{_SEPARATOR}{variant}" if variant else ""
    return f'"{quote(revision, safe="")}{suffix}"'


def expected_revisions(if_match: str | None) -> frozenset[str] | None:
    """Return the revisions that the header ``If-Match`` names, ``None``: any.

    Weak ETags do not count (RFC 9110, 13.1.1). A header without a usable ETag names no revision,
    so that nothing matches it.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tags = _TAG.findall(if_match)
    return frozenset(unquote(tag.partition(_SEPARATOR)[0]) for weak, tag in tags if not weak)


def is_fresh(if_none_match: str | None, etag: str) -> bool:
    """Return whether the header ``If-None-Match`` names the ETag, so that 304 is the answer."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return etag in {f'"{tag}"' for _, tag in _TAG.findall(if_none_match)}
