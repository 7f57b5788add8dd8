"""Which properties a container's indexing policy indexes.

https://learn.microsoft.com/azure/cosmos-db/index-policy
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EVERYTHING = {
    "indexingMode": "consistent",
    "automatic": True,
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": '/"_etag"/?'}],
}
"""The policy of a container that was created without one."""


def is_indexed(policy: Mapping[str, Any], path: str) -> bool:
    """Return whether a property such as ``/a/b`` is indexed; the id always is.

    If an included and an excluded path are about the same property, the more precise one counts.
    """
    if policy.get("indexingMode") == "none":
        return False
    included = _precision(policy.get("includedPaths", ()), path)
    excluded = _precision(policy.get("excludedPaths", ()), path)
    return path == "/id" or included > excluded


def _precision(patterns: Any, path: str) -> int:
    """Return the length of the most precise pattern that a path matches, -1 without one."""
    paths = [str(pattern["path"]) for pattern in patterns]
    exact = [text for text in paths if text == f"{path}/?"]
    below = [text for text in paths if text.endswith("/*") and path.startswith(text[:-1])]
    return max(map(len, [*exact, *below]), default=-1)
